"""A recording of the tick store, played as a market.

Best quotes come several times a second, books of 20 levels only now and then; both are fused: every snapshot has the
touch of the last best quote, and behind it what the last book showed beyond that touch. A coin of which only best
quotes were recorded has a book of one level.

What was lost stays lost: a hole shorter than `BREAK_MS` is played as silence, a longer one ends a session.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from market_making.market.clock import utc_text
from market_making.market.errors import MalformedMessage, NotEnoughData
from market_making.market.events import BookSnapshot, Trade
from market_making.market.instrument import Instrument, Listing
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray, IntArray
from market_making.recording.store.market_file import read_market
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import BOOK_LEVELS, FAST_BOOK_LEVELS, Stream
from market_making.simulation.presets import KNOWN_COINS
from market_making.venue.markets.fused_book import FusedBook

Event = BookSnapshot | Trade

BREAK_MS = 30_000
# How much is read at once, and how far back the first book of a coin may lie.
SLICE_MS = 600_000
LOOK_BACK_MS = 10_000
SIZES_SEEN = 20_000


class RecordingSource:
    """Part of a recording.

    Parameters
    ----------
    root : Path or str
        Folder of the tick store.
    coins : Sequence[str]
        What to play; only times at which all of them were recorded count.
    venue : str
        Folder of the venue in the store.
    start_ms, end_ms : int, optional
        Where to begin and to end. Without a start: the longest session; without an end: to the end of the session.

    Raises
    ------
    UnknownCoin
        If nothing is recorded of a coin.
    NotEnoughData
        If the coins were never recorded at the same time, or not within the bounds.
    MalformedMessage
        If prices or sizes are not those of a Hyperliquid perpetual.
    """

    def __init__(
        self,
        root: Path | str,
        coins: Sequence[str],
        venue: str = "hyperliquid",
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> None:
        if not coins:
            raise NotEnoughData("no coin was named, at least one is needed")
        self._root, self._store = root, TickStore(root, venue)
        sessions = _common([_sessions(self._store, coin) for coin in coins])
        self.start_ms, self.end_ms = _window(sessions, start_ms, end_ms)
        self._listings = tuple(self._listing(coin) for coin in coins)

    @property
    def duration_s(self) -> float:
        """Length of what is played [s]."""
        return (self.end_ms - self.start_ms) / 1e3

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The coins of this market."""
        return self._listings

    def truth(self) -> None:
        """Nobody knows the true parameters of a recorded market."""

    def events(self, start_ms: int) -> Iterator[Event]:
        """Play the recording once, its first moment at `start_ms`; at equal stamps trades come before books."""
        coins = [self._coin_events(listing.coin, start_ms - self.start_ms) for listing in self._listings]
        return merge(*coins, key=lambda event: (event.time_ms, isinstance(event, BookSnapshot)))

    def _coin_events(self, coin: str, shift_ms: int) -> Iterator[Event]:
        book = FusedBook(coin)
        for _ in self._slice(coin, book, self.start_ms - LOOK_BACK_MS, self.start_ms, shift_ms):
            pass  # the book as it stood at the start
        if book.known:
            yield book.snapshot(self.start_ms + shift_ms)
        for begin in range(self.start_ms, self.end_ms, SLICE_MS):
            yield from self._slice(coin, book, begin, min(begin + SLICE_MS, self.end_ms), shift_ms)

    def _slice(self, coin: str, book: "FusedBook", begin: int, end: int, shift_ms: int) -> Iterator[Event]:
        """Events of (`begin`, `end`]; prints before the first book of the coin are part of no book and left out."""
        updates = _book_updates(self._store, coin, begin, end)
        trades = _trades(self._store, coin, begin, end, shift_ms)
        trade = next(trades, None)
        for time_ms, stream, row in updates:
            while trade is not None and trade.time_ms <= time_ms + shift_ms:
                if book.known:
                    yield trade
                trade = next(trades, None)
            if stream is None:
                yield book.snapshot(time_ms + shift_ms)
            else:
                book.update(stream, row)
        if book.known:
            yield from chain([] if trade is None else [trade], trades)

    def _listing(self, coin: str) -> Listing:
        """Rules of a coin as far as its recorded prices and sizes tell.

        Raises
        ------
        MalformedMessage
            If these are not prices and sizes of a Hyperliquid perpetual.
        """
        end_ms = min(self.end_ms, self.start_ms + SLICE_MS)
        trades = self._store.read(coin, Stream.TRADES, self.start_ms, end_ms, columns=("price", "size"))
        prices, sizes = (_floats(trades[name])[:SIZES_SEEN] for name in ("price", "size"))
        known = KNOWN_COINS.get(coin)
        seen = _decimals(sizes)
        market = read_market(self._root, self._store.venue, coin)
        listing = known[0] if known else Listing(coin, seen if market is None else market.listing.size_decimals)
        instrument = Instrument.hyperliquid(coin, listing.size_decimals) if market is None else market.instrument
        strange = [price for price in np.unique(prices).tolist() if not instrument.is_valid_price(price)]
        if seen > listing.size_decimals or strange:
            raise MalformedMessage(
                f"{coin} was traded in sizes of {seen} decimals at prices such as {(strange or [*prices])[0]}: "
                f"on Hyperliquid it has {listing.size_decimals} decimals and 5 significant figures of price"
            )
        return listing


def _book_updates(
    store: TickStore, coin: str, begin: int, end: int
) -> Iterator[tuple[int, Stream | None, Sequence[float]]]:
    """Rows of all streams that show the book, by time; (time, None, ()) after the last of each stamp."""
    levels = {Stream.BOOK: BOOK_LEVELS, Stream.BOOK_FAST: FAST_BOOK_LEVELS, Stream.BBO: 1}
    # At equal stamps the best quote comes last: it is the newest a collector has.
    rows = merge(*(_rows(store, coin, stream, begin, end, count) for stream, count in levels.items()), key=_time)
    last: int | None = None
    for time_ms, stream, row in rows:
        if last is not None and time_ms > last:
            yield last, None, ()
        last = time_ms
        yield time_ms, stream, row
    if last is not None:
        yield last, None, ()


def _time(row: tuple[int, Stream, Sequence[float]]) -> int:
    return row[0]


def _rows(
    store: TickStore, coin: str, stream: Stream, begin: int, end: int, levels: int
) -> Iterator[tuple[int, Stream, Sequence[float]]]:
    suffixes = [""] if stream is Stream.BBO else [f"_{level}" for level in range(levels)]
    names = [f"{name}{suffix}" for suffix in suffixes for name in ("bid_price", "bid_size", "ask_price", "ask_size")]
    table = store.read(coin, stream, begin, end, columns=("exchange_ms", *names))
    prices = np.column_stack([_floats(table[name]) for name in names])
    for time_ms, row in zip(table["exchange_ms"].to_pylist(), prices, strict=True):
        # A book that is crossed or has one side is the tear of a recorder; the market goes on without it.
        if row[0] < row[2]:
            yield time_ms, stream, row.tolist()


def _trades(store: TickStore, coin: str, begin: int, end: int, shift_ms: int) -> Iterator[Trade]:
    names = ("exchange_ms", "side", "price", "size", "trade_id", "hash", "buyer", "seller")
    table = store.read(coin, Stream.TRADES, begin, end, columns=names)
    for time_ms, side, price, size, *texts in zip(*(table[name].to_pylist() for name in names), strict=True):
        yield Trade(coin, time_ms + shift_ms, Direction(side), price, size, *(text or "" for text in texts))


def _floats(column: pa.ChunkedArray) -> FloatArray:
    values: FloatArray = column.to_numpy().astype(np.float64)
    return values


def _decimals(sizes: FloatArray) -> int:
    """Number of decimals of the finest size."""
    for decimals in range(9):
        scaled = sizes * 10**decimals
        if np.all(np.abs(scaled - np.rint(scaled)) < 1e-4):
            return decimals
    return 9


def _sessions(store: TickStore, coin: str) -> IntArray:
    """Intervals in which the book of a coin was recorded without a break, shape (n, 2)."""
    first, last = store.extent(coin)
    streams = (Stream.BBO, Stream.BOOK, Stream.BOOK_FAST)
    tables = [store.read(coin, stream, first - 1, last, columns=("exchange_ms",)) for stream in streams]
    times = np.unique(np.concatenate([table["exchange_ms"].to_numpy() for table in tables]))
    if not len(times):
        raise NotEnoughData(f"of {coin} there are trades, but neither best quotes nor books")
    breaks = np.flatnonzero(np.diff(times) > BREAK_MS)
    return np.column_stack([times[np.append(0, breaks + 1)], times[np.append(breaks, len(times) - 1)]])


def _common(sessions: Sequence[IntArray]) -> list[tuple[int, int]]:
    """Times within a session of every coin."""
    common: list[tuple[int, int]] = [(begin, end) for begin, end in sessions[0].tolist()]
    for other in sessions[1:]:
        pairs = [(max(a, c), min(b, d)) for a, b in common for c, d in other.tolist()]
        common = [(begin, end) for begin, end in pairs if begin < end]
    return common


def _window(sessions: list[tuple[int, int]], start_ms: int | None, end_ms: int | None) -> tuple[int, int]:
    """What to play of the sessions."""
    if start_ms is not None:
        later = [(max(begin, start_ms), end) for begin, end in sessions if end > start_ms]
        chosen = min(later, default=None)
        if chosen is not None and end_ms is not None:
            chosen = (chosen[0], min(end_ms, max(end for _, end in later)))
    else:
        bounded = [(begin, end if end_ms is None else min(end, end_ms)) for begin, end in sessions]
        chosen = max(bounded, key=lambda session: session[1] - session[0], default=None)
    if chosen is None or chosen[0] >= chosen[1]:
        asked = [f" {word} {utc_text(time)}" for word, time in (("from", start_ms), ("to", end_ms)) if time is not None]
        spans = ", ".join(f"{utc_text(begin)} to {utc_text(end)}" for begin, end in sessions) or "none"
        raise NotEnoughData(f"nothing is recorded{''.join(asked)}; sessions of all coins: {spans}")
    return chosen
