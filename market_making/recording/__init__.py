"""Recording markets: the tick store, its collectors and its importers."""
