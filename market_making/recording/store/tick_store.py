"""The tick store: recorded events by venue, coin, day and stream, read by window.

``<root>/<venue>/<COIN>/<YYYY-MM-DD>/<stream>[-<anything>].parquet``. A reader chooses files by name and by the
statistics of their row groups; it never reads everything. Files may appear and vanish while it reads.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from market_making.hyperliquid.numbers import YEAR_10000_MS
from market_making.market.errors import DataError, NotEnoughData
from market_making.market.tape import IntArray, Tape
from market_making.recording.store import recorded_tape
from market_making.recording.store.presence import not_recorded
from market_making.recording.store.segment_reader import SegmentReader, Window
from market_making.recording.store.segments import (
    coin_folder,
    conform,
    day_of,
    in_time_order,
    is_day,
    without_duplicates,
)
from market_making.recording.store.storage import open_storage
from market_making.recording.streams import SCHEMAS, Stream

EVENT_STREAMS = (Stream.BBO, Stream.TRADES, Stream.BOOK, Stream.BOOK_FAST)
ATTEMPTS = 20

T = TypeVar("T")

log = logging.getLogger(__name__)


class TickStore:
    """Recorded events of one venue.

    Parameters
    ----------
    root : Path or str
        Folder of the store, or a URL that pyarrow can open.
    venue : str
        Folder of the venue.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from market_making.recording.store.rows import table_of
    >>> from market_making.recording.store.segments import write_segment
    >>> folder = TemporaryDirectory()
    >>> quotes = [(1_757_016_000_000, 1_757_016_000_050, 3000.0, 1.5, 3000.1, 2.0)]
    >>> write_segment(folder.name, "hyperliquid", "ETH", Stream.BBO, table_of(Stream.BBO, quotes)) and None
    >>> store = TickStore(folder.name)
    >>> store.coins(), store.days("ETH")
    (('ETH',), ['2025-09-04'])
    >>> store.read("ETH", Stream.BBO, 1_757_015_999_999, 1_757_016_000_000, columns=("bid_price",)).to_pylist()
    [{'bid_price': 3000.0}]
    >>> folder.cleanup()
    """

    def __init__(self, root: Path | str, venue: str = "hyperliquid") -> None:
        self.root = root
        self.venue = venue
        self._storage = open_storage(root)
        self._reader = SegmentReader(self._storage)

    def coins(self) -> tuple[str, ...]:
        """Coins of which something is recorded."""
        return tuple(name for name in self._storage.folders(self.venue) if self.days(name))

    def days(self, coin: str) -> list[str]:
        """Days (``YYYY-MM-DD``) of which something is recorded, ascending."""
        return [name for name in self._reader.folders(coin_folder(self.venue, coin)) if is_day(name)]

    def extent(self, coin: str) -> tuple[int, int]:
        """First and last time of any event of a coin [ms].

        Raises
        ------
        UnknownCoin
            If nothing is recorded of this coin.
        NotEnoughData
            If there are files, but no event in them.
        """
        days = self._required_days(coin)
        first = self._first_known(coin, days)
        last = self._first_known(coin, days[::-1])
        if first is None or last is None:
            raise NotEnoughData(f"no event of {coin} in {len(days)} days of {self.root}")
        return first[0], last[1]

    def read(
        self, coin: str, stream: Stream, start_ms: int, end_ms: int, *, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Rows of a stream in the window (`start_ms`, `end_ms`], by exchange time.

        Parameters
        ----------
        coin : str
            The venue's name.
        stream : Stream
            What to read. Of `Stream.GAPS`, the rows that touch the window.
        start_ms, end_ms : int
            Window [ms]; the start is not part of it.
        columns : sequence of str, optional
            Columns wanted, from those of the stream and ``session``. Default: all of the stream.

        Returns
        -------
        pa.Table
            Ascending in time, equal times as they were written; a trade that was recorded twice is there once.
            Columns a file lacks are null.

        Raises
        ------
        MalformedMessage
            If a file is not one of its stream.
        """
        stream = Stream(stream)
        wanted = list(SCHEMAS[stream].names if columns is None else columns)
        needed = [*wanted, *(name for name in _keys(stream) if name not in wanted)]
        window = Window(start_ms, end_ms)
        table = self.retried(lambda: self._rows(coin, stream, needed, window))
        table = in_time_order(table, stream)
        if stream is Stream.TRADES and _has_repeats(table):
            table = without_duplicates(table)
        return table.select(wanted)

    def tape(self, coin: str, start_ms: int, end_ms: int) -> Tape:
        """Quotes, trades and gaps of the window (`start_ms`, `end_ms`]; see `recorded_tape`.

        Raises
        ------
        UnknownCoin
            If nothing is recorded of this coin.
        NotEnoughData
            If the window is empty or reversed.
        """
        self._required_days(coin)
        if end_ms <= start_ms:
            raise NotEnoughData(f"the window from {start_ms} to {end_ms} is empty")
        return recorded_tape.build(self, coin, start_ms, end_ms)

    def gaps(self, coin: str, start_ms: int, end_ms: int) -> IntArray:
        """Intervals of the window in which quotes or trades may be missing [ms], shape (n, 2)."""
        return self.tape(coin, start_ms, end_ms).gaps

    def streams(self, coin: str, start_ms: int, end_ms: int) -> set[Stream]:
        """Streams recorded on the days of the window."""
        folders = self._folders(coin, start_ms, end_ms)
        return set().union(*(self._reader.streams(folder) for folder in folders))

    def _rows(self, coin: str, stream: Stream, columns: list[str], window: Window) -> pa.Table:
        tables = []
        for folder in self._folders(coin, window.start_ms, window.end_ms):
            for name in self._reader.choose(folder, stream, window):
                tables.append(self._reader.read(folder, name, columns, window))
        if not tables:
            return conform(SCHEMAS[stream].empty_table(), stream, columns)
        return pa.concat_tables(tables)

    def _folders(self, coin: str, start_ms: int, end_ms: int) -> list[str]:
        first, last = day_of(max(start_ms, 0)), day_of(min(end_ms, YEAR_10000_MS - 1))
        return [f"{coin_folder(self.venue, coin)}/{day}" for day in self.days(coin) if first <= day <= last]

    def _required_days(self, coin: str) -> list[str]:
        days = self.days(coin)
        if not days:
            raise not_recorded(self.root, self.venue, coin, self.coins())
        return days

    def _first_known(self, coin: str, days: Sequence[str]) -> tuple[int, int] | None:
        """Extent of the first of these days that holds an event."""
        for day in days:
            folder = f"{coin_folder(self.venue, coin)}/{day}"
            extent = self.retried(partial(self._reader.day_extent, folder, EVENT_STREAMS))
            if extent is not None:
                return extent
        return None

    def retried(self, read: Callable[[], T]) -> T:
        """Read again from the listing on when a file vanished in between, as compaction makes it happen."""
        for _ in range(ATTEMPTS):
            try:
                return read()
            except FileNotFoundError as error:
                log.debug("read again, a file vanished: %s", error)
        raise DataError(f"files of {self.root} vanished {ATTEMPTS} times while they were read")


def _has_repeats(trades: pa.Table) -> bool:
    """Whether an identity occurs more than once, which is rare and quickly told."""
    identity = trades["trade_id"]
    return bool(pc.count_distinct(identity, mode="only_valid").as_py() < len(identity) - identity.null_count)


def _keys(stream: Stream) -> tuple[str, ...]:
    """Columns without which rows cannot be ordered and told apart."""
    if stream is Stream.TRADES:
        return "exchange_ms", "trade_id", "replayed"
    return ("start_ms", "end_ms") if stream is Stream.GAPS else ("exchange_ms",)
