"""What market orders cost the maker: adverse selection over all orders, on a fill, and its growth with depth."""

from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from calibration.estimators.adverse_selection import Mean, Trend, depth_slope, mean_markout, pooled, shrink
from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.estimators.market_orders import MarketOrders
from calibration.observation.observations import ObservedWindow
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Direction, Directions
from market_making.market.tape import FloatArray, IntArray

_USUAL_SLOPE = 0.5  # the mean θ of recorded coins and sides, 0.2 to 0.8 of them
_SLOPE_SPREAD = 0.2
STEEPEST = 0.8
_QUANTILE = 1.96


class Impact(NamedTuple):
    """ε over all orders, ε on a fill and θ of both directions."""

    all: Directions[Estimate]
    on_fill: Directions[Estimate]
    slope: Directions[Estimate]


class _Answered(NamedTuple):
    """Some orders and the move of mid that answered each; the columns of `MarketOrders` that are needed here."""

    time_ms: IntArray
    reach: FloatArray
    markout: FloatArray
    is_through: NDArray[np.bool_]

    @classmethod
    def of(cls, orders: MarketOrders, chosen: NDArray[np.bool_]) -> Self:
        """Of those chosen, the orders whose answer was seen."""
        place = np.flatnonzero(chosen & ~np.isnan(orders.markout))
        return cls(orders.time_ms[place], orders.reach[place], orders.markout[place], orders.ticks_through[place] >= 1)

    def beyond_the_touch(self) -> Self:
        """Those that took more than the best price."""
        place = np.flatnonzero(self.is_through)
        return type(self)(self.time_ms[place], self.reach[place], self.markout[place], self.is_through[place])


def impact(observed: ObservedWindow, half_spread: float, walked: float) -> Impact:
    """Estimate ε and θ of both directions.

    Parameters
    ----------
    observed : ObservedWindow
        A window with observed time.
    half_spread : float
        What an order is expected to move mid by without data [price].
    walked : float
        And one that went through the touch: about as far as it walked [price].
    """
    orders = observed.orders
    sides = Directions(*(_Answered.of(orders, orders.sign == direction.sign) for direction in Direction))
    through = sides.map(_Answered.beyond_the_touch)
    trend = Trend.of(observed.seconds)
    return Impact(
        all=_shrunk(Directions(*map(_mean, sides, Direction, [trend] * 2)), half_spread, half_spread),
        on_fill=_shrunk(Directions(*map(_mean, through, Direction, [trend] * 2)), walked, half_spread),
        slope=through.map(_slope),
    )


def _mean(orders: _Answered, direction: Direction, trend: Trend) -> Mean | None:
    try:
        return mean_markout(orders.markout, orders.time_ms, direction.sign, trend)
    except NotEnoughData:
        return None


def _shrunk(means: Directions[Mean | None], default: float, scale: float) -> Directions[Estimate]:
    """Posterior of each direction around the mean of both; `default` where nothing was seen."""
    known = [mean for mean in means if mean is not None]
    if not known:
        guess = Estimate(default, 0.0, 3 * default, 0, EstimateSource.PRIOR)
        return Directions(guess, guess)
    centre = pooled(known[0], known[-1])
    spread = max(abs(centre), scale) / 2

    def posterior(mean: Mean | None) -> Estimate:
        if mean is None:
            return Estimate(centre, centre - 2 * spread, centre + 2 * spread, 0, EstimateSource.PRIOR)
        return shrink(mean, centre, spread)

    return means.map(posterior)


def _slope(orders: _Answered) -> Estimate:
    """θ within [0, `STEEPEST`], drawn towards what it is on recorded markets."""
    try:
        posterior = shrink(depth_slope(orders.markout, orders.reach, orders.time_ms), _USUAL_SLOPE, _SLOPE_SPREAD)
    except NotEnoughData:
        width = _QUANTILE * _SLOPE_SPREAD
        posterior = Estimate(_USUAL_SLOPE, _USUAL_SLOPE - width, _USUAL_SLOPE + width, 0, EstimateSource.PRIOR)
    value = min(max(posterior.value, 0.0), STEEPEST)
    return replace(posterior, value=value, low=min(posterior.low, value), high=max(posterior.high, value))
