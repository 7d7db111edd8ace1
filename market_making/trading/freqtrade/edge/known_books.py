"""The books from a websocket: the fast book as heartbeat, and the best quotes that are newer.

A book is known only while its heartbeat is: the fast book comes every half second even when nothing changes. Nothing is
known of a coin of which it is silent for a second, or whose time is not that of now.
"""

import time
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, NamedTuple

from market_making.market.clock import now_ms
from market_making.market.errors import MalformedMessage
from market_making.market.sides import Side, Sides

SILENCE_S = 1.0
# Of a book's time against this machine's clock: what a message is on its way, and half of that for the clocks.
OLDEST_MS, NEWEST_MS = 1_500, -1_000


class RawLevel(NamedTuple):
    """A price level with the exchange's own words for it."""

    price: float
    size: float
    words: Any


class _Told(NamedTuple):
    levels: Sides[tuple[RawLevel, ...]]
    time_ms: int
    heard_s: float


class KnownBooks:
    """Books of some coins.

    Parameters
    ----------
    clock : Callable[[], float]
        Seconds that never go back.
    wall_ms : Callable[[], int]
        Unix time [ms].
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, wall_ms: Callable[[], int] = now_ms) -> None:
        self._clock = clock
        self._wall_ms = wall_ms
        self._books: dict[str, _Told] = {}
        self._quotes: dict[str, _Told] = {}
        self.told_s = 0.0
        """When a book or best quote was last heard [s]."""

    def take_book(self, data: Any) -> str:
        """Take the body of an ``l2Book`` message; return its coin.

        Raises
        ------
        MalformedMessage
            If something is missing, or it is older than the book before.
        """
        try:
            bids, asks = data["levels"]
            sides = Sides(tuple(map(_level, bids)), tuple(map(_level, asks)))
            return self._take(self._books, str(data["coin"]), sides, data["time"])
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedMessage(f"a book lacks {error}: {data!r:.100}") from None

    def take_quote(self, data: Any) -> str:
        """Take the body of a ``bbo`` message; return its coin. Errors as in `take_book`."""
        try:
            bid, ask = (tuple(_level(level) for level in (best,) if level is not None) for best in data["bbo"])
            return self._take(self._quotes, str(data["coin"]), Sides(bid, ask), data["time"])
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedMessage(f"a best quote lacks {error}: {data!r:.100}") from None

    def forget(self) -> None:
        """Messages were missed."""
        self._books.clear()
        self._quotes.clear()

    @property
    def heard_s(self) -> float | None:
        """When any book was last heard [s]."""
        return max((told.heard_s for told in list(self._books.values())), default=None)

    def levels(self, coin: str) -> Sides[tuple[RawLevel, ...]] | None:
        """Levels of both sides, best first; None where they are not known now."""
        book, quote = self._books.get(coin), self._quotes.get(coin)
        if book is None or not self._is_now(book):
            return None
        if quote is None or quote.time_ms < book.time_ms:
            return book.levels
        if not (quote.levels.bid and quote.levels.ask):
            return None
        best_bid, best_ask = quote.levels.bid[0], quote.levels.ask[0]
        return Sides(
            (best_bid, *(level for level in book.levels.bid if level.price < best_bid.price)),
            (best_ask, *(level for level in book.levels.ask if level.price > best_ask.price)),
        )

    def answer(self, coin: str) -> dict[str, Any] | None:
        """The answer to an ``l2Book`` question; None where the exchange must be asked."""
        book, quote = self._books.get(coin), self._quotes.get(coin)  # the thread of the socket may forget them
        levels = self.levels(coin)
        if book is None or levels is None or not (levels.bid and levels.ask):
            return None
        if levels.bid[0].price >= levels.ask[0].price:
            return None
        time_ms = book.time_ms if quote is None else max(book.time_ms, quote.time_ms)
        return {"coin": coin, "time": time_ms, "levels": [[dict(each.words) for each in side] for side in levels]}

    def mid(self, coin: str, own: Iterable[tuple[Side, float, float]] = ()) -> float | None:
        """Mid without own orders (side, price [price], size [coins]); None where it is not known now."""
        levels = self.levels(coin)
        if levels is None:
            return None
        own = tuple(own)
        bid, ask = (_best(levels.of(side), side, own) for side in (Side.BID, Side.ASK))
        return None if bid is None or ask is None or bid >= ask else (bid + ask) / 2

    def _take(self, told: dict[str, _Told], coin: str, levels: Sides[tuple[RawLevel, ...]], time_ms: Any) -> str:
        if type(time_ms) is not int:
            raise MalformedMessage(f"a book of {coin} has the time {time_ms!r:.40}")
        before = told.get(coin)
        if before is not None and time_ms < before.time_ms:
            raise MalformedMessage(f"a book of {coin} is {before.time_ms - time_ms} ms older than the one before")
        self.told_s = now_s = self._clock()
        # A book is new every half second; one that comes again with the same time proves nothing.
        told[coin] = _Told(levels, time_ms, now_s if before is None or time_ms > before.time_ms else before.heard_s)
        return coin

    def _is_now(self, book: _Told) -> bool:
        age_ms = self._wall_ms() - book.time_ms
        return self._clock() - book.heard_s <= SILENCE_S and NEWEST_MS <= age_ms <= OLDEST_MS


def _level(words: Any) -> RawLevel:
    price, size = float(words["px"]), float(words["sz"])
    if not (isfinite(price) and isfinite(size) and price > 0 and size > 0):
        raise ValueError(f"positive numbers, got {words!r:.60}")
    return RawLevel(price, size, words)


def _best(levels: Iterable[RawLevel], side: Side, own: tuple[tuple[Side, float, float], ...]) -> float | None:
    for level in levels:
        mine = sum(size for each, price, size in own if each is side and price == level.price)
        if level.size > mine * (1 + 1e-9):
            return level.price
    return None
