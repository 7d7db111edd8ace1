"""The order flow of both directions from what was observed, each direction helped by the other where it has little.

A number rests on its own direction as far as it can. Its prior is the same number of both directions together, and
behind that a scale every market has: an order walks about as far as mid moves in a second.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from calibration.estimate import Estimate, FlowEstimates, Source
from calibration.estimators.activity import Activity, activity
from calibration.estimators.adverse_selection import Mean, Trend, depth_slope, mean_markout, pooled, shrink
from calibration.estimators.arrival import arrival_rate, fano_factor
from calibration.estimators.diagnostics import GoodnessOfFit, tail_fit
from calibration.estimators.fill_decay import (
    TailDecay,
    TailRange,
    Walk,
    fill_intensity,
    tail_decay,
    tail_range,
    walk,
)
from calibration.estimators.market_orders import MarketOrders
from calibration.observations import Observations
from market.errors import NotEnoughData
from market.sides import Direction, Directions

ENOUGH_ORDERS = 30
ENOUGH_IN_TAIL = 20
TOO_FEW = 10
_MOVES_WALKED = 1.2  # mean walk of an order in units of the one-second standard deviation of mid
_POOLED_ORDERS = 20.0
_SIDE_ORDERS = 10.0
_SLOPE_SPREAD = 0.3
_STEEPEST = 0.8

T = TypeVar("T")


class FlowQuality(NamedTuple):
    """What the estimates of one direction leave open."""

    fano: float
    fit: GoodnessOfFit | None
    clusters: int


@dataclass(frozen=True)
class Flow:
    """Estimates of both directions and how far their assumptions hold."""

    estimates: Directions[FlowEstimates]
    quality: Directions[FlowQuality]


def estimate_flow(observed: Observations, tick: float, volatility: float, half_spread: float) -> Flow:
    """Estimate λ, κ, A, ε and θ of both directions.

    Parameters
    ----------
    observed : Observations
        A window with some observed time.
    tick : float
        [price].
    volatility : float
        σ of mid [price/√s].
    half_spread : float
        Time-weighted mean [price].

    Raises
    ------
    NotEnoughData
        If there is no observed time or no market order.
    """
    if len(observed.orders) == 0:
        raise NotEnoughData(f"0 market orders in {observed.exposure_s:.0f} s, need {2 * TOO_FEW}")
    depths = tail_range(observed.mid, half_spread, tick)
    rates = _Rates.of(observed, depths)
    default = 1 / max(_MOVES_WALKED * volatility, tick)
    decays = _decays(rates.walks, tick, default)
    impact = _Impact.of(observed, half_spread, decays)

    def flow(direction: Direction) -> FlowEstimates:
        decay = decays.of(direction)
        intensity = fill_intensity(rates.tail.of(direction), decay, depths.start)
        return FlowEstimates(
            arrival_rate=_labelled(rates.all.of(direction), ENOUGH_ORDERS),
            fill_decay=_labelled(decay.estimate, ENOUGH_IN_TAIL),
            fill_intensity=_labelled(intensity, ENOUGH_IN_TAIL),
            adverse_selection=_labelled(impact.all.of(direction), ENOUGH_ORDERS),
            adverse_selection_on_fill=_labelled(impact.on_fill.of(direction), ENOUGH_IN_TAIL),
            adverse_selection_slope=_labelled(impact.slope.of(direction), ENOUGH_IN_TAIL),
        )

    def quality(direction: Direction) -> FlowQuality:
        ticks, seen = rates.tail_ticks.of(direction), rates.walks.of(direction)
        fit = tail_fit(ticks, decays.of(direction).value * tick, seen.effect) if len(ticks) else None
        return FlowQuality(rates.fano.of(direction), fit, impact.clusters.of(direction))

    return Flow(_both(flow), _both(quality))


@dataclass(frozen=True)
class _Rates:
    """Rates of all orders and of those in the tail, with what the tail walked."""

    all: Directions[Estimate]
    tail: Directions[Estimate]
    tail_ticks: Directions[np.ndarray[tuple[int], np.dtype[np.int64]]]
    walks: Directions[Walk]
    fano: Directions[float]

    @classmethod
    def of(cls, observed: Observations, depths: TailRange) -> "_Rates":
        orders = observed.orders
        tail = orders.where(depths.holds(orders.reach))
        every_fano = _fano(observed, orders)
        tail_fano = _fano(observed, tail)
        fano = _both(lambda direction: _fano(observed, orders.of(direction)))
        busiest = max(every_fano, tail_fano)
        ticks = _both(lambda direction: depths.ticks(tail.of(direction).reach))
        return cls(
            all=_rates(observed, orders, fano, _activity(observed, orders, busiest)),
            tail=_rates(
                observed,
                tail,
                _both(lambda direction: _fano(observed, tail.of(direction))),
                _activity(observed, tail, busiest),
            ),
            tail_ticks=ticks,
            walks=_both(lambda side: walk(ticks.of(side), tail.of(side).time_ms, depths.furthest)),
            fano=fano,
        )


def _rates(
    observed: Observations, orders: MarketOrders, fano: Directions[float], now: Activity
) -> Directions[Estimate]:
    exposure = observed.exposure_s
    both = (len(orders) + 1) / (2 * exposure) if exposure > 0 else 0.0

    def rate(direction: Direction) -> Estimate:
        n = int((orders.sign == direction.sign).sum())
        return now.on(arrival_rate(n, exposure, both, fano.of(direction)))

    return _both(rate)


def _fano(observed: Observations, orders: MarketOrders) -> float:
    return fano_factor(orders.time_ms, observed.gaps, observed.start_ms, observed.end_ms)


def _activity(observed: Observations, orders: MarketOrders, fano: float) -> Activity:
    return activity(orders.time_ms, observed.gaps, observed.start_ms, observed.end_ms, fano)


def _decays(walks: Directions[Walk], tick: float, default: float) -> Directions[TailDecay]:
    together = Walk(
        walks.buy.walked + walks.sell.walked,
        walks.buy.stopped + walks.sell.stopped,
        max(walks.buy.effect, walks.sell.effect),
        walks.buy.n + walks.sell.n,
    )
    centre = tail_decay(together, tick, default, _POOLED_ORDERS).value
    return walks.map(lambda seen: tail_decay(seen, tick, centre, _SIDE_ORDERS))


@dataclass(frozen=True)
class _Impact:
    """Adverse selection over all orders, over those through the touch, and how it grows with the reach."""

    all: Directions[Estimate]
    on_fill: Directions[Estimate]
    slope: Directions[Estimate]
    clusters: Directions[int]

    @classmethod
    def of(cls, observed: Observations, half_spread: float, decays: Directions[TailDecay]) -> "_Impact":
        orders = observed.orders
        through = orders.where(orders.is_through)
        trend = Trend.of(observed.seconds)
        means = _both(lambda side: _mean(orders.of(side), side, trend))
        fills = _both(lambda side: _mean(through.of(side), side, trend))
        walked = max(1 / decay.value for decay in decays)
        return cls(
            all=_shrunk(means, half_spread, half_spread),
            on_fill=_shrunk(fills, walked, half_spread),
            slope=_both(lambda side: _slope(through.of(side))),
            clusters=means.map(lambda mean: mean.clusters if mean else 0),
        )


def _mean(orders: MarketOrders, direction: Direction, trend: Trend) -> Mean | None:
    try:
        return mean_markout(orders.markout, orders.time_ms, direction.sign, trend)
    except NotEnoughData:
        return None


def _shrunk(means: Directions[Mean | None], default: float, scale: float) -> Directions[Estimate]:
    """Posterior of each direction around the mean of both; `default` where nothing was seen."""
    known = [mean for mean in means if mean is not None]
    if not known:
        guess = Estimate(default, 0.0, 3 * default, 0, Source.PRIOR)
        return Directions(guess, guess)
    centre = pooled(known[0], known[-1])
    spread = max(abs(centre), scale) / 2

    def posterior(mean: Mean | None) -> Estimate:
        if mean is None:
            return Estimate(centre, centre - 2 * spread, centre + 2 * spread, 0, Source.PRIOR)
        return shrink(mean, centre, spread)

    return means.map(posterior)


def _slope(orders: MarketOrders) -> Estimate:
    """θ within [0, `_STEEPEST`]; zero where the window does not show that it is positive."""
    try:
        mean = depth_slope(orders.markout, orders.reach, orders.time_ms)
    except NotEnoughData:
        return Estimate(0.0, 0.0, _STEEPEST, 0, Source.PRIOR)
    posterior = shrink(mean, 0.0, _SLOPE_SPREAD)
    value = min(posterior.value, _STEEPEST) if posterior.low > 0 else 0.0
    return replace(posterior, value=value, low=min(posterior.low, value), high=max(posterior.high, value))


def _labelled(estimate: Estimate, enough: int) -> Estimate:
    """Say how far the window's own data carry the estimate."""
    if estimate.n >= enough:
        return estimate
    return replace(estimate, source=Source.WEAK if estimate.n >= TOO_FEW else Source.PRIOR)


def _both(function: Callable[[Direction], T]) -> Directions[T]:
    return Directions(buy=function(Direction.BUY), sell=function(Direction.SELL))
