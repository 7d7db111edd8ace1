r"""Adverse selection: how far mid moves against the maker after a market order, over all of them and on a fill.

.. math:: \hat\varepsilon = \frac1n \sum_i J_i - s\,m\,h, \quad J_i = s (S_{t_i + h} - S_{t_i -}), \quad h = 1 s

.. math:: \widehat{se} = \frac1n \sqrt{\sum_g r_g^2}, \quad
          r_g = \sum_{i \in g} (J_i - s\,m\,h - \hat\varepsilon) - \frac{n h}{T} s (\Delta S_g - m T_g)

with s the direction and `m` the mean drift of the window: without it a trend counts as impact. The mean is taken over
winsorised moves (a single jump must not decide). The error is that of clusters g of 15 s, because neighbours share
their moves, with what each cluster shares with the next, because a burst may span both (Newey and West, 1987); what the
orders of a cluster share with its trend ΔS is left out of it, for it sums to the drift, which is known. Where a few
clusters hold most of the variance, the error is itself uncertain, and the t quantile has as many degrees of freedom as
its variance leaves (Satterthwaite, 1946).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from scipy.special import stdtrit

from calibration.estimators.estimate import Estimate
from calibration.estimators.market_orders import HORIZON_MS
from calibration.estimators.seconds import SECOND_MS, Seconds
from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray, IntArray

CLUSTER_MS = 15_000
_WINSORISED = 0.01
_HORIZON_S = HORIZON_MS / 1e3


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard error, the degrees of freedom of that, and the number of observations."""

    value: float
    error: float
    freedom: float
    n: int

    @property
    def quantile(self) -> float:
        """Half width of the 95 % interval in standard errors."""
        return float(stdtrit(max(self.freedom, 1.0), 0.975))

    @property
    def estimate(self) -> Estimate:
        """The mean and its 95 % interval, unshrunk."""
        width = self.quantile * self.error
        return Estimate(self.value, self.value - width, self.value + width, self.n)


@dataclass(frozen=True, eq=False)  # no slots: what is derived is kept
class Trend:
    """Moves of mid in each cluster of the window.

    `first` is the number of the first cluster since 1970; `moves` [price] and `seconds` [s] have one entry a cluster,
    and hold what was observed of it.
    """

    first: int
    moves: FloatArray
    seconds: FloatArray

    @cached_property
    def observed_s(self) -> float:
        """Observed time [s]."""
        return float(self.seconds.sum())

    @cached_property
    def drift(self) -> float:
        """Mean move of mid [price/s]."""
        return float(self.moves.sum()) / self.observed_s if self.observed_s > 0 else 0.0

    @cached_property
    def detrended(self) -> FloatArray:
        """Moves of each cluster without the drift [price]."""
        rest: FloatArray = self.moves - self.drift * self.seconds
        return rest

    def cluster(self, time_ms: IntArray) -> IntArray:
        """Position of the cluster of each time, the first or the last for a time at the very edge."""
        position: IntArray = np.minimum(np.maximum(time_ms // CLUSTER_MS - self.first, 0), len(self.moves) - 1)
        return position

    @classmethod
    def of(cls, grid: Seconds) -> Self:
        """Sum up the moves of mid from second to second."""
        step = grid.mid[1:] - grid.mid[:-1]
        known = np.flatnonzero(~np.isnan(step))
        second = grid.start_s + 1 + known
        cluster = second * SECOND_MS // CLUSTER_MS
        first = grid.start_s * SECOND_MS // CLUSTER_MS
        size = (grid.start_s + len(grid.mid)) * SECOND_MS // CLUSTER_MS - first + 1
        moves = np.bincount(cluster - first, weights=step[known], minlength=size).astype(np.float64)
        return cls(first, moves, np.bincount(cluster - first, minlength=size).astype(np.float64))


def mean_markout(markout: FloatArray, time_ms: IntArray, sign: int, trend: Trend) -> Mean:
    """Mean adverse move after the orders of one direction, without the drift, with its standard error.

    Parameters
    ----------
    markout : FloatArray, shape (n,)
        Moves of mid in the direction of the orders within a second [price], NaN where not seen.
    time_ms : IntArray, shape (n,)
        When the orders came.
    sign : int
        Direction of the orders.
    trend : Trend
        Of the window.

    Raises
    ------
    NotEnoughData
        With fewer than two clusters: nothing can be said about the error.
    """
    seen = ~np.isnan(markout)
    moves, member = markout[seen], trend.cluster(time_ms[seen])
    clusters = int(np.count_nonzero(np.bincount(member)))
    if clusters < 2:
        raise NotEnoughData(f"{len(moves)} market orders in {clusters} clusters of 15 s, need 2 clusters")
    moves = _winsorised(moves)
    centre = float(moves.sum()) / len(moves)
    shared = len(moves) * _HORIZON_S / trend.observed_s * sign * trend.detrended if trend.observed_s else 0.0
    residual = np.bincount(member, weights=moves - centre, minlength=len(trend.moves)).astype(np.float64) - shared
    spread = cluster_spread(residual, clusters)
    return Mean(centre - sign * trend.drift * _HORIZON_S, spread.error / len(moves), spread.freedom, len(moves))


class ClusterSpread(NamedTuple):
    """Standard error of a sum over clusters and its degrees of freedom."""

    error: float
    freedom: float


def cluster_spread(residual: FloatArray, clusters: int) -> ClusterSpread:
    """Spread of a sum of residuals, given by cluster in the order of time; `clusters` of them hold observations."""
    squares = residual**2
    alone = float(squares.sum())
    if alone == 0:
        return ClusterSpread(0.0, clusters - 1.0)
    shared = max(0.0, float((residual[1:] * residual[:-1]).sum()))
    uneven = float((squares**2).sum()) - alone**2 / clusters
    freedom = clusters - 1.0 if uneven <= 0 else min(clusters - 1.0, 2 * alone**2 / uneven)
    return ClusterSpread(float(np.sqrt(clusters / (clusters - 1) * (alone + shared))), freedom)


def _winsorised(moves: FloatArray) -> FloatArray:
    """Replace the largest and the smallest hundredth of the moves by the nearest other one."""
    cut = int(_WINSORISED * len(moves))
    if cut == 0:
        return moves
    ranked = np.partition(moves, [cut, len(moves) - 1 - cut])
    within: FloatArray = np.minimum(np.maximum(moves, ranked[cut]), ranked[-1 - cut])
    return within


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
    member = cluster - cluster[0] if len(cluster) else cluster
    clusters = int(np.count_nonzero(np.bincount(member)))
    centred = depth - depth.sum() / len(depth) if len(depth) else depth
    power = float((centred**2).sum())
    if clusters < 3 or power == 0:
        raise NotEnoughData(f"{len(moves)} orders through the touch in {clusters} clusters of 15 s, need 3 clusters")
    value = float((centred * moves).sum()) / power
    residual = moves - moves.sum() / len(moves) - value * centred
    spread = cluster_spread(np.bincount(member, weights=centred * residual).astype(np.float64), clusters)
    return Mean(value, spread.error / power, spread.freedom, len(moves))
