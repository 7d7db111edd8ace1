"""The shadow maker: a window replayed with a bot's own rules, to learn what a quote of some age would have earned.

The replay knows what the estimators know: mid at the end of each quarter of a second and how far it went within it, the
spread of the second, and each market order with the farthest price it reached and where mid was a second later. A quote
is filled by an order that reaches its price, and by the market's own touch that comes to it.
"""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from calibration.estimators.adverse_selection import CLUSTER_MS
from calibration.estimators.estimate import Estimate
from calibration.estimators.market_orders import MarketOrders
from calibration.estimators.seconds import QUARTER_MS, QUARTERS, SECOND_MS, Seconds
from calibration.estimators.shadow_quote import Filled, Quarters, QuoteRules, ShadowQuote
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray, IntArray

_QUANTILE = 1.96
_ROUNDING = 1e-6  # of a tick


class Fills(NamedTuple):
    """Fills of a quote: when, and what each made against mid a second later [price]; NaN where that was not seen."""

    time_ms: IntArray
    net: FloatArray

    @property
    def known(self) -> "Fills":
        """Fills whose outcome was seen."""
        seen = ~np.isnan(self.net)
        return Fills(self.time_ms[seen], self.net[seen])

    @property
    def per_cluster(self) -> IntArray:
        """Number of fills in each 15 s that have any."""
        return np.unique(self.time_ms // CLUSTER_MS, return_counts=True)[1]

    def followed_by(self, other: "Fills") -> "Fills":
        """Both, not in order."""
        return Fills(np.concatenate([self.time_ms, other.time_ms]), np.concatenate([self.net, other.net]))

    @property
    def mean(self) -> Estimate:
        """Net per fill with its 95 % interval, fills of 15 s taken together [price]; it is 0 of 0 fills."""
        found = self.known
        if len(found.net) == 0:
            return Estimate(0.0, 0.0, 0.0, 0)
        value, width = float(found.net.mean()), _QUANTILE * _spread(_influence(found, _origin(found)))
        return Estimate(value, value - width, value + width, len(found.net))


def age_cost(instant: Fills, shadow: Fills) -> Estimate | None:
    """What a fill of the shadow maker makes less than one of a quote that follows mid at once [price].

    The interval takes into account that both met the same bursts. None where either has too few fills to tell.
    """
    one, other = instant.known, shadow.known
    if min(len(one.net), len(other.net)) < 2:
        return None
    origin = min(_origin(one), _origin(other))
    size = max(int(found.time_ms.max()) // CLUSTER_MS for found in (one, other)) - origin + 1
    influence = np.zeros(size)
    for found, sign in ((one, 1.0), (other, -1.0)):
        part = _influence(found, origin)
        influence[: len(part)] += sign * part
    value = float(one.net.mean() - other.net.mean())
    width = _QUANTILE * _spread(influence)
    return Estimate(value, value - width, value + width, len(other.net))


def instant_fills(orders: MarketOrders, direction: Direction, depth: float, tick: float) -> Fills:
    """Fills of a quote that follows mid at once and is back at once after each fill.

    Parameters
    ----------
    orders : MarketOrders
        Of both directions.
    direction : Direction
        Of the orders that fill it.
    depth, tick : float
        Distance from mid and price step [price]; a quote stands on the grid, outwards.
    """
    met = orders.of(direction)
    price = _outwards(met.mid * direction.sign + depth, tick)
    beyond = price - met.mid * direction.sign
    filled = met.reach >= beyond - _ROUNDING * tick
    return Fills(met.time_ms[filled], (beyond - met.markout)[filled])


def shadow_fills(
    seconds: Seconds, orders: MarketOrders, direction: Direction, depth: float, tick: float, rules: QuoteRules
) -> Fills:
    """Fills of a quote that a bot with these rules would have had.

    Parameters
    ----------
    seconds : Seconds
        When the bot looks at the market, and what it sees; it has no quote while mid is not known.
    orders, direction, depth, tick
        As for `instant_fills`.
    rules : QuoteRules
        When it moves its order.
    """
    met, sign = orders.of(direction), direction.sign
    far = (met.mid * sign + met.reach) + _ROUNDING * tick
    quote = ShadowQuote(rules, seconds.start_s * SECOND_MS + QUARTER_MS)
    path = _quarters(seconds, (met.time_ms, far), (sign, depth, tick, rules.tolerance))
    quote.follow(path, met.time_ms.tolist(), far.tolist())
    return _outcomes(quote.filled, met, seconds, direction)


def _quarters(
    seconds: Seconds, orders: tuple[IntArray, FloatArray], quoted: tuple[int, float, float, float]
) -> Quarters:
    """What a quote meets; orders are their times and farthest prices, the quote its sign, depth, tick and tolerance."""
    (time_ms, far), (sign, depth, tick, tolerance) = orders, quoted
    grid = seconds.quarters.reshape(-1, 3)
    mid, peak = grid[:, 0] * sign, grid[:, 2] if sign > 0 else -grid[:, 1]
    stamps = seconds.start_s * SECOND_MS + QUARTER_MS * np.arange(1, len(mid) + 2)
    first = np.searchsorted(time_ms, stamps, "right")
    first[0] = 0
    with np.errstate(invalid="ignore", divide="ignore"):
        half_spread = np.repeat(seconds.half_spread / seconds.observed, QUARTERS)
        # Where mid is not known the quote is taken away, whatever it is.
        touch = np.where(np.isnan(mid), np.inf, peak - half_spread + _ROUNDING * tick)
    wanted, closest, reached = _outwards(mid + depth, tick), _outwards(peak + depth, tick), _farthest(far, first)
    fills = np.maximum(touch, reached)
    alarms = np.maximum(fills, closest - tolerance)

    def told(column: FloatArray) -> Sequence[float]:
        """Few values are looked at: an array of Python's is made in no time."""
        return array("d", column.tobytes())

    return Quarters(
        touch=told(touch),
        wanted=told(wanted),
        closest=told(closest),
        reached=told(reached),
        fills=told(fills),
        alarms=told(alarms),
        first=array("q", first.tobytes()),
    )


def _farthest(far: FloatArray, ends: IntArray) -> FloatArray:
    """Farthest price of the orders between neighbouring ends; minus infinity where there is none."""
    highest = np.full(len(ends) - 1, -np.inf)
    some = np.flatnonzero(ends[1:] > ends[:-1])
    if len(some):
        highest[some] = np.maximum.reduceat(far, ends[some])
    return highest


def _outcomes(filled: list[Filled], met: MarketOrders, seconds: Seconds, direction: Direction) -> Fills:
    """When each fill was, and what it made against mid a second later."""
    times, net, mid = [], [], seconds.quarters[:, :, 0].ravel()
    for order, quarter, price in filled:
        if order is None:
            times.append(seconds.start_s * SECOND_MS + (quarter + 1) * QUARTER_MS)
            after = float(mid[quarter + QUARTERS]) if quarter + QUARTERS < len(mid) else float("nan")
            net.append(price - after * direction.sign)
        else:
            times.append(int(met.time_ms[order]))
            net.append(price - float(met.mid[order]) * direction.sign - float(met.markout[order]))
    return Fills(np.array(times, dtype=np.int64), np.array(net, dtype=np.float64))


def _outwards(price: FloatArray, tick: float) -> FloatArray:
    """Round up to the grid."""
    rounded: FloatArray = np.ceil(price / tick - _ROUNDING) * tick
    return rounded


def _origin(found: Fills) -> int:
    return int(found.time_ms.min()) // CLUSTER_MS


def _influence(found: Fills, origin: int) -> FloatArray:
    """What each cluster adds to the error of the mean."""
    residual = (found.net - found.net.mean()) / len(found.net)
    return np.bincount(found.time_ms // CLUSTER_MS - origin, weights=residual).astype(np.float64)


def _spread(influence: FloatArray) -> float:
    """Standard error of a sum over clusters."""
    used = int(np.count_nonzero(influence))
    return float(np.sqrt((influence**2).sum() * used / max(used - 1, 1)))
