"""Candles: files of them, and candles made from ticks."""
