"""The smallest order that Freqtrade places: it keeps a margin above the exchange's own minimum."""

_DEFAULT_RESERVE, _LARGEST_RESERVE = 0.05, 1.5
_ROUNDING = 1.01  # truncation to lots must not fall below the smallest order


def smallest_notional(minimum_notional: float, stoploss: float, reserve: float | None = None) -> float:
    """Value of the smallest order Freqtrade places, from the exchange's: it reserves for the stop-loss and a margin.

    `reserve` is ``amount_reserve_percent`` of the configuration, where it is set.
    """
    margin = _DEFAULT_RESERVE if reserve is None else reserve
    return minimum_notional * min((1 + margin) / (1 - abs(stoploss)), _LARGEST_RESERVE) * _ROUNDING
