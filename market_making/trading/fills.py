"""The one place that turns an order, seen with what is filled of it so far, into new fills: each part counts once.

Freqtrade looks at finished orders again, when it learns their fee late or starts anew, and tells of them a second
time. So how much of an order has been counted is kept by its id, and for an order from before this start it is asked of
the log that the run before has left.
"""

from collections.abc import Callable
from typing import NamedTuple

from market_making.market.sides import Side
from market_making.trading.holding import RestingOrder

DIGITS = 8  # no exchange has smaller lots; beyond them is floating point
_ORDERS_KEPT = 10_000


class Fill(NamedTuple):
    """A part of an order that was filled, seen at a time [ms]: price [price], sizes [coins].

    `cumulated` is what is filled of the order with this part. `fee` [quote currency] is what the venue's rate asks for
    it, negative where it pays. `mid` was the middle of the book [price] when the bot last looked before, `lots` is the
    size in the lots of then; None if they are not known.
    """

    time_ms: int
    pair: str
    coin: str
    order_id: str
    side: Side
    price: float
    size: float
    cumulated: float
    fee: float
    is_taker: bool
    mid: float | None = None
    lots: float | None = None

    @property
    def value(self) -> float:
        """What was bought or sold is worth at its price [quote currency]."""
        return self.price * self.size

    @property
    def coins(self) -> float:
        """What it adds to the position [coins, signed]."""
        return self.size if self.side is Side.BID else -self.size


class Fees(NamedTuple):
    """What the venue takes of the value of a fill, as a share; negative where it pays."""

    maker: float = 0.0
    taker: float = 0.0


class CountedFills:
    """How much of each order has been counted.

    Parameters
    ----------
    counted_before : Callable[[str], float | None], optional
        What the log of former runs says of an order: how much was counted [coins], None if it does not know the order.
    started_ms : int
        Only orders placed before are looked up there [ms].
    """

    def __init__(self, counted_before: Callable[[str], float | None] | None = None, started_ms: int = 0) -> None:
        self._counted_before = counted_before
        self._started_ms = started_ms
        self._counted: dict[str, float] = {}

    def knows(self, order: RestingOrder) -> bool:
        """Whether the order has been seen before, in this run or a former one."""
        if order.order_id in self._counted:
            return True
        if self._counted_before is None or order.placed_ms >= self._started_ms:
            return False
        before = self._counted_before(order.order_id)
        if before is not None:
            self._keep(order.order_id, before)
        return before is not None

    def part(self, order: RestingOrder) -> float:
        """Size of what has been filled since the order was last seen [coins]."""
        before = self._counted[order.order_id] if self.knows(order) else 0.0
        self._keep(order.order_id, max(order.filled, before))
        return round(max(order.filled - before, 0.0), DIGITS)

    def _keep(self, order_id: str, filled: float) -> None:
        self._counted[order_id] = filled
        if len(self._counted) > _ORDERS_KEPT:
            del self._counted[next(iter(self._counted))]
