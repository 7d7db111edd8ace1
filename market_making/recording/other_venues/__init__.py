"""Venues that are reached through ccxt's websocket layer (docs/other-venues.md)."""
