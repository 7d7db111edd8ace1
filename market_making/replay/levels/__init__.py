"""A strategy with levels in full: every level of a ladder, every tier, rests on both sides at once."""
