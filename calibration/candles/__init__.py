"""Calibration histories guessed from candles."""
