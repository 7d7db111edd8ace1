r"""Adverse selection: how far mid moves against the maker after a market order, over all of them and on a fill.

.. math:: J_i = sign_i (S_{t_i + 1 s} - S_{t_i -}) - sign_i \, m \cdot 1 s

with `m` the mean drift of the window: without it a trend counts as impact. The mean is taken over winsorised moves
(a single jump must not decide), its standard error over clusters of 15 s, because neighbours share their moves.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from calibration.estimate import Estimate
from market.errors import NotEnoughData
from market.tape import FloatArray, IntArray

CLUSTER_MS = 15_000
_WINSORISED = 0.01


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error, the freedom behind it and the number of observations."""

    value: float
    error: float
    clusters: int
    n: int

    @property
    def quantile(self) -> float:
        """Half width of the 95 % interval in standard errors."""
        return float(stdtrit(max(self.clusters - 1, 1), 0.975))

    @property
    def estimate(self) -> Estimate:
        """The mean and its 95 % interval, unshrunk."""
        width = self.quantile * self.error
        return Estimate(self.value, self.value - width, self.value + width, self.n)


def mean_markout(markout: FloatArray, time_ms: IntArray) -> Mean:
    """Mean of de-drifted markouts with a standard error clustered in time.

    Parameters
    ----------
    markout : FloatArray, shape (n,)
        Signed moves of mid [price], NaN where not seen.
    time_ms : IntArray, shape (n,)
        When the orders came.

    Raises
    ------
    NotEnoughData
        With fewer than two clusters: nothing can be said about the error.
    """
    seen = ~np.isnan(markout)
    moves, cluster = markout[seen], time_ms[seen] // CLUSTER_MS
    _, member = np.unique(cluster, return_inverse=True)
    clusters = int(member[-1]) + 1 if len(member) else 0
    if clusters < 2:
        raise NotEnoughData(f"{len(moves)} market orders in {clusters} clusters of 15 s, need 2 clusters")
    moves = np.clip(moves, *np.quantile(moves, [_WINSORISED, 1 - _WINSORISED]))
    value = float(moves.mean())
    sums = np.bincount(member, weights=moves - value)
    error = float(np.sqrt(clusters / (clusters - 1) * (sums**2).sum())) / len(moves)
    return Mean(value, error, clusters, len(moves))


def shrink(mean: Mean, centre: float, spread: float) -> Estimate:
    """Posterior of a mean that is expected around `centre`, give or take `spread` (one standard deviation)."""
    if mean.error == 0:
        return mean.estimate
    weight = spread**2 / (spread**2 + mean.error**2)
    value = weight * mean.value + (1 - weight) * centre
    width = mean.quantile * mean.error * float(np.sqrt(weight))
    return Estimate(value, value - width, value + width, mean.n)


def pooled(one: Mean, other: Mean) -> float:
    """Mean of two means, each weighted by its precision."""
    if one.error == 0 or other.error == 0:
        return (one.value * one.n + other.value * other.n) / (one.n + other.n)
    weights = np.array([one.error, other.error]) ** -2.0
    return float(np.average([one.value, other.value], weights=weights))


def depth_slope(markout: FloatArray, reach: FloatArray, time_ms: IntArray) -> Mean:
    """Slope θ of the adverse move on the depth reached: ``E[J | reach] = c + θ reach`` [1].

    Least squares with a standard error clustered in time.

    Raises
    ------
    NotEnoughData
        With fewer than three clusters or a single depth.
    """
    seen = ~np.isnan(markout)
    moves, depth, cluster = markout[seen], reach[seen], time_ms[seen] // CLUSTER_MS
    _, member = np.unique(cluster, return_inverse=True)
    clusters = int(member[-1]) + 1 if len(member) else 0
    centred = depth - depth.mean() if len(depth) else depth
    power = float((centred**2).sum())
    if clusters < 3 or power == 0:
        raise NotEnoughData(f"{len(moves)} orders through the touch in {clusters} clusters of 15 s, need 3 clusters")
    value = float((centred * moves).sum()) / power
    residual = moves - moves.mean() - value * centred
    sums = np.bincount(member, weights=centred * residual)
    error = float(np.sqrt(clusters / (clusters - 1) * (sums**2).sum())) / power
    return Mean(value, error, clusters, len(moves))
