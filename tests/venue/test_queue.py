"""The queue at a price against an oracle that keeps it as a row of chunks, first come, first served."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from market_making.hyperliquid.orders import TimeInForce
from market_making.market.events import BookSnapshot, Level
from market_making.market.instrument import Instrument
from market_making.market.sides import Direction, Side
from market_making.venue.order_book.matching import Matching
from market_making.venue.order_book.order import Order, Status

ETH = Instrument.hyperliquid("ETH", 2)  # a lot is 0.01
BEST, WORST = 2, 1
OTHERS = None
Chunk = tuple[int | None, int]  # whose order (or the others'), lots
Fill = tuple[int, int, int]  # step of the price, order, lots


@dataclass
class Row:
    """One price: everybody in the order in which they came."""

    chunks: list[Chunk] = field(default_factory=list)

    def external(self) -> int:
        return sum(lots for who, lots in self.chunks if who is OTHERS)

    def take(self, lots: int) -> list[tuple[int | None, int]]:
        """Serve an aggressor from the front; what he gets, of whom."""
        taken = []
        while lots and self.chunks:
            who, size = self.chunks.pop(0)
            taken.append((who, min(size, lots)))
            if size > lots:
                self.chunks.insert(0, (who, size - lots))
            lots -= taken[-1][1]
        return taken

    def take_own(self, lots: int) -> list[tuple[int | None, int]]:
        """Serve an aggressor who is known to have gone through the price: the others there are gone already."""
        own = Row([chunk for chunk in self.chunks if chunk[0] is not OTHERS])
        taken = own.take(lots)
        left = dict(own.chunks)
        chunks = [(who, size if who is OTHERS else left.get(who, 0)) for who, size in self.chunks]
        self.chunks = [chunk for chunk in chunks if chunk[1]]
        return taken

    def show(self, size: int) -> None:
        """The others become so many lots: newcomers stand last, leavers left everywhere in proportion."""
        before, seen, shown, chunks = self.external(), 0, 0, []
        for who, lots in self.chunks:
            if who is not OTHERS:
                chunks.append((who, lots))
                continue
            seen += lots
            ahead = seen if size >= before else -(-seen * size // before)
            chunks.append((OTHERS, ahead - shown))
            shown = ahead
        self.chunks = [chunk for chunk in [*chunks, (OTHERS, size - shown)] if chunk[1]]


class Oracle:
    """All prices of one side; `BEST` is the best, nothing of the others ever crosses it."""

    def __init__(self) -> None:
        self.rows = {step: Row() for step in range(BEST, WORST - 1, -1)}

    def print_at(self, step: int, lots: int) -> list[Fill]:
        fills = []
        for better in range(BEST, step - 1, -1):
            row = self.rows[better]
            taken = row.take_own(lots) if better > step else row.take(lots)
            fills += [(better, who, size) for who, size in taken if who is not OTHERS]
            lots -= sum(size for who, size in taken if who is not OTHERS)
        return fills

    def cancel(self, oid: int | None) -> None:
        for row in self.rows.values():
            row.chunks = [chunk for chunk in row.chunks if chunk[0] is OTHERS or chunk[0] != oid]

    def sweep(self, step: int, lots: int) -> list[Fill]:
        fills = []
        for better in range(BEST, step - 1, -1):
            taken = self.rows[better].take(lots)
            fills += [(better, who, size) for who, size in taken if who is not OTHERS]
            lots -= sum(size for _, size in taken)
        return fills


class Venue:
    """The same prices on the venue's book, as bids or as asks."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.sign = 1 if side is Side.BID else -1
        self.orders: dict[int, Order] = {}
        self.matching = Matching(ETH, lambda order: order.lots, self.expire)

    def expire(self, order: Order, status: Status) -> None:
        raise AssertionError(f"{order.oid} {status}")

    def price(self, step: int) -> float:
        return round(3000 + self.sign * (step - 10) * 0.1, 1)

    def order(self, side: Side, owner: str, step: int, lots: int) -> Order:
        oid = len(self.orders) + 1
        return Order(oid, owner, ETH, side, self.price(step), lots, lots, 0, TimeInForce.GOOD_TILL_CANCELLED)

    def rest(self, owner: str, step: int, lots: int) -> int:
        order = self.order(self.side, owner, step, lots)
        self.orders[order.oid] = order
        self.matching.rest(order)
        return order.oid

    def cancel(self, number: int) -> int | None:
        """Cancel one of the orders that rest, and tell which."""
        resting = self.matching.sides.of(self.side).orders
        if not resting:
            return None
        order = resting[number % len(resting)]
        self.matching.remove(order)
        return order.oid

    def show(self, sizes: dict[int, int]) -> None:
        shown = [Level(self.price(step), lots / 100) for step, lots in sizes.items() if lots]
        own, other = tuple([*shown, Level(self.price(0), 1.0)]), (Level(self.price(20), 1.0),)
        bids, asks = (own, other) if self.side is Side.BID else (other, own)
        assert not list(self.matching.on_snapshot(BookSnapshot("ETH", 0, bids, asks)))

    def print_at(self, step: int, lots: int) -> list[Fill]:
        direction = Direction.SELL if self.side is Side.BID else Direction.BUY
        return self.fills(self.matching.on_print(direction, self.price(step), lots / 100))

    def sweep(self, step: int, lots: int) -> list[Fill]:
        return self.fills(self.matching.take(self.order(self.side.opposite, "taker", step, lots), lots))

    def fills(self, executions) -> list[Fill]:
        made = [(execution.maker, execution.lots) for execution in executions if execution.maker is not None]
        return [(round(self.sign * (order.price - 3000) * 10) + 10, order.oid, lots) for order, lots in made]


STEPS, LOTS = st.integers(WORST, BEST), st.integers(1, 60)
SIZES = st.dictionaries(STEPS, st.integers(0, 90))
RESTS = st.tuples(st.just("rest"), st.sampled_from(["alice", "bob"]), STEPS, st.integers(0, 60), LOTS)
AGGRESSORS = st.tuples(st.sampled_from(["print", "sweep"]), STEPS, st.integers(1, 150))
BOOKS = st.tuples(st.just("book"), SIZES)
CANCELS = st.tuples(st.just("cancel"), st.integers(0, 9))
OPERATIONS = st.lists(st.one_of(RESTS, RESTS, AGGRESSORS, AGGRESSORS, BOOKS, CANCELS), min_size=15, max_size=30)


def show(venue: Venue, oracle: Oracle, sizes: dict[int, int]) -> None:
    for step, size in sizes.items():
        oracle.rows[step].show(size)
    venue.show({step: row.external() for step, row in oracle.rows.items()})


def both(venue: Venue, oracle: Oracle, operation: tuple) -> tuple[list[Fill], list[Fill]]:
    """Let the same thing happen on the venue and in the oracle; what it fills on either."""
    match operation:
        case ("rest", owner, step, newcomers, lots):
            show(venue, oracle, {step: oracle.rows[step].external() + newcomers})
            oracle.rows[step].chunks.append((venue.rest(owner, step, lots), lots))
        case ("print", step, lots):
            return venue.print_at(step, lots), oracle.print_at(step, lots)
        case ("sweep", step, lots):
            return venue.sweep(step, lots), oracle.sweep(step, lots)
        case ("book", sizes):
            show(venue, oracle, sizes)
        case ("cancel", number):
            oracle.cancel(venue.cancel(number))
    return [], []


@given(side=st.sampled_from(list(Side)), sizes=SIZES, operations=OPERATIONS)
def test_nobody_is_filled_before_what_was_ahead_of_him_is_gone(side: Side, sizes: dict[int, int], operations):
    """Prints and aggressors fill the orders of all accounts as a row in which everybody waits his turn does."""
    venue, oracle = Venue(side), Oracle()
    for operation in [("book", sizes), *operations]:
        ours, expected = both(venue, oracle, operation)
        assert ours == expected
        for step, row in oracle.rows.items():
            assert venue.matching.sides.of(side).external.get(venue.price(step), 0) == row.external()
