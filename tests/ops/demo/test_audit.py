"""The bot's book against the venue's."""

import sqlite3

import pytest

from market_making.ops.demo.audit import unaccounted, unrecorded
from market_making.trading.decision_log import Event


@pytest.fixture
def database(tmp_path):
    """Freqtrade's two tables, as far as the comparison reads them: one short and one long trade, three orders."""
    path = tmp_path / "trades.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE orders (order_id TEXT, ft_is_open INTEGER, ft_pair TEXT, ft_order_side TEXT, ft_price REAL, "
            "ft_amount REAL, filled REAL)"
        )
        connection.execute(
            "CREATE TABLE trades (pair TEXT, amount REAL, is_short INTEGER, is_open INTEGER, leverage REAL)"
        )
        orders = [(number, 0, "ETH/USDC:USDC", "buy", 1.0, 1.0, 1.0) for number in "123"]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", orders)
        connection.executemany(
            "INSERT INTO trades VALUES (?, ?, ?, ?, 1.0)",
            [("ETH/USDC:USDC", 0.5, 1, 1), ("BTC/USDC:USDC", 0.1, 0, 1), ("BTC/USDC:USDC", 9.0, 0, 0)],
        )
    connection.close()
    return path


def test_books_that_agree_leave_nothing_unaccounted(database):
    """Closed trades do not count, shorts count negative."""
    assert unaccounted(database, {"ETH": -0.5, "BTC": 0.1}, {1, 3}) == []


@pytest.mark.parametrize(
    ("positions", "filled", "finding"),
    [
        ({"ETH": -0.5, "BTC": 0.1}, {7}, "order 7"),
        ({"BTC": 0.1}, set(), "ETH/USDC:USDC: the bot holds -0.5, the venue says 0"),
        ({"ETH": -0.5, "BTC": 0.1, "SOL": 2.0}, set(), "SOL"),
    ],
)
def test_every_difference_is_named(database, positions, filled, finding):
    """An order the bot does not know and a position that differs are both findings."""
    assert any(finding in text for text in unaccounted(database, positions, filled))


def part(order_id, size, cumulated, **changes):
    """A fill in the decision log."""
    line = {"event": Event.FILL, "order_id": order_id, "size": size, "cumulated": cumulated, "price": 3000.0}
    return line | {"fee": 0.45 * size, "is_taker": False} | changes


def fill(oid, size, **changes):
    """A fill of the venue."""
    return {"oid": oid, "size": size, "price": 3000.0, "fee": 0.45 * size, "is_taker": False} | changes


def test_a_log_that_tells_every_fill_agrees():
    """Part by part, or two fills between two looks as one part; other lines do not matter."""
    lines = [{"event": Event.PLACE}, part("1", 0.01, 0.01), part("2", 0.03, 0.03), part("1", 0.02, 0.03)]
    assert unrecorded(lines, [fill(1, 0.01), fill(2, 0.02), fill(1, 0.02), fill(2, 0.01)]) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([part("1", 0.03, 0.03), part("1", 0.03, 0.03)], "0.06 coins are logged as filled, the venue says 0.03"),
        ([], "0 coins are logged"),
        ([part("1", 0.03, 0.03), part("2", 0.01, 0.01)], "order 2: 0.01 coins are logged as filled, the venue says 0"),
        ([part("1", 0.015, 0.015), part("1", 0.015, 0.03)], "the parts end at"),
        ([part("1", 0.01, 0.01), part("1", 0.02, 0.02)], "the parts end at"),
        ([part("1", 0.03, 0.03, fee=0.04)], "the fee is 0.04 in the log"),
        ([part("1", 0.03, 0.03, price=3001.0)], "the value is 90.03 in the log"),
        ([part("1", 0.03, 0.03, is_taker=True)], "maker and taker differ"),
    ],
)
def test_every_way_in_which_a_log_can_be_wrong_is_found(lines, said):
    """Counted twice, missing, invented, cut elsewhere, another price, fee or role."""
    (text,) = unrecorded(lines, [fill(1, 0.01), fill(1, 0.02)])
    assert said in text
