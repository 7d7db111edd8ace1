"""Plans at the open of a candle, for backtests and hyperopt."""
