r"""How busy the market is now, against the mean of the window: bursts of orders come in spells, and so does quiet.

.. math:: a = 1 - w + w \frac{\hat r_{recent}}{\hat r_{window}}, \quad
          \hat r_{recent} = \tfrac12 \sum_j \frac{\sum_i 2^{-age_i / h_j}}{\int 2^{-age / h_j}}, \quad
          w = w_0 (1 - 1 / F)

Both directions share one activity: what excites buyers excites sellers. The recent rate is a mean over two half-lives
`h`, because bursts have no single length. It counts only as far as the counts vary more than chance lets them (`F`,
the ratio of variance to mean): in a steady market the mean of the whole window is the better forecast.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from calibration.estimators.coverage import exposure_s
from calibration.estimators.estimate import Estimate
from market_making.market.tape import IntArray

HALF_LIVES_S = (15.0, 60.0)
_LARGEST_WEIGHT = 0.6


class Activity(NamedTuple):
    """Factor on the mean rates of the window, with its 95 % interval."""

    factor: float
    low: float
    high: float

    def on(self, rate: Estimate) -> Estimate:
        """Rate now; the relative errors of mean and factor add up as those of independent numbers."""
        value = rate.value * self.factor
        below = np.hypot(1 - rate.low / rate.value, 1 - self.low / self.factor)
        above = np.hypot(rate.high / rate.value - 1, self.high / self.factor - 1)
        return replace(rate, value=value, low=value * max(0.0, 1 - float(below)), high=value * (1 + float(above)))


def activity(time_ms: IntArray, gaps: IntArray, start_ms: int, end_ms: int, fano: float) -> Activity:
    """Activity at the end of a window, from the times of the orders of both directions.

    Parameters
    ----------
    time_ms : IntArray, shape (n,)
        Ascending.
    gaps : IntArray, shape (m, 2)
        Unobserved intervals inside the window.
    start_ms, end_ms : int
        The window.
    fano : float
        Variance over mean of the counts, at least 1; 1 means nothing but chance.
    """
    exposure = exposure_s(gaps, start_ms, end_ms)
    if len(time_ms) == 0 or exposure <= 0:
        return Activity(1.0, 1.0, 1.0)
    weight = _LARGEST_WEIGHT * (1 - 1 / fano)
    age_s = (end_ms - time_ms) / 1e3
    recent = [np.exp2(-age_s / half).sum() / _decayed_exposure(gaps, start_ms, end_ms, half) for half in HALF_LIVES_S]
    ratio = float(np.mean(recent)) * exposure / len(time_ms)
    means = np.array(HALF_LIVES_S) / np.log(2)
    concentration = max(0.0, exposure * float((1 / np.add.outer(means, means)).mean()) - 1)
    factor = 1 - weight + weight * ratio
    width = 1.96 * weight * float(np.sqrt(fano / len(time_ms) * concentration))
    return Activity(factor, max(factor - width, 1 - weight), factor + width)


def _decayed_exposure(gaps: IntArray, start_ms: int, end_ms: int, half_life_s: float) -> float:
    """Observed time, each moment discounted by its age [s]."""
    inside = np.minimum(np.maximum(gaps, start_ms), end_ms)
    edges = np.concatenate([[start_ms], inside.ravel(), [end_ms]])
    left = np.exp2(-(end_ms - edges) / 1e3 / half_life_s)
    return max(float((left[1::2] - left[::2]).sum()) * half_life_s / float(np.log(2)), 1e-9)
