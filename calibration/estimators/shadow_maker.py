"""The shadow maker: a window replayed with a bot's own rules, to learn what a quote of some age would have earned.

A model quote follows mid at once. A bot looks at the market once in a while, moves an order only when its price is off
by more than a tolerance and has rested for a while, and its action takes time to arrive. Until then the old price
stands, and it is met by those who have seen mid move. After a fill it takes a moment until the next order rests.

The replay knows what the estimators know: mid at the end of each second, and each market order with the farthest price
it reached and where mid was a second later. An order that reaches the price of a quote fills it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from calibration.estimators.adverse_selection import CLUSTER_MS
from calibration.estimators.estimate import Estimate
from calibration.estimators.market_orders import MarketOrders
from calibration.estimators.seconds import SECOND_MS, Seconds
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray, IntArray

_QUANTILE = 1.96
_ROUNDING = 1e-6  # of a tick


@dataclass(frozen=True, slots=True)
class QuoteRules:
    """When a bot moves its order.

    Parameters
    ----------
    tolerance : float
        A resting order is moved when its price is off by more [price].
    minimum_life_s : float
        It is not moved before it is this old [s].
    latency_ms : int
        From looking at the market to the order's arrival.
    pause_s : float
        From a fill until the bot looks at the market again [s].
    """

    tolerance: float
    minimum_life_s: float = 2.0
    latency_ms: int = 100
    pause_s: float = 1.0


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
    met = orders.of(direction)
    # Prices are turned so that "further from mid" is "larger" on both sides.
    far = ((met.mid * direction.sign + met.reach) + _ROUNDING * tick).tolist()
    target = _outwards(seconds.mid * direction.sign + depth, tick).tolist()
    when = met.time_ms.tolist()
    ends = np.searchsorted(met.time_ms, (seconds.start_s + 2 + np.arange(len(target))) * SECOND_MS, "right").tolist()
    made = _replayed(target, (seconds.start_s + 1) * SECOND_MS, when, far, ends, rules)
    index = np.array([at for at, _ in made], dtype=np.int64)
    price = np.array([paid for _, paid in made])
    net = price - met.mid[index] * direction.sign - met.markout[index] if len(index) else np.zeros(0)
    return Fills(met.time_ms[index], net)


def _replayed(
    target: list[float], start_ms: int, when: list[int], far: list[float], ends: list[int], rules: QuoteRules
) -> list[tuple[int, float]]:
    """Which orders fill the quote, and at what price.

    At the end of second i the bot looks; then come the orders up to `ends[i]`.
    """
    nothing = float("inf")
    price = old = nothing
    now_ms, placed_ms, ready_ms, life_ms = start_ms - SECOND_MS, start_ms, start_ms, rules.minimum_life_s * 1e3
    latency, pause, tolerance = rules.latency_ms, round(rules.pause_s * 1e3), rules.tolerance
    made, first = [], 0
    for wanted, end in zip(target, ends, strict=True):
        now_ms += SECOND_MS
        if wanted != wanted:  # noqa: PLR0124 - not a number: mid is not known
            price = old = nothing
        elif price == nothing:
            if now_ms >= ready_ms:
                price, old, placed_ms = wanted, nothing, now_ms + latency
        elif abs(wanted - price) > tolerance and now_ms - placed_ms >= life_ms:
            price, old, placed_ms = wanted, price, now_ms + latency
        for at in range(first, end):
            standing = price if when[at] >= placed_ms else old
            if far[at] >= standing:
                made.append((at, standing))
                price = old = nothing
                ready_ms = when[at] + pause
        first = end
    return made


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
