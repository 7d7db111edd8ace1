"""Preflight: every check of account, fees, limits, clock and configuration that a start depends on (`mm check`)."""
