"""Buffers the rows of a live feed and makes them durable, each exactly once.

A row is *acknowledged* when the segment it is in has been made durable and visible; until then it is kept in memory.
What cannot be written is kept encoded, tried again at the next flush under the same name, and when the memory set
aside is full the oldest is dropped, counted and recorded as a gap.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from market_making.recording.store.rows import Row, gap_row, table_of
from market_making.recording.store.segments import SegmentName, cut_segments, encode
from market_making.recording.store.storage import Storage
from market_making.recording.streams import Stream

SLOW_STREAMS = frozenset({Stream.BOOK, Stream.CONTEXT})
SLOW_FLUSHES = 6
SPILL_BYTES = 256 << 20
BUFFERED_ROWS = 300_000
# That many coins that cannot be written, and none that can: it is the disk.
FAILED_COINS = 3

log = logging.getLogger(__name__)


@dataclass
class Counts:
    """Rows since the start, by what became of them; gaps are notes and count for none."""

    received: int = 0
    written: int = 0
    dropped: int = 0
    bytes_written: int = 0
    failed_writes: int = 0
    waiting_bytes: int = 0


@dataclass(slots=True)
class CoinCounts:
    """Rows of one coin since the start, gaps apart, and when the last one arrived [local ms]."""

    rows: int = 0
    last_ms: int = 0


class Encoded(NamedTuple):
    """A segment ready to be written."""

    path: str
    content: pa.Buffer
    rows: int

    @property
    def coin(self) -> str:
        """Whose rows they are."""
        return self.path.split("/")[1]

    @property
    def is_note(self) -> bool:
        """Whether they are gaps."""
        return f"/{Stream.GAPS}-" in self.path


class Batch(NamedTuple):
    """Rows taken from a buffer, not yet encoded; the label makes a second attempt write the same file."""

    coin: str
    stream: Stream
    label: str
    rows: list[Row]


class Recorder:
    """Rows of many coins on their way into a tick store.

    Parameters
    ----------
    storage : Storage
        The store.
    venue, session : str
        Folder of the venue, and the name of this run: part of every segment's name and a column of its rows.
    spill_bytes : int
        Memory for segments that could not be written yet.
    """

    def __init__(self, storage: Storage, venue: str, session: str, *, spill_bytes: int = SPILL_BYTES) -> None:
        self.counts = Counts()
        self.coins: dict[str, CoinCounts] = {}
        self._storage = storage
        self._venue = venue
        self._session = session
        self._spill_bytes = spill_bytes
        self._buffers: dict[tuple[str, Stream], list[Row]] = {}
        self._waiting: deque[Encoded] = deque()
        self._failed_at: dict[str, int] = {}
        self._failures: dict[str, str] = {}
        self._buffered = 0
        self._overflows: dict[tuple[str, Stream], tuple[int, int]] = {}
        self._flushes = 0
        self._batches = 0
        self._flushing = asyncio.Lock()

    @property
    def failures(self) -> tuple[str, ...]:
        """What cannot be written at present, and why."""
        return tuple(self._failures.values())

    def add(self, coin: str, stream: Stream, row: Row) -> None:
        """Take a row; it is acknowledged after a later flush.

        While a disk does not answer at all, no more than `BUFFERED_ROWS` are taken; the others are dropped, counted
        and recorded as a gap.
        """
        if stream is not Stream.GAPS:
            self.counts.received += 1
            counts = self.coins.get(coin) or self.coins.setdefault(coin, CoinCounts())
            counts.rows += 1
            counts.last_ms = row[1]
        if self._buffered >= BUFFERED_ROWS and stream is not Stream.GAPS:
            self._overflow(coin, stream, row[0])
            return
        self._buffers.setdefault((coin, stream), []).append(row)
        self._buffered += 1

    def add_gap(self, coin: str, stream: Stream, start_ms: int, end_ms: int, reason: str) -> None:
        """Record that rows of a stream may be missing."""
        self.add(coin, Stream.GAPS, gap_row(start_ms, end_ms, stream, reason))

    async def flush(self, *, everything: bool = False) -> None:
        """Write what is buffered; slow streams only every `SLOW_FLUSHES` times unless `everything` is asked for.

        Cancelling the caller does not interrupt the writing: rows are on their way then, and in no buffer any more.
        """
        await asyncio.shield(self._flush(everything=everything))

    async def _flush(self, *, everything: bool) -> None:
        async with self._flushing:
            self._flushes += 1
            slow_too = everything or self._flushes % SLOW_FLUSHES == 0
            batches = self._take(slow_too=slow_too)
            self._waiting += await asyncio.to_thread(self._encode, batches)
            written = await asyncio.to_thread(self._write, list(self._waiting))
            self._settle(written)

    def _overflow(self, coin: str, stream: Stream, time_ms: int) -> None:
        """Drop a row for which there is no room."""
        if not self._overflows:
            log.error("%d rows wait for the disk already; what arrives now is dropped", self._buffered)
        self.counts.dropped += 1
        first_ms, last_ms = self._overflows.get((coin, stream), (time_ms, time_ms))
        self._overflows[coin, stream] = min(first_ms, time_ms), max(last_ms, time_ms)

    def _take(self, *, slow_too: bool) -> list[Batch]:
        for (coin, stream), (first_ms, last_ms) in self._overflows.items():
            self.add_gap(coin, stream, first_ms, last_ms, "overflow")
        self._overflows.clear()
        due = [key for key in self._buffers if slow_too or key[1] not in SLOW_STREAMS]
        batches = []
        for coin, stream in due:
            self._batches += 1
            label = f"{self._session}-{self._batches:08d}"
            batches.append(Batch(coin, stream, label, self._buffers.pop((coin, stream))))
        self._buffered -= sum(len(batch.rows) for batch in batches)
        return batches

    def _encode(self, batches: list[Batch]) -> list[Encoded]:
        encoded = []
        for coin, stream, label, rows in batches:
            table = table_of(stream, rows, session=self._session)
            for segment in cut_segments(self._venue, coin, stream, table, label=label):
                encoded.append(Encoded(segment.path, encode(segment.table), len(segment.table)))
        return encoded

    def _write(self, waiting: list[Encoded]) -> set[str]:
        """Publish segments; gives the paths of those that are durable now.

        A coin whose folder cannot be written costs no other coin anything: what else waits of it is left for the next
        pass, in its order, and coins are tried in the order of their last failure, those without one first.
        """
        written: set[str] = set()
        failed: set[str] = set()
        for segment in sorted(waiting, key=lambda segment: self._failed_at.get(segment.coin, 0)):
            if segment.coin in failed:
                continue
            try:
                self._storage.publish(segment.path, segment.content)
            except OSError as error:
                log.error("cannot write %s (%d rows are kept in memory): %s", segment.path, segment.rows, error)
                self.counts.failed_writes += 1
                self._failed_at[segment.coin] = self._flushes
                self._failures[segment.coin] = f"rows of {segment.coin} cannot be written: {error}"
                failed.add(segment.coin)
                if len(failed) == FAILED_COINS and not written:
                    break
            else:
                written.add(segment.path)
                self._failed_at.pop(segment.coin, None)
                self._failures.pop(segment.coin, None)
        return written

    def _settle(self, written: set[str]) -> None:
        """Acknowledge what was written and drop what no longer fits into memory."""
        for segment in self._waiting:
            if segment.path in written:
                self.counts.written += 0 if segment.is_note else segment.rows
                self.counts.bytes_written += segment.content.size
        self._waiting = deque(segment for segment in self._waiting if segment.path not in written)
        self.counts.waiting_bytes = sum(segment.content.size for segment in self._waiting)
        for segment in [segment for segment in self._waiting if not segment.is_note]:
            if self.counts.waiting_bytes <= self._spill_bytes:
                break
            self._waiting.remove(segment)
            self._drop(segment)

    def _drop(self, segment: Encoded) -> None:
        self.counts.waiting_bytes -= segment.content.size
        self.counts.dropped += segment.rows
        log.error("dropped %d rows of %s: %d bytes wait already", segment.rows, segment.path, self._spill_bytes)
        name = SegmentName.parse(segment.path.rpartition("/")[2])
        if name is not None and name.first_ms is not None and name.last_ms is not None:
            self.add_gap(segment.coin, name.stream, name.first_ms, name.last_ms, "overflow")
