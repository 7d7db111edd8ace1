"""What a bot's own database says: which orders it knows, and what it holds. Freqtrade's sqlite file, read only."""

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from market_making.market.errors import DataError
from market_making.market.sides import Side

_WAIT_S = 0.2
_STOP = "stoploss"


class BookedOrder(NamedTuple):
    """An order as its bot has booked it: price [price], size still open [coins]."""

    pair: str
    side: Side
    price: float
    size: float


@dataclass(frozen=True)
class BotBooks:
    """The books of a bot.

    Parameters
    ----------
    known : frozenset of int
        Orders asked about that are in the database, open or not.
    open : mapping of int to BookedOrder
        Orders that are open by the database; stops on the exchange are left out.
    coins : mapping of str to float
        Position by pair from finished orders and the filled part of open ones [coins, signed].
    leverage : mapping of str to float
        Leverage by pair of what is held.
    stops : frozenset of int
        Stops on the exchange that are open by the database.
    """

    known: frozenset[int] = frozenset()
    open: Mapping[int, BookedOrder] = field(default_factory=dict)
    coins: Mapping[str, float] = field(default_factory=dict)
    leverage: Mapping[str, float] = field(default_factory=dict)
    stops: frozenset[int] = frozenset()


def read_books(database: Path, asked: Iterable[int]) -> BotBooks:
    """Read the database of a bot.

    Parameters
    ----------
    database : Path
        Freqtrade's sqlite file.
    asked : iterable of int
        Orders of the account; which of them the bot knows is told in `known`.

    Raises
    ------
    DataError
        If it cannot be read: nothing is known then, which is not the same as an empty database.
    """
    if not database.is_file():
        raise DataError(f"there is no database {database}")
    try:
        address = f"{database.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=_WAIT_S)) as connection:
            return _read(connection, sorted(set(asked)))
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise DataError(f"{database} cannot be read: {error}") from None


def _read(connection: sqlite3.Connection, asked: list[int]) -> BotBooks:
    known: set[int] = set()
    for start in range(0, len(asked), 500):
        some = [str(oid) for oid in asked[start : start + 500]]
        marks = ",".join("?" * len(some))
        rows = connection.execute(f"SELECT order_id FROM orders WHERE order_id IN ({marks})", some)  # noqa: S608
        known.update(int(row[0]) for row in rows)
    coins: dict[str, float] = {}
    leverage: dict[str, float] = {}
    for pair, amount, is_short, lever in connection.execute(
        "SELECT pair, amount, is_short, leverage FROM trades WHERE is_open"
    ):
        coins[pair] = coins.get(pair, 0.0) + (-amount if is_short else amount)
        leverage[pair] = lever or 1.0
    resting: dict[int, BookedOrder] = {}
    stops: set[int] = set()
    for oid, pair, side, price, amount, filled in connection.execute(
        "SELECT order_id, ft_pair, ft_order_side, ft_price, ft_amount, coalesce(filled, 0) FROM orders WHERE ft_is_open"
    ):
        if side == _STOP:
            stops.add(int(oid))
            continue
        is_bid = side == "buy"
        resting[int(oid)] = BookedOrder(pair, Side.BID if is_bid else Side.ASK, price, amount - filled)
        coins[pair] = coins.get(pair, 0.0) + (filled if is_bid else -filled)
    return BotBooks(frozenset(known), resting, coins, leverage, frozenset(stops))
