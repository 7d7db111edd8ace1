"""What quotes at a few depths would have earned in the window with the bot's own timing, and what that timing costs.

The cost enters the cost of a fill beside ε: ε says how far mid moves after an order, the age cost how far it had moved
before, while the quote was still where it had been. Quotes, regime and scan are made with both.
"""

from typing import NamedTuple

import numpy as np

from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.estimators.shadow_maker import Fills, QuoteRules, age_cost, instant_fills, shadow_fills
from calibration.observation.observations import ObservedWindow
from market_making.market.sides import Direction

DEPTHS_BPS = (1.0, 2.0)  # beyond the mean half-spread
FEWEST_FILLS = 10
LEAST_AGE_S, CYCLE_S = 30.0, 15.0
_HOUR_S = 3600.0
_QUANTILE = 1.96
_NONE_SEEN = 3.7  # fills, the upper end of the interval of a count of 0


class ShadowMaker(NamedTuple):
    """Record of the shadow maker, one entry a depth, both sides together.

    Attributes
    ----------
    depth : tuple of float
        Distance from mid [price].
    fills_per_hour, net_per_fill : tuple of Estimate
        How often it would have been filled, and what a fill would have made a second later, before the fee [price].
    age_cost : Estimate
        What a fill makes less because the quote is as old as the bot's rules make it, at least 0 [price].
    measured : Estimate
        The same before the limits of change.
    time_ms : int
        End of the window that was replayed.
    """

    depth: tuple[float, ...]
    fills_per_hour: tuple[Estimate, ...]
    net_per_fill: tuple[Estimate, ...]
    age_cost: Estimate
    measured: Estimate
    time_ms: int

    def is_recent(self, observed: ObservedWindow) -> bool:
        """Whether this serves for a later window: for about a minute.

        A replay takes longer than all estimates. The number of orders decides by a cycle or two when the next is due,
        so that many coins are not replayed in the same cycle.
        """
        age_s = (observed.end_ms - self.time_ms) / 1e3
        return 0 <= age_s < LEAST_AGE_S + CYCLE_S * (len(observed.orders) % 4)


def shadow_maker(
    observed: ObservedWindow, half_spread: float, tick: float, spread: float, rules: QuoteRules
) -> ShadowMaker:
    """Replay a window.

    Parameters
    ----------
    observed : ObservedWindow
        A window with observed time.
    half_spread, tick : float
        Time-weighted mean, and price step [price].
    spread : float
        How far from 0 the age cost may be where little is known of it: mid's move in a second [price].
    rules : QuoteRules
        When the bot moves its order.
    """
    depths = tuple(half_spread + bps * observed.mid / 1e4 for bps in DEPTHS_BPS)
    shadows, instants = [], []
    for depth in depths:
        shadow, instant = _nothing(), _nothing()
        for way in Direction:
            shadow = shadow.followed_by(shadow_fills(observed.seconds, observed.orders, way, depth, tick, rules))
            instant = instant.followed_by(instant_fills(observed.orders, way, depth, tick))
        shadows.append(shadow)
        instants.append(instant)
    hours = observed.exposure_s / _HOUR_S
    cost = _cost(_together(instants), _together(shadows), spread)
    return ShadowMaker(
        depths,
        tuple(_per_hour(fills, hours) for fills in shadows),
        tuple(_labelled(fills.mean) for fills in shadows),
        cost,
        cost,
        observed.end_ms,
    )


def _cost(instant: Fills, shadow: Fills, spread: float) -> Estimate:
    """Age cost, shrunk towards 0."""
    seen = age_cost(instant, shadow)
    if seen is None or min(len(instant.known.net), len(shadow.known.net)) < FEWEST_FILLS:
        return Estimate(0.0, 0.0, _QUANTILE * spread, 0 if seen is None else seen.n, EstimateSource.PRIOR)
    error = (seen.high - seen.low) / (2 * _QUANTILE)
    weight = spread**2 / (spread**2 + error**2) if spread > 0 else 0.0
    value, width = max(weight * seen.value, 0.0), _QUANTILE * error * float(np.sqrt(weight))
    return Estimate(value, max(value - width, 0.0), value + width, seen.n)


def _per_hour(fills: Fills, hours: float) -> Estimate:
    """Rate of fills; those of 15 s come together."""
    count = len(fills.time_ms)
    if count == 0 or hours <= 0:
        return Estimate(0.0, 0.0, _NONE_SEEN / hours if hours > 0 else 0.0, 0, EstimateSource.PRIOR)
    width = _QUANTILE * float(np.sqrt((fills.per_cluster.astype(float) ** 2).sum()))
    return Estimate(count / hours, max(0.0, count - width) / hours, (count + width) / hours, count, _source(count))


def _labelled(mean: Estimate) -> Estimate:
    return Estimate(mean.value, mean.low, mean.high, mean.n, _source(mean.n))


def _source(n: int) -> EstimateSource:
    return EstimateSource.OK if n >= FEWEST_FILLS else EstimateSource.PRIOR


def _nothing() -> Fills:
    return Fills(np.zeros(0, dtype=np.int64), np.zeros(0))


def _together(parts: list[Fills]) -> Fills:
    every = _nothing()
    for part in parts:
        every = every.followed_by(part)
    return every
