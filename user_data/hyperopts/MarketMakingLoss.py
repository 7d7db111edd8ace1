"""A loss for market makers: the net result that is not luck."""

from math import sqrt
from typing import Any

from freqtrade.optimize.hyperopt import IHyperOptLoss
from pandas import DataFrame

_LEAST_TRADES = 30
_DEVIATIONS = 2.0


class MarketMakingLoss(IHyperOptLoss):
    """Minus the lower end of the 95 % interval of the net profit, in quote currency.

    A maker has many small trades: their sum counts, less two of its standard errors, so that a setting with few lucky
    fills does not win over one with many. Fees are in it; queues are not, because candles have none.
    """

    @staticmethod
    def hyperopt_loss_function(*, results: DataFrame, trade_count: int, **kwargs: Any) -> float:
        """Return the loss; too few trades are worse than any loss seen."""
        profits = results["profit_abs"]
        if trade_count < _LEAST_TRADES:
            return float(profits.abs().sum() + _LEAST_TRADES - trade_count)
        return float(_DEVIATIONS * profits.std() * sqrt(trade_count) - profits.sum())
