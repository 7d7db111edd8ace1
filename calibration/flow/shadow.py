"""What quotes at a few depths would have earned in the window with the bot's own timing, and what that timing costs.

The cost enters the cost of a fill beside ε: ε says how far mid moves after an order, the age cost how far it had moved
before, while the quote was still where it had been. Quotes, regime and scan are made with both.
"""

from typing import NamedTuple

import numpy as np

from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.estimators.shadow_maker import Fills, age_cost, instant_fills, shadow_fills
from calibration.estimators.shadow_quote import QuoteRules, Timing
from calibration.observation.observations import ObservedWindow
from market_making.market.sides import Direction
from market_making.settings.settings import Settings

DEPTHS_BPS = (1.0, 2.0)  # beyond the mean half-spread
FEWEST_FILLS = 10
SERVES_S = 120.0
_HOUR_S = 3600.0
_QUANTILE = 1.96
_NONE_SEEN = 3.7  # fills, the upper end of the interval of a count of 0
# Measured by benchmarks/shadow_maker_live.py, 100 ms from the exchange: a bot that is woken, and one that is not.
_WOKEN = Timing(0.0, 430.0, 1200.0, 750.0, 450.0, 120.0)
_LOOPING = Timing(1150.0, 1000.0, 2600.0, 3600.0, 2600.0, 120.0)
USUAL_TIMINGS = (_WOKEN, _LOOPING)


class ShadowMaker(NamedTuple):
    """Record of the shadow maker, one entry a depth, of all orders that the bot has at a time.

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
    timing : Timing
        How long the bot was taken to need.
    """

    depth: tuple[float, ...]
    fills_per_hour: tuple[Estimate, ...]
    net_per_fill: tuple[Estimate, ...]
    age_cost: Estimate
    measured: Estimate
    time_ms: int
    timing: Timing

    def age_s(self, now_ms: int) -> float:
        """How long ago the window ended that was replayed [s]."""
        return (now_ms - self.time_ms) / 1e3

    def is_recent(self, now_ms: int) -> bool:
        """Whether this serves for a window that ends now: for two minutes, as a replay takes longer than all else."""
        return 0 <= self.age_s(now_ms) < SERVES_S


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
    shadows, instants, rates = [], [], []
    for depth in depths:
        sides = [shadow_fills(observed.seconds, observed.orders, way, depth, tick, rules) for way in Direction]
        shadows.append(sides[0].followed_by(sides[1]))
        rates.append(_per_hour(shadows[-1], observed.exposure_s / _HOUR_S, share_of_both(sides, rules)))
        instant = [instant_fills(observed.orders, way, depth, tick) for way in Direction]
        instants.append(instant[0].followed_by(instant[1]))
    cost = _cost(_together(instants), _together(shadows), spread)
    nets = tuple(_labelled(fills.mean) for fills in shadows)
    return ShadowMaker(depths, tuple(rates), nets, cost, cost, observed.end_ms, rules.timing)


def rules_of(settings: Settings, mid: float, timing: Timing | None) -> QuoteRules:
    """When the bot of these settings moves its order; without a record, `timing` None, it takes as long as usual."""
    edge = settings.edge
    is_woken = edge.wake and edge.socket and settings.venue == "hyperliquid"
    return QuoteRules(
        settings.quote.tolerance_bps * mid / 1e4,
        settings.quote.minimum_life_s,
        timing or (_WOKEN if is_woken else _LOOPING),
        both_sides=settings.role.leg is not None,
    )


def share_of_both(sides: list[Fills], rules: QuoteRules) -> float:
    """How many of the fills of both sides a bot has: all, or as many as come when one side waits for the other."""
    counts = [len(fills.time_ms) for fills in sides]
    total = sum(counts)
    return 1.0 if rules.both_sides or total == 0 else 2 * counts[0] * counts[1] / total**2


def _cost(instant: Fills, shadow: Fills, spread: float) -> Estimate:
    """Age cost, shrunk towards 0."""
    seen = age_cost(instant, shadow)
    if seen is None or min(len(instant.known.net), len(shadow.known.net)) < FEWEST_FILLS:
        return Estimate(0.0, 0.0, _QUANTILE * spread, 0 if seen is None else seen.n, EstimateSource.PRIOR)
    error = (seen.high - seen.low) / (2 * _QUANTILE)
    weight = spread**2 / (spread**2 + error**2) if spread > 0 else 0.0
    value, width = max(weight * seen.value, 0.0), _QUANTILE * error * float(np.sqrt(weight))
    return Estimate(value, max(value - width, 0.0), value + width, seen.n)


def _per_hour(fills: Fills, hours: float, share: float) -> Estimate:
    """Rate of fills, a share of those of both sides; those of 15 s come together."""
    count = len(fills.time_ms)
    if count == 0 or hours <= 0:
        return Estimate(0.0, 0.0, _NONE_SEEN / hours if hours > 0 else 0.0, 0, EstimateSource.PRIOR)
    width = _QUANTILE * float(np.sqrt((fills.per_cluster.astype(float) ** 2).sum()))
    low, value, high = (share * number / hours for number in (max(0.0, count - width), count, count + width))
    return Estimate(value, low, high, count, _source(count))


def _labelled(mean: Estimate) -> Estimate:
    return Estimate(mean.value, mean.low, mean.high, mean.n, _source(mean.n))


def _source(n: int) -> EstimateSource:
    return EstimateSource.OK if n >= FEWEST_FILLS else EstimateSource.PRIOR


def _together(parts: list[Fills]) -> Fills:
    every = parts[0]
    for part in parts[1:]:
        every = every.followed_by(part)
    return every
