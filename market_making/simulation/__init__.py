"""Simulated markets whose true parameters are known."""
