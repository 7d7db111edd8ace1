"""How often market orders come and how far they reach, from what was observed of both directions."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.estimators.activity import Activity, Span, order_activity, order_sign, tail_activity, volatility_sign
from calibration.estimators.arrival import RatePrior, arrival_rate, bucket_counts, fano_factor, level_variance
from calibration.estimators.coverage import observed_before
from calibration.estimators.diagnostics import GoodnessOfFit, tail_fit
from calibration.estimators.estimate import Estimate
from calibration.estimators.fill_decay import TailDecay, TailRange, Walk, fill_intensity, tail_decay, walk
from calibration.estimators.pooling import prior_worth
from calibration.observation.observations import ObservedWindow
from market_making.market.sides import Directions
from market_making.market.tape import IntArray

LARGEST_INTENSITY = 20.0  # at depth 0, in units of the rate of all orders
_POOLED_ORDERS = 20.0  # what the prior of both directions together is worth
_RATE_ORDERS = 10.0  # the same of their rates, in independent orders
_SIDE_ORDERS = 20.0  # and what that of one direction is


class Rates(NamedTuple):
    """Rates of both directions now, the decay with depth, and how far the assumptions behind them hold."""

    arrival: Directions[Estimate]
    intensity: Directions[Estimate]
    decay: Directions[TailDecay]
    activity: Activity
    fano: Directions[float]
    fit: Directions[GoodnessOfFit | None]


class _Counted(NamedTuple):
    """Orders of both directions: when they came, and how many in each bucket of observed time."""

    time_ms: IntArray
    is_buy: NDArray[np.bool_]
    counts: Directions[IntArray]

    @property
    def numbers(self) -> Directions[int]:
        """Number of orders."""
        buys = int(np.count_nonzero(self.is_buy))
        return Directions(buy=buys, sell=len(self.is_buy) - buys)

    @property
    def fano_together(self) -> float:
        """How much the orders of both directions cluster."""
        return fano_factor(self.counts.buy + self.counts.sell)

    @property
    def variation(self) -> float:
        """Relative variance of the rate of both directions, beyond chance."""
        return level_variance(self.counts.buy + self.counts.sell)


def rates(observed: ObservedWindow, depths: TailRange, default_decay: float) -> Rates:
    """Estimate λ, κ and A of both directions.

    Parameters
    ----------
    observed : ObservedWindow
        A window with observed time.
    depths : TailRange
        What counts as the tail.
    default_decay : float
        κ of a market of which nothing is known [1/price].
    """
    orders = observed.orders
    clock_ms = observed_before(observed.gaps, observed.start_ms, orders.time_ms)
    is_buy, in_tail = orders.sign > 0, depths.holds(orders.reach)
    ticks = depths.ticks(orders.reach[in_tail])
    total_ms = round(observed.exposure_s * 1e3)
    every = _counted(orders.time_ms, is_buy, clock_ms, total_ms)
    tail = _counted(orders.time_ms[in_tail], is_buy[in_tail], clock_ms[in_tail], total_ms)
    sides = _split(tail.is_buy)
    walked = sides.map(lambda chosen: walk(ticks[chosen], tail.time_ms[chosen], depths.furthest))
    decay = _decays(walked, depths.tick, default_decay)
    calm, busy = _activities(observed, every, tail)
    arrival, tail_rate = _rates_now(every, calm, observed.exposure_s), _rates_now(tail, busy, observed.exposure_s)
    decay = Directions(*map(_extrapolable, decay, arrival, tail_rate, [depths.start] * 2))
    return Rates(
        arrival=arrival,
        intensity=Directions(*(fill_intensity(r, d, depths.start) for r, d in zip(tail_rate, decay, strict=True))),
        decay=decay,
        activity=busy,
        fano=every.counts.map(fano_factor),
        fit=Directions(*map(_fit, sides.map(lambda chosen: ticks[chosen]), decay, walked)),
    )


def _split(is_buy: NDArray[np.bool_]) -> Directions[NDArray[np.bool_]]:
    return Directions(buy=is_buy, sell=~is_buy)


def _counted(time_ms: IntArray, is_buy: NDArray[np.bool_], clock_ms: IntArray, total_ms: int) -> _Counted:
    counts = _split(is_buy).map(lambda chosen: bucket_counts(clock_ms[chosen], total_ms))
    return _Counted(time_ms, is_buy, counts)


def _activities(observed: ObservedWindow, every: _Counted, tail: _Counted) -> tuple[Activity, Activity]:
    """Activity of all orders and of those in the tail."""
    span = Span(observed.start_ms, observed.end_ms, observed.gaps)
    fano = max(every.fano_together, tail.fano_together)
    orders, beyond = (order_sign(counted.time_ms, span, fano) for counted in (every, tail))
    moves = volatility_sign(observed.seconds, observed.end_ms)
    return order_activity(orders, every.variation), tail_activity(orders, beyond, moves, tail.variation)


def _rates_now(counted: _Counted, now: Activity, exposure_s: float) -> Directions[Estimate]:
    """Mean rates of the window times the activity both directions share."""
    buys, sells = counted.numbers
    clustering = counted.counts.map(fano_factor)
    worth = prior_worth(buys + 0.5, sells + 0.5, (buys / clustering.buy, sells / clustering.sell), _RATE_ORDERS)
    rate = (buys + sells + 1) / (2 * exposure_s)
    pairs = zip(counted.numbers, clustering, strict=True)
    # An order of a cluster tells less than one that came alone: the prior is worth as many clusters.
    return Directions(
        *(now.on(arrival_rate(n, exposure_s, RatePrior(rate, worth * spread), spread)) for n, spread in pairs)
    )


def _decays(walked: Directions[Walk], tick: float, default: float) -> Directions[TailDecay]:
    together = Walk(
        walked.buy.walked + walked.sell.walked,
        walked.buy.stopped + walked.sell.stopped,
        max(walked.buy.effect, walked.sell.effect),
        walked.buy.n + walked.sell.n,
    )
    centre = tail_decay(together, tick, default, _POOLED_ORDERS).value
    alone = walked.map(lambda seen: tail_decay(seen, tick, centre, 1.0).value)
    orders = (walked.buy.stopped / walked.buy.effect, walked.sell.stopped / walked.sell.effect)
    worth = prior_worth(*alone, orders, _SIDE_ORDERS)
    return walked.map(lambda seen: tail_decay(seen, tick, centre, worth))


def _extrapolable(decay: TailDecay, arrival: Estimate, tail: Estimate, start: float) -> TailDecay:
    """Keep the intensity at depth 0 within a multiple of the rate of all orders."""
    most = float(np.log(LARGEST_INTENSITY * max(arrival.value, tail.value) / tail.value)) / start
    return replace(decay, steepest=most)


def _fit(ticks: IntArray, decay: TailDecay, walked: Walk) -> GoodnessOfFit | None:
    return tail_fit(ticks, decay.value * decay.tick, walked.effect) if len(ticks) else None
