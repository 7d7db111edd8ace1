"""The bot's book against the venue's."""

import sqlite3

import pytest

from market_making.ops.demo.audit import unaccounted


@pytest.fixture
def database(tmp_path):
    """Freqtrade's two tables, as far as the comparison reads them: one short and one long trade, three orders."""
    path = tmp_path / "trades.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (order_id TEXT)")
        connection.execute("CREATE TABLE trades (pair TEXT, amount REAL, is_short INTEGER, is_open INTEGER)")
        connection.executemany("INSERT INTO orders VALUES (?)", [("1",), ("2",), ("3",)])
        connection.executemany(
            "INSERT INTO trades VALUES (?, ?, ?, ?)",
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
        ({"BTC": 0.1}, set(), "ETH: the bot holds -0.5, the venue says 0"),
        ({"ETH": -0.5, "BTC": 0.1, "SOL": 2.0}, set(), "SOL"),
    ],
)
def test_every_difference_is_named(database, positions, filled, finding):
    """An order the bot does not know and a position that differs are both findings."""
    assert any(finding in text for text in unaccounted(database, positions, filled))
