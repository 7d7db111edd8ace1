r"""How busy the market is now, against the mean of the window: bursts of orders come in spells, and so does quiet.

Three signs tell it: how often market orders come, how often they get beyond the touch, and how far mid moves. Each is
a ratio of the recent past (half-life `HALF_LIFE_S`) to the window:

.. math:: a_\lambda = o^{\,w_o / 2}, \qquad a_A = (o\,t)^{\,w_o / 4}\; v^{\,w_v / 2}

.. math:: o, t = \frac{m + \sum_i 2^{-age_i / h}}{m + \bar r \int 2^{-age / h}}, \quad
          v^2 = \frac{m + \sum_i 2^{-age_i / h} x_i^2 / \overline{x^2}}{m + \sum_i 2^{-age_i / h}}

with x the overlapping moves of mid over five seconds. Orders and mid weigh alike, and together their exponents are 1:
nothing in them was fitted. Both directions share the activity, for what excites buyers excites sellers.

The weights `w` say how much of such a ratio is more than chance, w = S / (S + N): S is the relative variance of the
level itself from one quarter of a minute to the next, by which the variance of the counts (of the squared moves)
exceeds that of chance, and its standard error; N is the variance of the ratio by chance. In a steady market S is
nought and the mean of the whole window is the better forecast.

The interval is that of the level of the next minute: half its logarithm's 95 % range is 1.96 √log(1 + V), with V the
relative variance of the level from one minute to the next (`arrival.level_variance`), around the activity and around
the mean of the window. Where the window went up and down the next minute will too, and a burst may end at once.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from calibration.estimators.arrival import BUCKET_MS, LONGEST_BUCKET_MS
from calibration.estimators.coverage import exposure_s
from calibration.estimators.estimate import Estimate
from calibration.estimators.seconds import SECOND_MS, Seconds
from calibration.estimators.volatility import SPAN_S
from market_making.market.tape import IntArray

HALF_LIFE_S = 10.0
_MEMORY_S = 2 * HALF_LIFE_S / float(np.log(2))  # the ratio varies by chance as a count over this time does
_PRIOR = 0.5  # orders, or moves: keeps the logarithm of nothing finite
_QUANTILE = 1.96
_ORDERS_SHARE = 0.5  # of the exponent; mid has the rest


@dataclass(frozen=True, eq=False)  # no slots: what is derived is kept
class Span:
    """A window: its ends [ms] and the intervals inside it that were not observed, shape (m, 2)."""

    start_ms: int
    end_ms: int
    gaps: IntArray

    @cached_property
    def observed_s(self) -> float:
        """Observed time [s]."""
        return exposure_s(self.gaps, self.start_ms, self.end_ms)

    @cached_property
    def discounted_s(self) -> float:
        """Observed time, each moment discounted by its age [s]."""
        inside = np.minimum(np.maximum(self.gaps, self.start_ms), self.end_ms)
        edges = np.concatenate([[self.start_ms], inside.ravel(), [self.end_ms]])
        left = np.exp2((edges - self.end_ms) / (1e3 * HALF_LIFE_S))
        return float((left[1::2] - left[::2]).sum()) * HALF_LIFE_S / float(np.log(2))


class Sign(NamedTuple):
    """Logarithm of a ratio of the recent past to the window, and the share of it that is more than chance."""

    log_ratio: float
    weight: float

    @property
    def heeded(self) -> float:
        """The part of the logarithm that counts."""
        return self.weight * self.log_ratio


class Activity(NamedTuple):
    """Factor on the mean rates of the window, with the 95 % interval of what it will be in the next minute.

    `variation` is the relative variance of the level from one minute to the next.
    """

    factor: float
    low: float
    high: float
    variation: float = 0.0

    @classmethod
    def of(cls, log_factor: float, variation: float) -> "Activity":
        """Activity of this logarithm; the next minute may also go on from the mean, as if nothing had been."""
        width = _QUANTILE * float(np.sqrt(np.log1p(variation)))
        low, high = min(log_factor, 0.0) - width, max(log_factor, 0.0) + width
        return cls(float(np.exp(log_factor)), float(np.exp(low)), float(np.exp(high)), variation)

    def varying(self, variation: float) -> "Activity":
        """Return the same factor for a rate that varies otherwise."""
        return Activity.of(float(np.log(self.factor)), variation)

    def on(self, rate: Estimate) -> Estimate:
        """Rate in the next minute; the errors of mean and factor are independent, on the logarithmic scale."""
        value = rate.value * self.factor
        below = np.hypot(np.log(rate.value / rate.low), np.log(self.factor / self.low)) if rate.low > 0 else np.inf
        above = np.hypot(np.log(rate.high / rate.value), np.log(self.high / self.factor))
        return replace(rate, value=value, low=value * float(np.exp(-below)), high=value * float(np.exp(above)))


def order_sign(time_ms: IntArray, span: Span, fano: float) -> Sign:
    """What the times of some orders say.

    Parameters
    ----------
    time_ms : IntArray, shape (n,)
        When the orders came.
    span : Span
        The window they came in.
    fano : float
        Variance over mean of the counts (`arrival.fano_factor`), at least 1; 1 means nothing but chance.
    """
    observed_s = span.observed_s
    if len(time_ms) == 0 or observed_s <= 0:
        return Sign(0.0, 0.0)
    recent = float(np.exp2((time_ms - span.end_ms) / (1e3 * HALF_LIFE_S)).sum())
    usual = len(time_ms) / observed_s * span.discounted_s
    excess = fano - 1 - float(np.sqrt(2 * LONGEST_BUCKET_MS / 1e3 / observed_s))
    weight = _weight(excess, BUCKET_MS / 1e3 / _MEMORY_S)
    return Sign(float(np.log((_PRIOR + recent) / (_PRIOR + usual))), weight)


def volatility_sign(seconds: Seconds, end_ms: int) -> Sign:
    """What the moves of mid say; nothing where it did not move."""
    move = seconds.mid[SPAN_S:] - seconds.mid[:-SPAN_S]
    known = np.flatnonzero(~np.isnan(move))
    square = move[known] ** 2
    usual = float(square.sum()) / len(square) if len(square) else 0.0
    if usual == 0:
        return Sign(0.0, 0.0)
    age_s = end_ms / SECOND_MS - (seconds.start_s + SPAN_S + 1 + known)
    discount = np.exp2(-age_s / HALF_LIFE_S)
    ratio = (_PRIOR + float(discount @ square) / usual) / (_PRIOR + float(discount.sum()))
    # Squares of normal moves vary by twice their squared mean; what is more is the variance of σ² itself.
    variation = max(0.0, (float(square.var()) / usual**2 - 2) / 3)
    return Sign(float(np.log(ratio)) / 2, _weight(variation, 2 * (1 + variation) * SPAN_S / _MEMORY_S))


def order_activity(orders: Sign, variation: float) -> Activity:
    """Activity of all market orders; `variation` is the relative variance of their rate."""
    return Activity.of(_ORDERS_SHARE * orders.heeded, variation)


def tail_activity(orders: Sign, tail: Sign, volatility: Sign, variation: float) -> Activity:
    """Activity of the orders that get beyond the touch; `variation` is the relative variance of their rate."""
    counted = (orders.heeded + tail.heeded) / 2
    return Activity.of(_ORDERS_SHARE * counted + (1 - _ORDERS_SHARE) * volatility.heeded, variation)


def _weight(variation: float, chance: float) -> float:
    """Share of a variance that is not chance."""
    return variation / (variation + chance) if variation > 0 else 0.0
