"""How often market orders come and how far they reach, from what was observed of both directions."""

from dataclasses import replace
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.estimators.activity import Activity, Span, order_activity, order_sign, tail_activity, volatility_sign
from calibration.estimators.arrival import (
    USUAL_VARIANCE,
    RatePrior,
    arrival_rate,
    bucket_counts,
    fano_factor,
    level_variance,
)
from calibration.estimators.coverage import observed_before
from calibration.estimators.diagnostics import GoodnessOfFit, tail_fit
from calibration.estimators.estimate import Estimate
from calibration.estimators.fill_decay import TailDecay, TailRange, Walk, fill_intensity, tail_decay, walk
from calibration.estimators.market_orders import MarketOrders
from calibration.estimators.pooling import prior_worth
from calibration.observation.observations import ObservedWindow
from market_making.market.sides import Directions
from market_making.market.tape import FloatArray, IntArray

LARGEST_INTENSITY = 20.0  # at depth 0, in units of the rate of all orders
_DEFAULT_ORDERS = 6.0  # what the default κ is worth: on recorded coins walks scatter by 0.39 of a logarithm around it
_RATE_ORDERS = 10.0  # the same of their rates, in independent orders
_WIDE = 0.95  # the half-spread is wider for the rest of the time
# What one direction says of the other, however well it is known: in recordings they differ by so little that it is
# worth 44 orders, but eight sessions do not exclude 5, and the interval holds what a few would make it.
_SIDE_ORDERS, _DOUBTED_ORDERS = 20.0, 4.0


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

    def variation(self, usual: float = USUAL_VARIANCE) -> float:
        """Relative variance of the rate of both directions beyond chance; `usual` is expected."""
        return level_variance(self.counts.buy + self.counts.sell, usual)


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
    in_tail = depths.holds(observed.orders.reach)
    every, tail = _counted(observed), _counted(observed, in_tail)
    sides, walked = _split(tail.is_buy), _walks(observed.orders, depths)
    calm, busy = _activities(observed, every, tail)
    arrival, tail_rate = _rates_now(every, calm, observed.exposure_s), _rates_now(tail, busy, observed.exposure_s)
    decay, wide = _decays(walked, depths.tick, default_decay), _wide_range(observed, depths)
    beyond = None if wide is None else _decays(_walks(observed.orders, wide), wide.tick, default_decay)
    if beyond is not None:
        decay = Directions(*map(_with_doubt, decay, beyond))
    decay = Directions(*map(_extrapolable, decay, arrival, tail_rate, [depths.start] * 2))
    intensity = _intensities(tail_rate, decay, depths)
    if wide is not None and beyond is not None:
        rate = _rates_now(_counted(observed, wide.holds(observed.orders.reach)), busy, observed.exposure_s)
        intensity = Directions(*map(_holding, intensity, _intensities(rate, beyond, wide)))
    return Rates(
        arrival=arrival,
        intensity=intensity,
        decay=decay,
        activity=busy,
        fano=every.counts.map(fano_factor),
        fit=Directions(*map(_fit, sides.map(depths.ticks(observed.orders.reach[in_tail]).__getitem__), decay, walked)),
    )


def _split(is_buy: NDArray[np.bool_]) -> Directions[NDArray[np.bool_]]:
    return Directions(buy=is_buy, sell=~is_buy)


def _counted(observed: ObservedWindow, chosen: NDArray[np.bool_] | slice = slice(None)) -> _Counted:
    """Count all orders of a window, or some."""
    time_ms, is_buy = observed.orders.time_ms[chosen], observed.orders.sign[chosen] > 0
    clock_ms = observed_before(observed.gaps, observed.start_ms, time_ms)
    total_ms = round(observed.exposure_s * 1e3)
    counts = _split(is_buy).map(lambda side: bucket_counts(clock_ms[side], total_ms))
    return _Counted(time_ms, is_buy, counts)


def _activities(observed: ObservedWindow, every: _Counted, tail: _Counted) -> tuple[Activity, Activity]:
    """Activity of all orders and of those in the tail."""
    span = Span(observed.start_ms, observed.end_ms, observed.gaps)
    own = every.fano_together
    shared = max(own, tail.fano_together)
    alone, beyond = order_sign(every.time_ms, span, own), order_sign(tail.time_ms, span, shared)
    orders = alone if own == shared else order_sign(every.time_ms, span, shared)
    moves = volatility_sign(observed.seconds, observed.end_ms)
    varies = every.variation()
    # The tail has few orders; what they do not tell of its level, all orders do.
    return order_activity(alone, varies), tail_activity(orders, beyond, moves, tail.variation(varies))


def _rates_now(counted: _Counted, now: Activity, exposure_s: float) -> Directions[Estimate]:
    """Mean rates of the window times the activity both directions share; each varies as its own orders tell."""
    buys, sells = counted.numbers
    clustering = counted.counts.map(fano_factor)
    worth = prior_worth(buys + 0.5, sells + 0.5, (buys / clustering.buy, sells / clustering.sell), _RATE_ORDERS)
    rate = (buys + sells + 1) / (2 * exposure_s)
    # What a direction has too few orders to tell of its level, both together do.
    levels = [now.varying(level_variance(counts, now.variation)) for counts in counted.counts]
    pairs = zip(counted.numbers, clustering, levels, strict=True)
    # An order of a cluster tells less than one that came alone: the prior is worth as many clusters.
    return Directions(
        *(level.on(arrival_rate(n, exposure_s, RatePrior(rate, worth * spread), spread)) for n, spread, level in pairs)
    )


def _walks(orders: MarketOrders, depths: TailRange) -> Directions[Walk]:
    """How far orders of each direction walk beyond the start of a range."""
    chosen = np.flatnonzero(depths.holds(orders.reach))
    ticks, time_ms = depths.ticks(orders.reach[chosen]), orders.time_ms[chosen]
    sides = _split(orders.sign[chosen] > 0)
    return sides.map(lambda side: walk(ticks[side], time_ms[side], depths.furthest))


def _wide_range(observed: ObservedWindow, depths: TailRange) -> TailRange | None:
    """Return the range beyond the touch of the book at its widest, where that moves; None where it does not.

    While the book is wide, orders that take the best price only reach as deep as others that walk, and κ from the
    depths in between is too high. The fit beyond them is right, but has few orders: it is not used, but heeded.
    """
    grid = observed.seconds
    seen = np.flatnonzero(grid.observed > 0)
    wide = _quantile(grid.half_spread[seen] / grid.observed[seen], _WIDE) if len(seen) else 0.0
    beyond = depths.start + round(2 * (wide - grid.mean_half_spread) / depths.tick) * depths.tick / 2
    return depths._replace(start=beyond) if beyond > depths.start else None


def _quantile(values: FloatArray, level: float) -> float:
    """As `numpy.quantile`, most of whose time goes to finding out what it was asked."""
    place = level * (len(values) - 1)
    below, above = floor(place), ceil(place)
    ranked = np.partition(values, (below, above))
    return float(ranked[below] + (place - below) * (ranked[above] - ranked[below]))


def _intensities(rate: Directions[Estimate], decay: Directions[TailDecay], depths: TailRange) -> Directions[Estimate]:
    return Directions(*(fill_intensity(r, d, depths.start) for r, d in zip(rate, decay, strict=True)))


def _holding(estimate: Estimate, other: Estimate) -> Estimate:
    """Return the estimate with an interval that holds that of another fit, too."""
    return replace(estimate, low=min(estimate.low, other.low), high=max(estimate.high, other.high))


def _with_doubt(decay: TailDecay, elsewhere: TailDecay) -> TailDecay:
    other = elsewhere.estimate
    return replace(decay, elsewhere=other if decay.elsewhere is None else _holding(decay.elsewhere, other))


def _decays(walked: Directions[Walk], tick: float, default: float) -> Directions[TailDecay]:
    """Posterior of each direction: its prior is the other one, as far as both agree, and behind that the default."""
    alone = walked.map(lambda seen: tail_decay(seen, tick, default, 1.0).value)
    buys, sells = (seen.stopped / seen.effect for seen in walked)
    trusted, doubted = (prior_worth(*alone, (buys, sells), most) for most in (_SIDE_ORDERS, _DOUBTED_ORDERS))

    def posterior(seen: Walk, other: Walk) -> TailDecay:
        centre = tail_decay(other, tick, default, _DEFAULT_ORDERS)

        def worth(sides: float) -> float:
            """Two uncertainties stand between this direction and its prior: how far sides differ, and its own."""
            return 1 / (1 / sides + 1 / centre.stopped)

        # How far sides differ is itself hardly known: the interval holds what less trust would say, too.
        trusting, doubting = (tail_decay(seen, tick, centre.value, worth(m)) for m in (trusted, doubted))
        return _with_doubt(trusting, doubting)

    return Directions(buy=posterior(walked.buy, walked.sell), sell=posterior(walked.sell, walked.buy))


def _extrapolable(decay: TailDecay, arrival: Estimate, tail: Estimate, start: float) -> TailDecay:
    """Keep the intensity at depth 0 within a multiple of the rate of all orders."""
    most = float(np.log(LARGEST_INTENSITY * max(arrival.value, tail.value) / tail.value)) / start
    return replace(decay, steepest=most)


def _fit(ticks: IntArray, decay: TailDecay, walked: Walk) -> GoodnessOfFit | None:
    return tail_fit(ticks, decay.value * decay.tick, walked.effect) if len(ticks) else None
