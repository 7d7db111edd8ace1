"""Hyperliquid's protocol in both directions; nothing outside this folder knows a field of it."""
