"""Effective volatility from whole arrays: what the rolling one is held against."""

from typing import NamedTuple

import numpy as np

from market_making.market.tape import FloatArray, IntArray

SHORT, LONG = 60, 600  # returns
DECAY = 0.94


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

    """
    long, elapsed = returns[-LONG:], np.broadcast_to(elapsed_s, returns.shape)[-LONG:]
    variance = _variance(long, elapsed)
    weights = (1 - DECAY) * DECAY ** np.arange(len(long))[::-1]
    start = DECAY ** len(long) * elapsed.mean()
    weighted = (start * variance + (weights * long**2).sum()) / (start + (weights * elapsed).sum())
    short = _variance(long[-SHORT:], elapsed[-SHORT:])
    return EffectiveVolatility(*(float(np.sqrt(value)) for value in (short, weighted, variance)))


def _variance(returns: FloatArray, elapsed_s: FloatArray) -> float:
    """Of the returns about their common drift [1/s]."""
    drift = returns.sum() / elapsed_s.sum()
    return float(((returns - drift * elapsed_s) ** 2).sum() / elapsed_s.sum())
