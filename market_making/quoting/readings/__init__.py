"""What a model may read of the past: volatility, bias, markouts, book depth."""
