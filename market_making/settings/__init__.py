"""The `market_making` section of the configuration."""
