"""The time before now: one market, of which the past goes to a tick store and the rest is played live.

The past is recorded as a collector subscribed to everything would have: best quotes when they change, every print,
books of 20 levels every 5 s and of 5 levels every 0.5 s. Events are not delayed on their way, so both clocks of a row
are equal.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from market_making.market.events import BookSnapshot, Trade
from market_making.market.identity import Market, as_markets
from market_making.recording.store.market_file import write_market
from market_making.recording.store.segments import SegmentWriter
from market_making.recording.store.storage import open_storage
from market_making.recording.streams import BOOK_LEVELS, FAST_BOOK_LEVELS, SCHEMAS, Stream
from market_making.venue.markets.candles import CandleAggregator
from market_making.venue.markets.recording import RecordingSource
from market_making.venue.markets.source import Source

Event = BookSnapshot | Trade

SLOW_BOOK_MS = 5000
FAST_BOOK_MS = 500
# What is left to be played of a recording, at least.
LIVE_SECONDS = 360.0
# Rows of a coin that are kept in memory until they are written.
SEGMENT_ROWS = 50_000


class Playback:
    """A market split at now.

    Parameters
    ----------
    source : Source
        Where the market comes from.
    now_ms : int
        Where the past ends.
    seconds : float
        Length of the past [s].

    Attributes
    ----------
    candles : CandleAggregator
        Candles of the past; whoever plays the live events goes on with them.
    books : dict of str to BookSnapshot
        The last book of each coin before now.
    live : iterator of BookSnapshot or Trade
        The events from now on, seamlessly; to be consumed once.
    """

    def __init__(self, source: Source, *, now_ms: int, seconds: float, recorder: "StoreRecorder | None" = None) -> None:
        self.source = source
        self.now_ms = now_ms
        self.candles = CandleAggregator()
        self.books: dict[str, BookSnapshot] = {}
        events = source.events(now_ms - round(seconds * 1e3))
        self.live: Iterator[Event] = iter(())
        for event in events:
            if event.time_ms >= now_ms:
                self.live = chain([event], events)
                break
            self._remember(event)
            if recorder is not None:
                recorder.on_event(event)

    @classmethod
    def prepare(
        cls,
        source: Source,
        *,
        root: Path | str | None,
        now_ms: int,
        seconds: float,
        live_seconds: float = LIVE_SECONDS,
    ) -> Self:
        """Split the market at now and write its past to a tick store, where there is one.

        Of a recording, at least `live_seconds` are left to be played: its past is shortened if it must be.

        Parameters
        ----------
        source : Source
            Where the market comes from.
        root : Path, str or None
            The tick store; None: the past is known to the venue, but not recorded.
        now_ms : int
            Where the past ends.
        seconds : float
            Length of the past [s].
        live_seconds : float
            What is left of a recording to be played, at least [s].
        """
        if isinstance(source, RecordingSource):
            seconds = max(0.0, min(seconds, source.duration_s - live_seconds))
        recorder = None if root is None else StoreRecorder(root, markets=as_markets(source.listings))
        playback = cls(source, now_ms=now_ms, seconds=seconds, recorder=recorder)
        if recorder is not None:
            recorder.write()
        return playback

    def _remember(self, event: Event) -> None:
        if isinstance(event, Trade):
            self.candles.on_trade(event)
            return
        self.books[event.coin] = event
        if event.bids and event.asks:
            self.candles.on_mid(event.coin, event.time_ms, (event.bids[0].price + event.asks[0].price) / 2)


def write_prehistory(
    source: Source, root: Path | str, *, end_ms: int, seconds: float, venue: str = "hyperliquid"
) -> None:
    """Record the first `seconds` of a market in a tick store, as the time before `end_ms`."""
    recorder = StoreRecorder(root, venue, as_markets(source.listings))
    Playback(source, now_ms=end_ms, seconds=seconds, recorder=recorder)
    recorder.write()


class StoreRecorder:
    """Writes events to a tick store, a segment whenever enough of a coin has come together.

    Parameters
    ----------
    root : Path or str
        Folder of the store.
    venue : str
        Folder of the venue in it.
    markets : sequence of Market
        What the coins of the events are.
    """

    def __init__(self, root: Path | str, venue: str = "hyperliquid", markets: Sequence[Market] = ()) -> None:
        self._root = root
        self._venue = venue
        self._markets = {market.wire: market for market in markets}
        self._coins: dict[str, tuple[_CoinRows, SegmentWriter]] = {}

    def on_event(self, event: Event) -> None:
        """Keep what a collector would have received of this event."""
        rows, writer = self._rows(event.coin)
        if isinstance(event, Trade):
            rows.on_trade(event)
        else:
            rows.on_book(event)
        if rows.count >= SEGMENT_ROWS:
            rows.write(writer)

    def write(self) -> None:
        """Publish what is not yet written."""
        for rows, writer in self._coins.values():
            rows.write(writer)

    def _rows(self, coin: str) -> "tuple[_CoinRows, SegmentWriter]":
        if coin not in self._coins:
            market = self._markets.get(coin)
            key = coin if market is None else market.key
            self._coins[coin] = _CoinRows(), SegmentWriter(self._root, self._venue, key)
            if market is not None:
                write_market(open_storage(self._root), self._venue, market)
        return self._coins[coin]


class _CoinRows:
    """Rows of one coin, stream by stream."""

    def __init__(self) -> None:
        self._rows: dict[Stream, list[tuple[Any, ...]]] = {
            stream: [] for stream in (Stream.BBO, Stream.TRADES, Stream.BOOK, Stream.BOOK_FAST)
        }
        self._touch: tuple[Any, ...] | None = None
        self._due = {Stream.BOOK: 0, Stream.BOOK_FAST: 0}
        self.count = 0

    def on_trade(self, trade: Trade) -> None:
        parties = (trade.hash or None, trade.buyer or None, trade.seller or None)
        row = (trade.direction.value, trade.price, trade.size, trade.trade_id, *parties, False)
        self._add(Stream.TRADES, trade.time_ms, row)

    def on_book(self, book: BookSnapshot) -> None:
        touch = _levels(book, 1)
        if touch != self._touch:
            self._touch = touch
            self._add(Stream.BBO, book.time_ms, touch)
        for stream, levels, period in (
            (Stream.BOOK, BOOK_LEVELS, SLOW_BOOK_MS),
            (Stream.BOOK_FAST, FAST_BOOK_LEVELS, FAST_BOOK_MS),
        ):
            if book.time_ms >= self._due[stream]:
                self._due[stream] = book.time_ms + period
                self._add(stream, book.time_ms, _levels(book, levels))

    def write(self, writer: SegmentWriter) -> None:
        for stream, rows in self._rows.items():
            if rows:
                writer.write(stream, _table(stream, rows))
                rows.clear()
        self.count = 0

    def _add(self, stream: Stream, time_ms: int, columns: tuple[Any, ...]) -> None:
        self._rows[stream].append((time_ms, time_ms, *columns))
        self.count += 1


def _levels(book: BookSnapshot, count: int) -> tuple[float | None, ...]:
    """Columns of the first levels, in the order of the store; None where a side has fewer."""
    columns: list[float | None] = []
    for level in range(count):
        for side in (book.bids, book.asks):
            columns.extend(side[level][:2] if level < len(side) else (None, None))
    return tuple(columns)


def _table(stream: Stream, rows: list[tuple[Any, ...]]) -> pa.Table:
    schema = SCHEMAS[stream]
    columns = zip(*rows, strict=True)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
