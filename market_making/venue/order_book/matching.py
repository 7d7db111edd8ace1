"""Matching of one coin: clients' orders laid over a market made by others.

Priority is price, then time. An own aggressor takes the visible book level by level and leaves no permanent impact.
A print of the source is shared: what an own order takes from it, the queue behind does not get. An external quote that
crosses a resting own order must have traded with it, so it fills it, up to the external size that crosses.

Everything here is synchronous. The iterators hand out one execution at a time, and the caller books it before it asks
for the next: how much an order may trade can depend on the executions before it.
"""

from collections.abc import Iterator

from market_making.market.events import BestQuote, BookSnapshot, Level
from market_making.market.instrument import Instrument
from market_making.market.sides import Direction, Side, Sides
from market_making.venue.order_book.book_side import BookSide, Capacity, Execution, Expire, by_price
from market_making.venue.order_book.order import Order


class Matching:
    """The book of one coin.

    Parameters
    ----------
    instrument : Instrument
        Its trading rules; sizes are counted in its lots.
    capacity, expire
        See `BookSide`.
    """

    def __init__(self, instrument: Instrument, capacity: Capacity, expire: Expire) -> None:
        self.instrument = instrument
        self.sides = Sides(*(BookSide(side, capacity, expire) for side in Side))
        self._snapshot: BookSnapshot | None = None
        self._lots_per_coin = round(1 / instrument.lot)

    def lots(self, size: float) -> int:
        """A size in whole lots."""
        return round(size * self._lots_per_coin)

    def size(self, lots: int) -> float:
        """A number of lots in coins."""
        return lots / self._lots_per_coin

    @property
    def external_mid(self) -> float | None:
        """Mid of the source's last book [price]; None before the first one with two sides."""
        if self._snapshot is None or not self._snapshot.bids or not self._snapshot.asks:
            return None
        return (self._snapshot.bids[0].price + self._snapshot.asks[0].price) / 2

    def on_snapshot(self, snapshot: BookSnapshot) -> Iterator[Execution]:
        """Take the source's book and yield what it fills by crossing own orders."""
        self._snapshot = snapshot
        for side, levels in zip(self.sides, (snapshot.bids, snapshot.asks), strict=True):
            side.replace(by_price((level.price, self.lots(level.size)) for level in levels))
        bids, asks = self.sides
        yield from bids.cross(asks)
        yield from asks.cross(bids)

    def on_print(self, direction: Direction, price: float, size: float) -> Iterator[Execution]:
        """Yield what a print of the source fills."""
        side = self.sides.ask if direction is Direction.BUY else self.sides.bid
        return side.print_at(price, self.lots(size))

    def take(self, order: Order, lots: int) -> Iterator[Execution]:
        """Yield what an own aggressor trades, up to its limit price; the order itself is left unchanged."""
        return self.sides.of(order.side.opposite).sweep(order.price, lots, order.owner)

    def would_match(self, side: Side, price: float) -> bool:
        """Whether an order would trade at once."""
        other = self.sides.of(side.opposite)
        return other.best is not None and other.is_within(other.best, price)

    def rest(self, order: Order) -> None:
        """Put an order into the book, at the end of its queue."""
        self.sides.of(order.side).add(order)

    def remove(self, order: Order) -> None:
        """Take an order out of the book."""
        self.sides.of(order.side).remove(order)

    def book(self, levels: int, time_ms: int) -> BookSnapshot:
        """External and own orders together."""
        bids, asks = (self._levels(side, levels) for side in self.sides)
        return BookSnapshot(self.instrument.coin, time_ms, bids, asks)

    def best_quote(self, time_ms: int) -> BestQuote:
        """Best bid and offer of external and own orders together."""
        bid, ask = (next(iter(self._levels(side, 1)), None) for side in self.sides)
        return BestQuote(self.instrument.coin, time_ms, bid, ask)

    def _levels(self, side: BookSide, levels: int) -> tuple[Level, ...]:
        external: tuple[Level, ...] = ()
        if self._snapshot is not None:
            external = self._snapshot.bids if side.side is Side.BID else self._snapshot.asks
        orders = {level.price: level.orders for level in external if level.price in side.external}
        return tuple(
            Level(price, self.size(lots), orders.get(price, 0) + own) for price, lots, own in side.depth(levels)
        )
