"""A local Hyperliquid: the real protocol over a simulated market or a recording."""
