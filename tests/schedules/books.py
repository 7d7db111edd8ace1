"""The account at the venue held against a bot's database, ten times a second: what the books do not explain.

An order is unknown while it rests at the venue and is not in the database. Coins are unknown while the position differs
from what the database has booked plus what the venue has filled of orders that are open in the database.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.puppet_market import VenueThread

EVERY_S = 0.1
# Between the acceptance of an order or a fill and its entry in the database a healthy bot takes this long at most.
LASTING_S = 1.5
POSITION = "position"
_DUST = 1e-8


class Unknown(NamedTuple):
    """What the books did not explain from `began_s` to `ended_s` [s, monotonic], worth up to `peak` [USDC]."""

    what: str
    began_s: float
    ended_s: float
    peak: float

    @property
    def lasted_s(self) -> float:
        """How long."""
        return self.ended_s - self.began_s


class Books(NamedTuple):
    """What the database says: ids of all orders, of open ones with their direction (1 buys), booked coins [signed]."""

    known: frozenset[int]
    open: dict[int, int]
    coins: float


def read_books(database: Path) -> Books | None:
    """The books; None where they cannot be read, or are not there yet."""
    if not database.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=0.2)) as connection:
            orders = connection.execute("SELECT order_id, ft_is_open, ft_order_side FROM orders").fetchall()
            held = connection.execute(
                "SELECT coalesce(sum(CASE WHEN is_short THEN -amount ELSE amount END), 0) FROM trades WHERE is_open"
            ).fetchone()[0]
    except sqlite3.Error:
        return None
    resting = {int(oid): 1 if side == "buy" else -1 for oid, is_open, side in orders if is_open}
    return Books(frozenset(int(oid) for oid, _, _ in orders), resting, float(held))


def unexplained(books: Books, account: Mapping[str, Any], mid: float) -> dict[str, float]:
    """Unknown orders and coins, each with its value [USDC]."""
    found = {
        f"order {order['oid']}": float(order["sz"]) * mid
        for order in account["orders"]
        if order["oid"] not in books.known
    }
    filled = sum(books.open.get(fill["oid"], 0) * fill["size"] for fill in account["fills"])
    beyond = sum(account["positions"].values()) - books.coins - filled
    if abs(beyond) > _DUST:
        found[POSITION] = abs(beyond) * mid
    return found


@dataclass
class Watcher:
    """Compares until it is closed.

    Parameters
    ----------
    venue : VenueThread
        Where the account is.
    database : Path
        Freqtrade's sqlite file.
    """

    venue: VenueThread
    database: Path
    unknown: list[Unknown] = field(default_factory=list)
    usdc_seconds: float = 0.0
    now: dict[str, float] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    samples: int = 0
    _began: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and end what is still unknown now."""
        self._ended.set()
        self._thread.join(10)
        self._take({}, time.monotonic())

    def lasting(self, now_s: float) -> list[Unknown]:
        """What has been unknown for longer than a healthy bot takes, over or not."""
        present = [Unknown(what, began_s, now_s, peak) for what, (began_s, peak) in list(self._began.items())]
        return [each for each in (*self.unknown, *present) if each.lasted_s > LASTING_S]

    def is_clean(self) -> bool:
        """Whether the last look found nothing."""
        return not self.now

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            books = read_books(self.database)
            if books is None:
                continue
            account = self.venue.audit(orders="yes")
            if read_books(self.database) != books:
                continue  # something was booked between the two questions
            self.account = account
            self.samples += 1
            self._take(unexplained(books, account, self.venue.market.mid), time.monotonic())

    def _take(self, found: dict[str, float], now_s: float) -> None:
        self.usdc_seconds += sum(found.values()) * EVERY_S
        for what in self._began.keys() - found.keys():
            began_s, peak = self._began.pop(what)
            self.unknown.append(Unknown(what, began_s, now_s, peak))
        for what, worth in found.items():
            began_s, peak = self._began.get(what, (now_s, 0.0))
            self._began[what] = (began_s, max(peak, worth))
        self.now = found
