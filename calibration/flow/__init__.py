"""From estimates to the order flow of one coin."""
