"""An optional, learned forecast of volatility."""
