"""Volatility from mid prices and from candles, and its units.

Inside, volatility is relative per √s unless its name says otherwise; `price_volatility` gives σ in price/√s as the
models want it. Mid prices, not trades: a trade price jumps between bid and ask without anything having moved.
"""

import numpy as np

from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray, IntArray

SECONDS_A_YEAR = 365 * 86_400


def realised_volatility(time_ms: IntArray, mid: FloatArray) -> float:
    """√(Σ Δmid² / Σ Δt) over unevenly spaced updates [price/√s].

    Raises
    ------
    NotEnoughData
        Without two updates at different times.
    """
    elapsed_s = float(time_ms[-1] - time_ms[0]) / 1e3 if len(time_ms) > 1 else 0.0
    if elapsed_s <= 0:
        raise NotEnoughData(f"{len(time_ms)} updates of mid over {elapsed_s} s, need two at different times")
    return float(np.sqrt((np.diff(mid) ** 2).sum() / elapsed_s))


def average_true_range(high: FloatArray, low: FloatArray, close: FloatArray, length: int = 14) -> FloatArray:
    """Wilder's average true range of candles [price]; NaN before `length` candles after the first. Shapes (n,)."""
    before = close[:-1]
    ranges = np.maximum.reduce([high[1:] - low[1:], np.abs(high[1:] - before), np.abs(low[1:] - before)])
    return np.concatenate([[np.nan], wilder_average(ranges, length)])[: len(close)]


def wilder_average(values: FloatArray, length: int) -> FloatArray:
    """Wilder's moving average: seeded with the mean of the first `length` numbers, then 1/length of each new one.

    Leading NaN are skipped; the result is NaN until it is seeded. Shape (n,).
    """
    return exponential_average(values, 1 / length, length)


def exponential_average(values: FloatArray, weight: float, seed: int) -> FloatArray:
    """Exponential average with the weight of a new number, seeded with the mean of the first `seed` ones."""
    result = np.full(len(values), np.nan)
    start = int(np.isnan(values).argmin()) if len(values) else 0
    first = start + seed - 1
    if first >= len(values):
        return result
    average = float(values[start : first + 1].mean())
    result[first] = average
    for index in range(first + 1, len(values)):
        average += weight * (values[index] - average)
        result[index] = average
    return result


def price_volatility(relative: float, mid: float) -> float:
    """Relative per √s → price/√s, as the models want it."""
    return relative * mid


def bps_per_root_minute(relative: float) -> float:
    """Relative per √s → basis points per √minute, as the ladders want it."""
    return float(relative * 60**0.5 * 1e4)


def annualised(relative: float) -> float:
    """Relative per √s → share per √year."""
    return float(relative * SECONDS_A_YEAR**0.5)


def relative_over(relative: float, horizon_s: float) -> float:
    """Relative per √s → standard deviation of the return over a horizon."""
    return float(relative * horizon_s**0.5)
