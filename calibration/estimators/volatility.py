r"""Volatility of mid: realised variance of overlapping moves, none of them over a gap.

.. math:: \sigma^2 = \overline{(S_{t + 5 s} - S_t)^2} / 5 s

Jumps count: a maker with inventory suffers the total variance. Five seconds are long enough that quotes which lag
the true price have caught up, and short enough for a standard error of a few percent in half an hour.
"""

import numpy as np
from scipy.special import gammaincinv

from calibration.estimators.estimate import Estimate
from calibration.estimators.seconds import Seconds
from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray

SPAN_S = 5
_FLOOR_SPAN_S = 300.0


def volatility(seconds: Seconds, tick: float) -> Estimate:
    """Volatility of mid [price/√s], never below what the tick can hide.

    Raises
    ------
    NotEnoughData
        With fewer than two independent moves.
    """
    moves = seconds.moves(SPAN_S)
    independent = len(moves) // SPAN_S
    if independent < 2:
        raise NotEnoughData(f"{len(moves)} s of uninterrupted quotes, need {2 * SPAN_S} s")
    variance = float((moves**2).mean()) / SPAN_S
    floor = tick / float(np.sqrt(12 * _FLOOR_SPAN_S))
    freedom = _effective_freedom(moves, independent)
    low, high = (freedom / 2 / gammaincinv(freedom / 2, level) for level in (0.975, 0.025))
    value = max(float(np.sqrt(variance)), floor)
    return Estimate(value, float(np.sqrt(low * variance)), max(float(np.sqrt(high * variance)), value), len(moves))


def _effective_freedom(moves: FloatArray, independent: int) -> float:
    """Degrees of freedom of the variance: fat tails leave fewer than there are moves."""
    squares = moves**2
    spread = float(squares.var())
    if spread == 0:
        return float(independent)
    return max(2.0, min(independent, 2 * float(squares.mean()) ** 2 / spread * independent))
