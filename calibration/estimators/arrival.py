r"""Rate of market orders, with an interval that knows that orders come in clusters.

.. math:: \lambda = \frac{n + m}{T + m / r}, \quad
          [\Gamma^{-1}_{0.025}(a),\ \Gamma^{-1}_{0.975}(a + 1)] / b, \quad a = (n + m) / F, \quad b = (T + m / r) / F

`n` orders in `T` seconds; the prior is worth `m` orders at the mean rate `r` of both directions. The interval is
that of Garwood (1936) for the number of independent clusters: `F`, the ratio of variance to mean of the counts, says
how many orders make one.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv

from calibration.estimators.estimate import Estimate
from market_making.market.errors import NotEnoughData
from market_making.market.tape import IntArray

BUCKET_MS = 15_000
_LONGER = 4
LONGEST_BUCKET_MS = _LONGER * BUCKET_MS
_FEWEST_BUCKETS = 10
USUAL_VARIANCE = 0.25  # of the level of recorded markets
_STANDS_OUT = 2.0  # standard errors


class RatePrior(NamedTuple):
    """A rate that is expected [1/s], and how many orders this expectation is worth."""

    rate: float
    orders: float


def arrival_rate(n: int, exposure_s: float, prior: RatePrior, fano: float = 1.0) -> Estimate:
    """Rate of the orders of one direction [1/s].

    Parameters
    ----------
    n : int
        Orders seen.
    exposure_s : float
        Observed time [s].
    prior : RatePrior
        What the rate is expected to be.
    fano : float
        How many orders make an independent observation, at least 1.

    Raises
    ------
    NotEnoughData
        If no time was observed.
    """
    if exposure_s <= 0:
        raise NotEnoughData(f"{n} market orders in {exposure_s:.0f} s of observed time; a rate needs observed time")
    orders, time_s = n + prior.orders, exposure_s + prior.orders / prior.rate
    low, high = gammaincinv(np.array([orders / fano, orders / fano + 1]), np.array([0.025, 0.975])) * fano / time_s
    return Estimate(orders / time_s, float(low), float(high), n)


def bucket_counts(clock_ms: IntArray, observed_ms: int) -> IntArray:
    """Orders in each `BUCKET_MS` of observed time; the rest at the end is left out.

    Parameters
    ----------
    clock_ms : IntArray
        When the orders came, on a clock that stands still in the gaps (`coverage.observed_before`).
    observed_ms : int
        What that clock shows at the end.
    """
    buckets = observed_ms // BUCKET_MS
    return np.bincount(np.maximum(clock_ms - 1, 0) // BUCKET_MS, minlength=buckets)[:buckets].astype(np.int64)


def fano_factor(counts: IntArray) -> float:
    """Ratio of variance to mean of the counts of `bucket_counts`, at least 1.

    The larger of that of the buckets and of four together: clusters longer than a bucket hide from it.
    """
    return max(1.0, _variance_to_mean(counts), _variance_to_mean(_together(counts)))


def _together(counts: IntArray) -> IntArray:
    """Counts of minutes."""
    minutes: IntArray = counts[: len(counts) // _LONGER * _LONGER].reshape(-1, _LONGER).sum(axis=1)
    return minutes


def level_variance(counts: IntArray, usual: float = USUAL_VARIANCE) -> float:
    """Relative variance of the rate from one minute to the next, what counts vary by beyond chance.

    A variance within its standard error counts for nothing. Where counts are so few that a usual variance would not
    stand out from chance by two standard errors, it is near `usual`.

    Parameters
    ----------
    counts : IntArray
        Of `bucket_counts`. Where they make few minutes, the variance from one bucket to the next is taken.
    usual : float
        What is expected of such a market.
    """
    minutes = _together(counts)
    buckets = minutes if len(minutes) >= _FEWEST_BUCKETS else counts
    mean = float(buckets.sum()) / len(buckets) if len(buckets) else 0.0
    if len(buckets) < _FEWEST_BUCKETS or mean == 0:
        return usual
    seen, error = (_variance_to_mean(buckets) - 1) / mean, float(np.sqrt(2 / len(buckets))) / mean
    weight = min((USUAL_VARIANCE / (_STANDS_OUT * error)) ** 2, 1.0)
    return weight * max(0.0, seen - error) + (1 - weight) * usual


def _variance_to_mean(counts: IntArray) -> float:
    buckets, total = len(counts), int(counts.sum())
    if buckets < _FEWEST_BUCKETS or total == 0:
        return 1.0
    return (int(counts @ counts) - total**2 / buckets) / (buckets - 1) * buckets / total
