"""Recording: what a market sends becomes rows of the tick store, each once, and silences become gaps."""
