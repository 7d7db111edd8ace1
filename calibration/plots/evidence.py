"""What a window shows of one direction without a fit: how deep orders go, and where the price goes after them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np

from calibration.estimators.adverse_selection import Trend, mean_markout
from calibration.estimators.estimate import Estimate
from calibration.estimators.market_orders import MarketOrders, markout
from calibration.observation.observations import ObservedWindow
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray, Tape

HORIZONS_S = (0.2, 0.5, 1.0, 2.0, 5.0)
_FEWEST_ORDERS = 10
_DEPTHS = 12


class ReachCurve(NamedTuple):
    """Depths that orders reached, ascending [price], and the rate of those that went as deep or deeper [1/s]."""

    depth: FloatArray
    rate: FloatArray


class Means(NamedTuple):
    """Mean moves of mid with their 95 % intervals [price], against a horizon [s] or a depth [price]; shape (n,)."""

    at: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(cls, found: Sequence[tuple[float, Estimate]]) -> Self:
        """Put single estimates together."""
        rows = [(at, estimate.value, estimate.low, estimate.high) for at, estimate in found]
        return cls(*np.array(rows, dtype=np.float64).reshape(len(rows), 4).T)

    def scaled(self, at: float, move: float) -> Self:
        """The same in other units."""
        return type(self)(self.at * at, self.value * move, self.low * move, self.high * move)


def reach_curve(orders: MarketOrders, exposure_s: float) -> ReachCurve:
    """Rate of orders by the depth they reach."""
    depth = np.unique(orders.reach)
    reached = len(orders) - np.searchsorted(np.sort(orders.reach), depth, side="left")
    return ReachCurve(depth, reached / exposure_s)


def impact_by_horizon(
    observed: ObservedWindow,
    tape: Tape,
    direction: Direction,
    *,
    fills_only: bool,
    horizons_s: Sequence[float] = HORIZONS_S,
) -> Means:
    """Mean move of mid after the orders of one direction, without the drift, by how long one waits.

    Parameters
    ----------
    observed, tape : ObservedWindow, Tape
        The same window; the tape may begin earlier.
    fills_only : bool
        Only the orders that went beyond the touch.
    horizons_s : sequence of float
        Those with too few orders are left out.
    """
    orders = observed.orders.of(direction)
    if fills_only:
        orders = orders.where(orders.is_through)
    trend = Trend.of(observed.seconds)
    found: list[tuple[float, Estimate]] = []
    for horizon_s in horizons_s:
        moves = markout(orders, tape.quotes, observed.gaps, observed.end_ms, round(1e3 * horizon_s))
        # `mean_markout` takes out the drift of one second; over another horizon it is that much more or less.
        found += _mean(horizon_s, moves, orders, direction, replace(trend, moves=trend.moves * horizon_s))
    return Means.of(found)


def impact_by_depth(observed: ObservedWindow, direction: Direction) -> Means:
    """Mean move of mid within a second of the orders that reached a depth or went deeper, without the drift."""
    orders = observed.orders.of(direction)
    orders = orders.where(orders.is_through)
    trend = Trend.of(observed.seconds)
    found: list[tuple[float, Estimate]] = []
    if len(orders) < _FEWEST_ORDERS:
        return Means.of(found)
    ascending = np.sort(orders.reach)
    ranks = np.unique(np.geomspace(_FEWEST_ORDERS, len(orders), _DEPTHS).astype(int))
    for depth in np.unique(ascending[-ranks]):
        deep = orders.where(orders.reach >= depth)
        found += _mean(float(depth), deep.markout, deep, direction, trend)
    return Means.of(found)


def _mean(
    at: float, moves: FloatArray, orders: MarketOrders, direction: Direction, trend: Trend
) -> list[tuple[float, Estimate]]:
    """One mean, or none if there are too few orders."""
    if np.isfinite(moves).sum() < _FEWEST_ORDERS:
        return []
    try:
        return [(at, mean_markout(moves, orders.time_ms, direction.sign, trend).estimate)]
    except NotEnoughData:
        return []
