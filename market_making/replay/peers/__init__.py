"""Other makers over the same tapes: each is what it quotes and how it keeps its orders, written from public facts."""
