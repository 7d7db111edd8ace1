r"""How fast the chance to be filled falls with the distance from mid, and the intensity it starts from.

Four of five market orders take the best price only; the others walk on with a geometric number of ticks. The decay is
fitted to the orders that reach the depth d₀ beyond the touch, in whole ticks K beyond it, right censored:

.. math:: P(K \ge k + 1 \mid K \ge k) = p = e^{-\kappa\,tick}, \quad p \sim \mathrm{Beta}(a_0 + S/D, b_0 + F/D), \quad
          S = \sum \min(K, k_{max}), \quad F = \#(K < k_{max})

.. math:: A = r\,e^{\kappa d_0}, \quad r = \text{rate of the orders that reach } d_0

so that ``A exp(−κ d)`` orders a second reach any depth d where a maker may rest. D is the design effect: orders of one
burst reach alike, and count for fewer. The prior is worth a few orders, so that little data gives a value near it.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, digamma, zeta

from calibration.estimators.estimate import Estimate
from market_making.market.errors import InvalidFlow, NotEnoughData
from market_making.market.tape import FloatArray, IntArray

CLUSTER_MS = 15_000
_NEAREST_BPS = 0.5  # beyond the touch; nearer to it queues and not reach decide who is filled
_FURTHEST_BPS = 30.0
_FEWEST_TICKS = 20
_LARGEST_EFFECT = 10.0
_WIDEST = 20.0  # logarithm of the upper bound over the value, where nothing is known
_ROUNDING = 1e-6  # of a tick
_QUANTILE = 1.96


class TailRange(NamedTuple):
    """Depths the decay is fitted to: from `start` on [price], in steps of `tick`; beyond `furthest` steps censored."""

    start: float
    tick: float
    furthest: int

    def ticks(self, reach: FloatArray) -> IntArray:
        """Whole ticks beyond the start of orders that reach it."""
        return np.floor((reach - self.start) / self.tick + _ROUNDING).astype(np.int64)

    def holds(self, reach: FloatArray) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
        """Which orders reach the start."""
        return np.asarray(reach >= self.start - _ROUNDING * self.tick)


def tail_range(mid: float, half_spread: float, tick: float) -> TailRange:
    """Range beyond the touch of a market: at least one tick and half a basis point, on the grid of the touch.

    Raises
    ------
    InvalidFlow
        If a number is not positive and finite.
    """
    if not (0 < mid < np.inf and 0 < tick < np.inf and 0 <= half_spread < np.inf):
        raise InvalidFlow(f"mid {mid}, tick {tick} and half-spread {half_spread} must be positive and finite")
    touch = max(1, round(2 * half_spread / tick)) * tick / 2
    beyond = max(1, ceil(_NEAREST_BPS * mid / 1e4 / tick - _ROUNDING))
    furthest = max(_FEWEST_TICKS, round(_FURTHEST_BPS * mid / 1e4 / tick))
    return TailRange(touch + beyond * tick, tick, furthest)


class Walk(NamedTuple):
    """Sufficient statistics of n orders: ticks `walked` on, times `stopped`, and how alike neighbours reach."""

    walked: float
    stopped: float
    effect: float
    n: int


def walk(ticks: IntArray, time_ms: IntArray, furthest: int) -> Walk:
    """Statistics of orders that went `ticks` beyond the start of the range.

    The design effect is the variance of the sums over clusters of 15 s against that of independent orders.
    """
    walked, stopped = np.minimum(ticks, furthest), ticks < furthest
    total, stops = float(walked.sum()), float(stopped.sum())
    if total == 0 or stops == 0:
        return Walk(total, stops, 1.0, len(ticks))
    mean = total / stops
    sums = np.bincount(time_ms // CLUSTER_MS - time_ms[0] // CLUSTER_MS, weights=walked - mean * stopped)
    effect = float((sums**2).sum()) / (stops * mean * (1 + mean))
    return Walk(total, stops, min(max(effect, 1.0), _LARGEST_EFFECT), len(ticks))


@dataclass(frozen=True)  # no slots: what is derived is kept
class TailDecay:
    """Posterior of the decay, Beta(`walked`, `stopped`) for the chance to walk one more `tick`, from `n` orders.

    κ is not above `steepest`: where orders hardly walk beyond a wide touch, the steepest decay that fits would put more
    orders at depth 0 than there are. The interval holds `elsewhere` too, that of a fit from another depth on: where
    both disagree, the decay is not known as well as either fit says.
    """

    tick: float
    walked: float
    stopped: float
    n: int
    steepest: float = float("inf")
    elsewhere: Estimate | None = None

    @cached_property
    def value(self) -> float:
        """Posterior mean of κ [1/price]."""
        mean = float(digamma(self.walked + self.stopped) - digamma(self.walked)) / self.tick
        return min(mean, self.steepest)

    @cached_property
    def error(self) -> float:
        """Posterior standard deviation of κ [1/price], or what the interval makes it."""
        variance = float(zeta(2.0, self.walked) - zeta(2.0, self.walked + self.stopped))  # of trigamma functions
        error = sqrt(variance) / self.tick
        if self.elsewhere is None:
            return error
        return max(error, (self.estimate.high - self.estimate.low) / (2 * _QUANTILE))

    @cached_property
    def estimate(self) -> Estimate:
        """κ with its 95 % interval [1/price]."""
        far, near = betaincinv(self.walked, self.stopped, np.array([0.975, 0.025]))
        low, high = -float(np.log(far)) / self.tick, -float(np.log(near)) / self.tick
        if self.elsewhere is not None:
            low, high = min(low, self.elsewhere.low), max(high, self.elsewhere.high)
        return Estimate(self.value, min(low, self.value), high, self.n)


def tail_decay(seen: Walk, tick: float, prior: float, prior_orders: float) -> TailDecay:
    """Posterior of κ after `seen`, from a prior of κ worth some orders.

    Raises
    ------
    InvalidFlow
        If tick or prior is not positive and finite.
    """
    if not (0 < prior * tick < np.inf and prior_orders > 0):
        raise InvalidFlow(f"tick {tick} and prior decay {prior} must be positive and finite")
    step = prior_orders / float(np.expm1(prior * tick))
    return TailDecay(tick, step + seen.walked / seen.effect, prior_orders + seen.stopped / seen.effect, seen.n)


def fill_intensity(tail_rate: Estimate, decay: TailDecay, start: float) -> Estimate:
    """Rate of orders extrapolated to depth 0, from the rate of those that reach the depth `start` [1/s].

    Both uncertainties enter the interval, on the logarithmic scale.

    Raises
    ------
    NotEnoughData
        If the rate is zero.
    """
    if tail_rate.value <= 0:
        raise NotEnoughData("0 market orders went through the touch; a fill intensity needs a positive rate")
    value = tail_rate.value * float(np.exp(decay.value * start))
    from_decay = _QUANTILE * decay.error * start
    below = np.log(tail_rate.value / tail_rate.low) if tail_rate.low > 0 else np.inf
    above = np.log(tail_rate.high / tail_rate.value)
    above = min(float(np.hypot(above, from_decay)), _WIDEST)
    low, high = (value * float(np.exp(span)) for span in (-np.hypot(below, from_decay), above))
    return replace(tail_rate, value=value, low=low, high=high)
