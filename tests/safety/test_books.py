"""Freqtrade's own database is read as Freqtrade writes it; what cannot be read is an error and never empty."""

import pytest
from freqtrade.persistence import Order, Trade, init_db
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.market.errors import DataError
from market_making.market.sides import Side
from market_making.safety.books import BookedOrder, BotBooks, read_books
from tests.guard.documents import PAIR

amounts = st.integers(1, 100).map(lambda number: number / 100)
sides = st.sampled_from(["buy", "sell", "stoploss"])
placed = st.tuples(sides, amounts, st.booleans(), st.sampled_from([0.0, 0.25]))
trades = st.lists(st.tuples(amounts, st.booleans(), st.booleans(), st.lists(placed, max_size=3)), max_size=3)


@settings(max_examples=20)  # each makes a database of its own
@given(trades)
def test_orders_and_positions_are_those_of_freqtrades_own_objects(tmp_path_factory, given_trades):
    """Open and finished, long and short, with the filled part of what still rests."""
    database = tmp_path_factory.mktemp("books") / "trades.sqlite"
    init_db(f"sqlite:///{database}")
    oid, expected, coins = 0, BotBooks(), 0.0
    resting, stops, known = {}, set(), set()
    for amount, is_short, is_open, orders in given_trades:
        trade = Trade(pair=PAIR, stake_amount=1.0, amount=amount, open_rate=1.0, fee_open=0.0, fee_close=0.0,
                      exchange="hyperliquid", is_open=is_open, leverage=3.0, is_short=is_short)  # fmt: skip
        coins += (-amount if is_short else amount) if is_open else 0.0
        for side, size, rests, filled in orders:
            oid += 1
            known.add(oid)
            trade.orders.append(Order(ft_order_side=side, ft_pair=PAIR, ft_is_open=rests, ft_amount=size, ft_price=2.0,
                                      order_id=str(oid), filled=filled * size))  # fmt: skip
            if rests and side == "stoploss":
                stops.add(oid)
            elif rests:
                coins += filled * size * (1 if side == "buy" else -1)
                resting[oid] = BookedOrder(PAIR, Side.BID if side == "buy" else Side.ASK, 2.0, size - filled * size)
        Trade.session.add(trade)
    Trade.commit()
    books = read_books(database, [1, oid, 99_999])
    Trade.session.remove()
    expected = frozenset({1, oid} & known)
    assert (books.known, books.open, books.stops) == (expected, resting, frozenset(stops))
    assert books.coins.get(PAIR, 0.0) == pytest.approx(coins)
    assert books.leverage.get(PAIR, 3.0) == 3.0


@pytest.mark.parametrize("content", [None, b"", b"no database", b"SQLite format 3\x00" + b"x" * 200])
def test_what_is_no_database_is_an_error(tmp_path, content):
    """A missing, empty or damaged file makes no order unknown."""
    database = tmp_path / "trades.sqlite"
    if content is not None:
        database.write_bytes(content)
    with pytest.raises(DataError):
        read_books(database, [1])
    assert content is None or database.read_bytes() == content
