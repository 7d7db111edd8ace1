"""From prints to market orders: how far each one reached into the book, and where the price went afterwards.

One market order prints once for every resting order it meets, so counting prints counts the book, not the takers.
All prints of one time, direction and order number are one market order. Its reach is measured from the last quote
**strictly before** its stamp: a quote with the same stamp already shows the book after the trade.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from calibration.estimators.coverage import covers, crosses
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray, IntArray, QuoteTape, TradeTape

HORIZON_MS = 1_000


@dataclass(frozen=True, slots=True)
class MarketOrders:
    """Market orders ascending in time, measured against the market each one met and the market it left behind.

    A busy coin has thousands in a window, therefore the small numbers are small integers.

    Parameters
    ----------
    time_ms : IntArray, shape (n,)
        The exchange's clock.
    sign : NDArray[int8], shape (n,)
        +1 for a buy, −1 for a sell.
    reach : FloatArray, shape (n,)
        Distance of the farthest print from the mid just before, positive in the direction of the order [price].
    ticks_through : NDArray[int32], shape (n,)
        Ticks beyond the touch; 0 for an order that took the best price only.
    mid : FloatArray, shape (n,)
        Mid just before [price].
    markout : FloatArray, shape (n,)
        Move of mid in the direction of the order within `HORIZON_MS` [price]; NaN where it was not seen.
    """

    time_ms: IntArray
    sign: NDArray[np.int8]
    reach: FloatArray
    ticks_through: NDArray[np.int32]
    mid: FloatArray
    markout: FloatArray

    def __len__(self) -> int:
        return len(self.time_ms)

    def where(self, chosen: NDArray[np.bool_] | slice) -> Self:
        """Return some of the orders."""
        index = chosen if isinstance(chosen, slice) else np.flatnonzero(chosen)
        return type(self)(*[column[index] for column in self._columns])

    def of(self, direction: Direction) -> Self:
        """Return the orders of one direction."""
        return self.where(self.sign == direction.sign)

    def between(self, start_ms: int, end_ms: int) -> Self:
        """Return the orders after `start_ms` and not after `end_ms`."""
        first, last = np.searchsorted(self.time_ms, [start_ms, end_ms], side="right")
        return self.where(slice(int(first), int(last)))

    def known_at(self, now_ms: int) -> Self:
        """Return the orders without the moves that came after `now_ms`."""
        return replace(self, markout=np.where(self.time_ms + HORIZON_MS > now_ms, np.nan, self.markout))

    def followed_by(self, later: Self) -> Self:
        """Return these orders and later ones."""
        return type(self)(*map(np.concatenate, zip(self._columns, later._columns, strict=True)))

    @property
    def _columns(self) -> tuple[NDArray[Any], ...]:
        """What is known of each order, in the order of the parameters."""
        return self.time_ms, self.sign, self.reach, self.ticks_through, self.mid, self.markout

    @property
    def is_through(self) -> NDArray[np.bool_]:
        """Which orders took more than the best price: those certain to fill a quote beyond the touch."""
        return self.ticks_through >= 1


def market_orders(quotes: QuoteTape, trades: TradeTape, tick: float, gaps: IntArray, end_ms: int) -> MarketOrders:
    """Aggregate prints to market orders and measure each against the quotes around it.

    Parameters
    ----------
    quotes, trades : QuoteTape, TradeTape
        Ascending in time.
    tick : float
        Smallest price step [price].
    gaps : IntArray, shape (m, 2)
        Unobserved intervals, see `coverage.unobserved`: orders in them are left out, and so are markouts over them.
    end_ms : int
        Until when quotes are known.
    """
    time_ms, sign, far = _group_prints(trades)
    seen = ~covers(gaps, time_ms)
    before = np.searchsorted(quotes.time_ms, time_ms, side="left") - 1
    seen &= before >= 0
    time_ms, sign, far, before = time_ms[seen], sign[seen], far[seen], before[seen]
    reach = sign * (far - quotes.mid[before])
    ticks = np.maximum(np.rint((reach - quotes.half_spread[before]) / tick), 0)
    orders = MarketOrders(
        time_ms=time_ms,
        sign=sign.astype(np.int8),
        reach=reach,
        ticks_through=ticks.astype(np.int32),
        mid=quotes.mid[before],
        markout=np.empty(len(time_ms)),
    )
    return replace(orders, markout=markout(orders, quotes, gaps, end_ms))


def markout(
    orders: MarketOrders, quotes: QuoteTape, gaps: IntArray, end_ms: int, horizon_ms: int = HORIZON_MS
) -> FloatArray:
    """Signed move of mid from just before each order to `horizon_ms` after it [price].

    NaN where the move crosses a gap or the end of what is known.
    """
    after_ms = orders.time_ms + horizon_ms
    before = np.searchsorted(quotes.time_ms, orders.time_ms, side="left") - 1
    last = np.searchsorted(quotes.time_ms, after_ms, side="right") - 1
    unknown = (before < 0) | crosses(gaps, orders.time_ms, after_ms) | (after_ms > end_ms)
    return np.where(unknown, np.nan, orders.sign * (quotes.mid[last] - quotes.mid[before]))


def _group_prints(trades: TradeTape) -> tuple[IntArray, IntArray, FloatArray]:
    """Time, sign and farthest price of each market order."""
    if len(trades.time_ms) == 0:
        return trades.time_ms, trades.sign, trades.price
    order = np.lexsort((trades.order, trades.sign, trades.time_ms))
    time_ms, sign, number = trades.time_ms[order], trades.sign[order], trades.order[order]
    is_new = np.r_[True, (np.diff(time_ms) != 0) | (np.diff(sign) != 0) | (np.diff(number) != 0)]
    first = np.flatnonzero(is_new)
    far: FloatArray = np.maximum.reduceat(sign * trades.price[order], first) * sign[first]
    return time_ms[first], sign[first], far
