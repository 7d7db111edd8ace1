"""One side of the book: the source's visible levels with the clients' own orders in their queues.

Queue of an own order: `Order.ahead` is the external size [lots] that trades at its price before it does.

- At placement it is the whole visible size at the price. Beyond the last visible level it is not known (None) until
  a snapshot shows the price.
- A print at the price takes from it. A print at a worse price proves that everything before the order is gone.
- Visible size that vanishes without a print was cancelled somewhere in the queue: `ahead` shrinks in proportion,
  rounded up. It never grows: what arrives later stands behind.

Own orders do not change the external book; size that an own aggressor takes is missing until the next snapshot.
"""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from market_making.market.sides import Side
from market_making.venue.order_book.order import Order, Status

Capacity = Callable[[Order], int]
Expire = Callable[[Order, Status], None]


class Execution(NamedTuple):
    """Lots that trade at a price with a resting own order, or with the external book where `maker` is None."""

    maker: Order | None
    price: float
    lots: int


class BookSide:
    """Bids or asks of one coin; prices as numbers, sizes in lots.

    Parameters
    ----------
    side : Side
        Which side this is.
    capacity : Callable[[Order], int]
        How many lots of a resting order may still trade: less than its size where it only reduces a position.
    expire : Callable[[Order, Status], None]
        Called for a resting order that cannot trade: it would meet its own account, or has nothing to reduce. It must
        take the order out.

    Attributes
    ----------
    whole_fills : bool
        Whether the market fills an own order whole as soon as it fills any of it.
    """

    def __init__(self, side: Side, capacity: Capacity, expire: Expire) -> None:
        self.side = side
        self.external: dict[float, int] = {}
        self.orders: list[Order] = []
        self.whole_fills = False
        self._capacity = capacity
        self._expire = expire
        self._last_visible: float | None = None
        self._sign = -1 if side is Side.BID else 1  # prices times sign ascend away from the middle

    @property
    def best(self) -> float | None:
        """Best price of external and own orders together."""
        prices = [price for price in (next(iter(self.external), None), self._best_own) if price is not None]
        return min(prices, key=lambda price: self._sign * price, default=None)

    @property
    def _best_own(self) -> float | None:
        return self.orders[0].price if self.orders else None

    def is_within(self, price: float, limit: float) -> bool:
        """Whether `price` is `limit` or better for an aggressor who takes from this side."""
        return self._sign * price <= self._sign * limit

    def lots_at(self, price: float) -> int:
        """External and own lots at a price."""
        return self.external.get(price, 0) + sum(order.lots for order in self.orders if order.price == price)

    def depth(self, levels: int) -> list[tuple[float, int, int]]:
        """Price, lots and number of own orders of the best levels."""
        lots, count = dict(self.external), Counter(order.price for order in self.orders)
        for order in self.orders:
            lots[order.price] = lots.get(order.price, 0) + order.lots
        prices = sorted(lots, key=lambda price: self._sign * price)[:levels]
        return [(price, lots[price], count[price]) for price in prices]

    def replace(self, external: dict[float, int]) -> None:
        """Take a new snapshot, ordered from the best price on, and move the queues."""
        for order in self.orders:
            self._requeue(order, external)
        self.external = external
        self._last_visible = next(reversed(external), None)

    def _requeue(self, order: Order, external: dict[float, int]) -> None:
        last = next(reversed(external), None)
        if last is None or not self.is_within(order.price, last):
            return
        after = external.get(order.price, 0)
        if order.ahead is None:
            order.ahead = after
            return
        before = self.external.get(order.price, 0)
        if after < before:
            order.ahead = -(-order.ahead * after // before)
        order.ahead = min(order.ahead, after)

    def add(self, order: Order) -> None:
        """Put an order at the end of its queue."""
        visible = self._last_visible is not None and self.is_within(order.price, self._last_visible)
        order.ahead = self.external.get(order.price, 0) if visible else None
        insort(self.orders, order, key=lambda resting: self._sign * resting.price)

    def remove(self, order: Order) -> None:
        """Take an order out."""
        self.orders.remove(order)

    def print_at(self, price: float, lots: int) -> Iterator[Execution]:
        """Let a print of the source hit this side: own orders at better prices first, then the queue at the price."""
        for order in [order for order in self.orders if order.price != price and self.is_within(order.price, price)]:
            traded = self._trade(order, lots, taker="")
            if traded:
                lots = max(lots - traded, 0)
                yield Execution(order, order.price, traded)
        visible = self.external.get(price, 0)
        # The print itself proves size at the price, more perhaps than the last snapshot showed.
        for execution in self._level(price, lots, max(visible, lots), taker=""):
            if execution.maker is not None:
                yield execution

    def sweep(self, limit: float, lots: int, taker: str) -> Iterator[Execution]:
        """Let an aggressor of account `taker` take up to `lots`, from the best price to `limit`."""
        while lots > 0 and (best := self.best) is not None and self.is_within(best, limit):
            for execution in self._level(best, lots, self.external.get(best, 0), taker):
                lots -= execution.lots
                yield execution

    def _level(self, price: float, lots: int, available: int, taker: str) -> Iterator[Execution]:
        """Trade at one price: external size ahead of each own order, the order, at last the external rest."""
        gone = 0
        for order in [order for order in self.orders if order.price == price]:
            if not order.is_live:  # ended by an execution before; its place in the queue stands still since then
                continue
            # What has gone is already taken off a known queue.
            ahead = available - gone if order.ahead is None else order.ahead
            external = min(lots, ahead, available - gone)
            if external:
                gone, lots = gone + external, lots - external
                self.take_external(price, external)
                yield Execution(None, price, external)
            if lots == 0:
                return
            traded = self._trade(order, lots, taker)
            if traded:
                lots = max(lots - traded, 0)
                yield Execution(order, price, traded)
        rest = min(lots, available - gone)
        if rest:
            self.take_external(price, rest)
            yield Execution(None, price, rest)

    def _trade(self, order: Order, lots: int, taker: str) -> int:
        """Give lots of an own order to an aggressor; an order that cannot trade is expired."""
        if not lots or not order.lots or not order.is_live:
            return 0
        if order.owner == taker:
            self._expire(order, Status.SELF_TRADE)
            return 0
        allowed = self._capacity(order)
        if allowed <= 0:
            self._expire(order, Status.REDUCE_ONLY_CANCELLED)
            return 0
        # A client that takes, takes what it has asked for.
        wanted = order.lots if self.whole_fills and not taker else min(lots, order.lots)
        traded = min(wanted, allowed)
        order.lots -= traded
        if not order.lots:
            self.remove(order)
        return traded

    def cross(self, quotes: "BookSide") -> Iterator[Execution]:
        """Let the external quotes of the other side that cross own orders of this side fill them."""
        for order in list(self.orders):
            for price in [price for price in quotes.external if quotes.is_within(price, order.price)]:
                traded = self._trade(order, quotes.external[price], taker="")
                if traded:
                    quotes.take_external(price, traded)
                    yield Execution(order, order.price, traded)

    def take_external(self, price: float, lots: int) -> None:
        """Remove external size; whoever queues behind it moves up."""
        left = self.external.get(price, 0) - lots
        if left > 0:
            self.external[price] = left
        else:
            self.external.pop(price, None)
        for order in self.orders:
            if order.price == price and order.ahead is not None:
                order.ahead = max(order.ahead - lots, 0)


def by_price(levels: Iterable[tuple[float, int]]) -> dict[float, int]:
    """Levels as a mapping that keeps their order; empty ones are left out."""
    return {price: lots for price, lots in levels if lots > 0}
