"""A live run held against a replay of its own recording: what was filled, what was decided, how long it took."""
