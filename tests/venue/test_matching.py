"""Laws of matching: queues, prints that are shared, priority, own aggressors."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.hyperliquid.orders import TimeInForce
from market_making.market.events import BookSnapshot, Level
from market_making.market.instrument import Instrument
from market_making.market.sides import Direction, Side
from market_making.venue.order_book.book_side import Execution
from market_making.venue.order_book.matching import Matching
from market_making.venue.order_book.order import Order, Status

ETH = Instrument.hyperliquid("ETH", 2)  # a lot is 0.01
PRICES = st.integers(-6, 6).map(lambda step: round(3000 + step * 0.1, 1))
LOTS = st.integers(1, 500)


def make_order(side: Side, price: float, lots: int, owner: str = "me") -> Order:
    return Order(1, owner, ETH, side, price, lots, lots, 0, TimeInForce.GOOD_TILL_CANCELLED)


def make_matching(expired: list[tuple[Order, Status]] | None = None) -> Matching:
    def expire(order: Order, status: Status) -> None:
        order.status = status
        matching.remove(order)
        if expired is not None:
            expired.append((order, status))

    matching = Matching(ETH, lambda order: order.lots, expire)
    return matching


def snapshot(bids: Iterable[tuple[float, float]], asks: Iterable[tuple[float, float]]) -> BookSnapshot:
    return BookSnapshot("ETH", 0, tuple(Level(*level) for level in bids), tuple(Level(*level) for level in asks))


def show(
    matching: Matching, bids: Iterable[tuple[float, float]], asks: Iterable[tuple[float, float]]
) -> list[Execution]:
    return list(matching.on_snapshot(snapshot(bids, asks)))


BIDS = [(2999.9, 3.0), (2999.8, 2.0), (2999.7, 4.0)]
ASKS = [(3000.1, 3.0), (3000.2, 2.0), (3000.3, 4.0)]


@given(prints=st.lists(LOTS, max_size=20), lots=LOTS)
def test_an_order_is_filled_by_exactly_what_prints_beyond_its_queue(prints: list[int], lots: int):
    """At an unchanged price the fills are the printed volume minus the size that was ahead, up to the order's size."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    matching.rest(make_order(Side.BID, 2999.9, lots))
    filled = sum(
        execution.lots for size in prints for execution in matching.on_print(Direction.SELL, 2999.9, size / 100)
    )
    assert filled == min(lots, max(0, sum(prints) - 300))


@given(
    orders=st.lists(st.tuples(PRICES, LOTS, st.sampled_from("abc")), max_size=8),
    prints=st.lists(st.tuples(PRICES, LOTS), max_size=12),
)
def test_prints_are_shared_by_price_then_time(orders, prints):
    """Fills never exceed the print; a worse or later order gets nothing before every better and earlier one is full."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    resting = [make_order(Side.BID, min(price, 3000.0), lots, owner) for price, lots, owner in orders]
    for order in resting:
        matching.rest(order)
    ranked = sorted(resting, key=lambda order: -order.price)
    for price, lots in prints:
        executions = list(matching.on_print(Direction.SELL, price, lots / 100))
        assert sum(execution.lots for execution in executions) <= lots
        assert all(
            execution.maker.price >= price and execution.price == execution.maker.price for execution in executions
        )
        for worse, order in enumerate(ranked):
            if order.filled_lots:
                assert all(better.lots == 0 for better in ranked[:worse])


@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    prints=st.lists(st.integers(0, 60), min_size=12, max_size=12),
)
def test_a_place_in_the_queue_never_gets_worse(sizes, prints):
    """Whatever the book does, the size ahead never grows and never exceeds what is visible."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    order = make_order(Side.BID, 2999.8, 10_000)
    matching.rest(order)
    ahead = order.ahead
    for size, printed in zip(sizes, prints, strict=False):
        if printed:
            list(matching.on_print(Direction.SELL, 2999.8, printed / 100))
        assert order.ahead <= ahead
        ahead = order.ahead
        show(matching, [(2999.9, 1.0), (2999.8, size / 100), (2999.7, 1.0)], ASKS)
        assert order.ahead <= min(ahead, size)
        ahead = order.ahead


def test_cancellations_move_the_queue_in_proportion():
    """Half of the visible size cancelled is half of the size ahead gone; a print is not counted a second time."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    order = make_order(Side.BID, 2999.9, 100)
    matching.rest(order)
    show(matching, [(2999.9, 6.0)], ASKS)
    assert order.ahead == 300
    show(matching, [(2999.9, 3.0)], ASKS)
    assert order.ahead == 150
    assert not list(matching.on_print(Direction.SELL, 2999.9, 1.0))
    assert order.ahead == 50
    show(matching, [(2999.9, 2.0)], ASKS)
    assert order.ahead == 50


def test_a_price_beyond_the_visible_book_has_an_unknown_queue_until_it_is_seen():
    """Outside the snapshot, prints at its price do not fill an order; once visible, the whole size is ahead of it."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    order = make_order(Side.BID, 2999.5, 100)
    matching.rest(order)
    assert order.ahead is None
    assert not list(matching.on_print(Direction.SELL, 2999.5, 50.0))
    show(matching, [(2999.6, 1.0), (2999.5, 7.0)], ASKS)
    assert order.ahead == 700


def test_a_print_through_the_price_fills():
    """A print beyond an order's price proves that everything before the order is gone."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    order = make_order(Side.ASK, 3000.2, 100)
    matching.rest(order)
    (execution,) = matching.on_print(Direction.BUY, 3000.3, 0.4)
    assert execution == Execution(order, 3000.2, 40)
    assert order.lots == 60


@given(price=PRICES, lots=st.integers(1, 3000), own=st.lists(st.tuples(PRICES, LOTS), max_size=5))
def test_an_aggressor_takes_the_best_prices_first_and_no_more_than_there_is(price, lots, own):
    """Executions of an own buyer ascend in price, stay within its limit, and add up to what it could get there."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    for own_price, own_lots in own:
        matching.rest(make_order(Side.ASK, max(own_price, 3000.0), own_lots, "maker"))
    available = sum(size for level, size, _ in matching.sides.ask.depth(100) if level <= price)
    executions = list(matching.take(make_order(Side.BID, price, lots), lots))
    prices = [execution.price for execution in executions]
    assert prices == sorted(prices)
    assert all(paid <= price for paid in prices)
    assert sum(execution.lots for execution in executions) == min(lots, available)
    left = sum(size for level, size, _ in matching.sides.ask.depth(100) if level <= price)
    assert left == available - min(lots, available)


def test_an_aggressor_leaves_no_permanent_impact():
    """Size an own aggressor took is missing until the next snapshot, and back with it."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    list(matching.take(make_order(Side.BID, 3000.2, 400), 400))
    assert matching.best_quote(0).ask == Level(3000.2, 1.0, 1)
    show(matching, BIDS, ASKS)
    assert matching.best_quote(0).ask == Level(3000.1, 3.0, 1)


def test_the_external_queue_trades_before_a_later_own_order():
    """At one price an aggressor takes the external size that was first, then the own order, then what came later."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    resting = make_order(Side.ASK, 3000.1, 50, "maker")
    matching.rest(resting)
    show(matching, BIDS, [(3000.1, 5.0)])
    executions = list(matching.take(make_order(Side.BID, 3000.1, 400), 400))
    assert executions == [
        Execution(None, 3000.1, 300), Execution(resting, 3000.1, 50), Execution(None, 3000.1, 50)
    ]  # fmt: skip


def test_an_account_does_not_trade_with_itself():
    """The resting order of the same account expires, and the aggressor goes on to the next one."""
    expired: list[tuple[Order, Status]] = []
    matching = make_matching(expired)
    show(matching, BIDS, [(3000.5, 1.0)])
    mine, yours = make_order(Side.ASK, 3000.1, 50, "me"), make_order(Side.ASK, 3000.2, 50, "you")
    matching.rest(mine)
    matching.rest(yours)
    assert list(matching.take(make_order(Side.BID, 3000.2, 80, "me"), 80)) == [Execution(yours, 3000.2, 50)]
    assert expired == [(mine, Status.SELF_TRADE)]


def test_an_external_quote_that_crosses_an_order_fills_it():
    """A snapshot whose bids reach an own ask fills it at its price, up to the size that crosses."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    order = make_order(Side.ASK, 3000.0, 500)
    matching.rest(order)
    executions = show(matching, [(3000.1, 1.0), (3000.0, 2.0), (2999.9, 9.0)], [(3000.2, 1.0)])
    assert [(execution.price, execution.lots) for execution in executions] == [(3000.0, 100), (3000.0, 200)]
    assert matching.best_quote(0).bid == Level(2999.9, 9.0, 1)
    assert order.lots == 200


@pytest.mark.parametrize(("side", "price", "matches"), [
    (Side.BID, 3000.1, True), (Side.BID, 3000.0, False), (Side.ASK, 2999.9, True), (Side.ASK, 3000.0, False),
])  # fmt: skip
def test_post_only_is_judged_by_the_whole_book(side: Side, price: float, matches: bool):
    """An order would match if its price reaches the other side's best price, an own order's included."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    assert matching.would_match(side, price) is matches
    matching.rest(make_order(side.opposite, 3000.0, 1))
    assert matching.would_match(side, 3000.0)


def test_the_published_book_holds_own_and_external_orders():
    """Sizes and numbers of orders at a price are added up, and own prices take their place among the others."""
    matching = make_matching()
    show(matching, BIDS, ASKS)
    matching.rest(make_order(Side.BID, 2999.9, 50))
    matching.rest(make_order(Side.BID, 3000.0, 25))
    assert matching.book(2, 7) == BookSnapshot(
        "ETH", 7, (Level(3000.0, 0.25, 1), Level(2999.9, 3.5, 2)), (Level(3000.1, 3.0, 1), Level(3000.2, 2.0, 1))
    )


@given(
    orders=st.lists(st.tuples(st.integers(1, 9), LOTS), max_size=6),
    prints=st.lists(st.tuples(st.integers(1, 9), LOTS), max_size=10),
)
def test_bids_and_asks_are_mirror_images(orders, prints):
    """Mirroring prices at mid and exchanging buyers and sellers gives the same fills."""

    def fills(sign: int) -> list[int]:
        side, direction = (Side.ASK, Direction.BUY) if sign > 0 else (Side.BID, Direction.SELL)
        matching = make_matching()
        show(matching, BIDS, ASKS)
        for step, lots in orders:
            matching.rest(make_order(side, round(3000 + sign * step * 0.1, 1), lots))
        return [
            execution.lots
            for step, lots in prints
            for execution in matching.on_print(direction, round(3000 + sign * step * 0.1, 1), lots / 100)
        ]

    assert fills(+1) == fills(-1)
