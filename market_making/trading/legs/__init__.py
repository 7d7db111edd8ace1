"""Two bots on two accounts that quote both sides together."""
