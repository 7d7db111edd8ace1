"""Volatility from mid prices and from candles, and its units.

Inside, volatility is relative per √s unless its name says otherwise; `price_volatility` gives σ in price/√s as the
models want it. Mid prices, not trades: a trade price jumps between bid and ask without anything having moved.
"""

from typing import NamedTuple

import numpy as np

from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray, IntArray

SECONDS_A_YEAR = 365 * 86_400
_SHORT, _LONG = 60, 600  # returns
_DECAY = 0.94
_LEAST_RETURNS = 60


class EffectiveVolatility(NamedTuple):
    """Rolling over 60 and over 600 returns, exponentially weighted, and their mix 0.3/0.4/0.3; relative per √s."""

    short: float
    weighted: float
    long: float

    @property
    def mixed(self) -> float:
        """The effective volatility."""
        return 0.3 * self.short + 0.4 * self.weighted + 0.3 * self.long


class Returns(NamedTuple):
    """Logarithmic returns and the time each took [s]; shapes (n,)."""

    moves: FloatArray
    elapsed_s: FloatArray


def unbroken_returns(time_ms: IntArray, mid: FloatArray, *, longest_gap_ms: int) -> Returns:
    """Returns from each update of mid to the next, without those over a gap.

    Not on a grid: a grid finer than the updates is made of steps without a move and steps with several, and a rule
    that drops some of them, but not all, is biased.

    Parameters
    ----------
    time_ms, mid : array, shape (n,)
        Updates of mid, ascending in time [ms, price].
    longest_gap_ms : int
        Two updates further apart have no return.
    """
    elapsed_ms = np.diff(time_ms)
    unbroken = elapsed_ms <= longest_gap_ms
    return Returns(np.diff(np.log(mid))[unbroken], elapsed_ms[unbroken] / 1e3)


def effective_volatility(returns: FloatArray, elapsed_s: float | FloatArray) -> EffectiveVolatility:
    """Effective volatility after the last of the returns, ascending in time [relative per √s].

    `elapsed_s` is the time of every return, or of each. Squares are added up and divided by the time added up, so that
    one move within a short time counts no more than its square. The weighted variance is updated with every return of
    the last 600 and starts from their variance.

    Raises
    ------
    NotEnoughData
        With fewer than 60 returns.
    """
    if len(returns) < _LEAST_RETURNS:
        raise NotEnoughData(f"{len(returns)} returns, need {_LEAST_RETURNS}")
    long, elapsed = returns[-_LONG:], np.broadcast_to(elapsed_s, returns.shape)[-_LONG:]
    variance = _variance(long, elapsed)
    weights = (1 - _DECAY) * _DECAY ** np.arange(len(long))[::-1]
    start = _DECAY ** len(long) * elapsed.mean()
    weighted = (start * variance + (weights * long**2).sum()) / (start + (weights * elapsed).sum())
    short = _variance(long[-_SHORT:], elapsed[-_SHORT:])
    return EffectiveVolatility(*(float(np.sqrt(value)) for value in (short, weighted, variance)))


def _variance(returns: FloatArray, elapsed_s: FloatArray) -> float:
    """Of the returns about their common drift [1/s]."""
    drift = returns.sum() / elapsed_s.sum()
    return float(((returns - drift * elapsed_s) ** 2).sum() / elapsed_s.sum())


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
