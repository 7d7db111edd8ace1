"""Reads segments: only the files, row groups and columns a window needs, and what it has read it remembers.

Segments never change once visible, so the rows of small ones are kept for a while, or else their footers: a calibration
that reads the last minute every few seconds decodes only what is new.
"""

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from market_making.market.errors import MalformedMessage
from market_making.recording.store.segment_listing import SegmentListing
from market_making.recording.store.segments import ROW_GROUP_ROWS, SegmentName, conform, replaced_names, time_column
from market_making.recording.store.storage import LocalStorage, Storage
from market_making.recording.streams import Stream

CACHED_FOOTERS = 1024  # some 30 kB each
CACHED_BYTES = 256 << 20
UNUSED_S = 40.0  # after which nobody who comes every few seconds will ask for the same rows again


class Window(NamedTuple):
    """The times after `start_ms`, up to and with `end_ms`."""

    start_ms: int
    end_ms: int

    def touches(self, first_ms: int, last_ms: int) -> bool:
        """Whether rows from `first_ms` to `last_ms` may lie in the window."""
        return first_ms <= self.end_ms and last_ms > self.start_ms

    def holds(self, first_ms: int, last_ms: int) -> bool:
        """Whether all rows from `first_ms` to `last_ms` lie in the window."""
        return first_ms > self.start_ms and last_ms <= self.end_ms


class _Kept(NamedTuple):
    """Decoded rows, and when they were last asked for."""

    table: pa.Table
    used_s: float


class SegmentReader:
    """Reads the segments of one storage; not to be shared between threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._listing = SegmentListing(storage)
        self._footers: OrderedDict[str, tuple[object, pq.FileMetaData]] = OrderedDict()
        self._tables: OrderedDict[tuple[str, tuple[str, ...]], _Kept] = OrderedDict()
        self._table_bytes = 0

    def choose(self, folder: str, stream: Stream, window: Window) -> list[SegmentName]:
        """Segments of a day's folder whose rows may lie in the window, in the order they were written."""
        chosen = [name for name in self._listing.segments(folder, stream) if self._may_touch(folder, name, window)]
        replaced: set[str] = set()
        for name in chosen:
            if name.merged:
                replaced |= replaced_names(self._footer(folder, name))
        return [name for name in chosen if name.name not in replaced]

    def segments(self, folder: str, stream: Stream) -> list[SegmentName]:
        """Segments of a stream in a day's folder, with those that a merged one stands for."""
        return self._listing.segments(folder, stream)

    def streams(self, folder: str) -> set[Stream]:
        """Streams that have a segment in a day's folder."""
        return self._listing.streams(folder)

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder, sorted."""
        return self._listing.folders(folder)

    def extent(self, folder: str, name: SegmentName) -> tuple[int, int]:
        """First and last time of a segment [ms]: from its name, or else from its statistics."""
        if name.first_ms is not None and name.last_ms is not None:
            return name.first_ms, name.last_ms
        metadata = self._footer(folder, name)
        with self._naming(f"{folder}/{name.name}", "is damaged"):
            groups = [_group_extent(metadata, group, name.stream) for group in range(metadata.num_row_groups)]
        if not groups:
            return 0, -1
        return min(first for first, _ in groups), max(last for _, last in groups)

    def day_extent(self, folder: str, streams: Sequence[Stream]) -> tuple[int, int] | None:
        """First and last time in a day's folder over some streams; None where they have no row."""
        names = (SegmentName.parse(name) for name in self._storage.files(folder))
        extents = [self.extent(folder, name) for name in names if name is not None and name.stream in streams]
        known = [extent for extent in extents if extent[0] <= extent[1]]
        return (min(first for first, _ in known), max(last for _, last in known)) if known else None

    def replaced(self, folder: str, name: SegmentName) -> frozenset[str]:
        """Names of the segments that a merged one stands for; none if it has vanished."""
        try:
            return replaced_names(self._footer(folder, name))
        except FileNotFoundError:
            return frozenset()

    def rows(self, folder: str, name: SegmentName) -> int:
        """Number of rows of a segment."""
        return int(self._footer(folder, name).num_rows)

    def read(self, folder: str, name: SegmentName, columns: Sequence[str], window: Window) -> pa.Table:
        """Rows of a segment that lie in the window.

        Raises
        ------
        FileNotFoundError
            If the segment has vanished since it was chosen.
        MalformedMessage
            If the file is damaged or not one of its stream.
        """
        key = (f"{folder}/{name.name}", tuple(columns))
        kept = self._tables.pop(key, None)
        if kept is None:
            metadata = self._footer(folder, name)
            with self._naming(key[0], "is damaged"):
                groups = _touched_groups(metadata, name, window)
                table = self._read_groups(key[0], name.stream, columns, groups)
            if name.first_ms is not None and metadata.num_rows <= ROW_GROUP_ROWS and len(groups) == 1:
                self._remember(key, table)
                self._footers.pop(key[0], None)
        else:
            table = kept.table
            self._tables[key] = _Kept(table, time.monotonic())
        if name.first_ms is not None and name.last_ms is not None and window.holds(name.first_ms, name.last_ms):
            return table
        return _within(table, name.stream, window)

    def _may_touch(self, folder: str, name: SegmentName, window: Window) -> bool:
        first_ms, last_ms = name.first_ms, name.last_ms
        if first_ms is None or last_ms is None:
            return window.touches(*self.extent(folder, name))
        return first_ms <= window.end_ms and last_ms > window.start_ms

    def _footer(self, folder: str, name: SegmentName) -> pq.FileMetaData:
        path = f"{folder}/{name.name}"
        # A stamped segment never changes; a file of another program may.
        version = None if name.first_ms is not None else self._storage.version(path)
        known = self._footers.get(path)
        if known is not None and known[0] == version:
            self._footers.move_to_end(path)
            return known[1]
        with self._naming(path, "is not a parquet file"), self._storage.open(path) as source:
            metadata = pq.read_metadata(source)
            replaced_names(metadata)
        self._footers[path] = version, metadata
        if len(self._footers) > CACHED_FOOTERS:
            self._footers.popitem(last=False)
        return metadata

    def _read_groups(self, path: str, stream: Stream, columns: Sequence[str], groups: list[int]) -> pa.Table:
        with self._storage.open(path) as source:
            file = pq.ParquetFile(source, metadata=self._footers[path][1])
            present = set(file.metadata.schema.names)
            wanted = [column for column in columns if column in present]
            table = file.read_row_groups(groups, columns=wanted, use_threads=False)
        # Text that is none would be found by whoever looks at it, who does not know the file any more.
        table.validate(full=True)
        return conform(table, stream, columns)

    @contextmanager
    def _naming(self, path: str, fault: str) -> Iterator[None]:
        """Turn what pyarrow says of a file's content into this project's error, which names the file.

        A local disk's own errors bear a number, and stay; a remote store's cannot be told from those of the content.
        """
        try:
            yield
        except (pa.ArrowException, UnicodeDecodeError, MalformedMessage, OSError) as error:
            if isinstance(error, OSError) and (error.errno or not isinstance(self._storage, LocalStorage)):
                raise
            raise MalformedMessage(f"{path} {fault}: {' '.join(str(error).split())}") from None

    def _remember(self, key: tuple[str, tuple[str, ...]], table: pa.Table) -> None:
        now_s = time.monotonic()
        self._tables[key] = _Kept(table, now_s)
        self._table_bytes += table.nbytes
        while self._tables and (self._table_bytes > CACHED_BYTES or self._oldest_use() < now_s - UNUSED_S):
            _, forgotten = self._tables.popitem(last=False)
            self._table_bytes -= forgotten.table.nbytes

    def _oldest_use(self) -> float:
        return next(iter(self._tables.values())).used_s


def _group_extent(metadata: pq.FileMetaData, group: int, stream: Stream) -> tuple[int, int]:
    """First and last time of a row group; all times where the file holds no statistics."""
    last_column = "end_ms" if stream is Stream.GAPS else time_column(stream)
    first, last = (_statistics(metadata, group, name) for name in (time_column(stream), last_column))
    if first is None or last is None or not first.has_min_max or not last.has_min_max:
        everything = np.iinfo(np.int64)
        return int(everything.min), int(everything.max)
    return first.min, last.max


def _statistics(metadata: pq.FileMetaData, group: int, column: str) -> pq.Statistics | None:
    names = metadata.schema.names
    if column not in names:
        raise MalformedMessage(f"the column {column} is needed, saw {names[:8]}")
    chunk = metadata.row_group(group).column(names.index(column))
    # Where these two differ, which only damage does, pyarrow ends the process when it is asked for statistics.
    if chunk.physical_type != metadata.schema.column(names.index(column)).physical_type:
        raise MalformedMessage(f"the column {column} is stored as {chunk.physical_type}")
    return chunk.statistics


def _touched_groups(metadata: pq.FileMetaData, name: SegmentName, window: Window) -> list[int]:
    groups = range(metadata.num_row_groups)
    # Nothing is to be chosen in most segments, and some damage is fatal only to who asks for statistics.
    if name.first_ms is not None and len(groups) == 1:
        return [0]
    return [group for group in groups if window.touches(*_group_extent(metadata, group, name.stream))]


def _within(table: pa.Table, stream: Stream, window: Window) -> pa.Table:
    """Rows in the window; of gaps, those that touch it."""
    first = table[time_column(stream)]
    last = table["end_ms"] if stream is Stream.GAPS else first
    inside = pc.and_(pc.less_equal(first, window.end_ms), pc.greater(last, window.start_ms))
    return table if pc.all(inside).as_py() else table.filter(inside)
