"""Segments: the immutable parquet files of the tick store, their names and how they are written.

``<venue>/<COIN>/<YYYY-MM-DD>/<stream>-<first ms>-<last ms>-<label>.parquet``; the stamps let a reader choose files
by name. A segment lies within one UTC day. One that was made from others says so by the label ``merged…``, and lists
in its metadata the names it replaces.
"""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import count, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from market_making.market.errors import MalformedMessage
from market_making.recording.store.storage import Storage, open_storage
from market_making.recording.streams import SCHEMAS, Stream

DAY_MS = 86_400_000
ROW_GROUP_ROWS = 8192
SMALL_ROWS = 1000
REPLACES = "replaces"
MERGED = "merged"
IMPORTED = "import"
EPOCH = date(1970, 1, 1)
_STAMP_DIGITS = 13
_STREAMS: frozenset[str] = frozenset(Stream)
_SESSION = pa.field("session", pa.string())


class SegmentName(NamedTuple):
    """What the name of a file tells; the stamps are None for a file another program wrote."""

    name: str
    stream: Stream
    first_ms: int | None
    last_ms: int | None
    label: str

    @property
    def merged(self) -> bool:
        """Whether the segment was made from others."""
        return self.label.startswith(MERGED)

    @staticmethod
    @lru_cache(maxsize=1 << 16)
    def parse(name: str) -> "SegmentName | None":
        """Read a file name; None for a file that is not a segment, a temporary one for example."""
        stem, dot, suffix = name.rpartition(".")
        stream, *rest = stem.split("-")
        if not dot or suffix != "parquet" or stream not in _STREAMS:
            return None
        stamps = rest[:2]
        if len(stamps) == 2 and all(stamp.isdigit() and len(stamp) == _STAMP_DIGITS for stamp in stamps):
            return SegmentName(name, Stream(stream), int(stamps[0]), int(stamps[1]), "-".join(rest[2:]))
        return SegmentName(name, Stream(stream), None, None, "-".join(rest))


class Segment(NamedTuple):
    """Rows of one stream of one day, ready to be published under `path`."""

    path: str
    table: pa.Table


def time_column(stream: Stream) -> str:
    """Column that orders the rows of a stream."""
    return "start_ms" if stream is Stream.GAPS else "exchange_ms"


def day_of(time_ms: int) -> str:
    """UTC day of a time, as folders are named."""
    return (EPOCH + timedelta(days=time_ms // DAY_MS)).isoformat()


def day_number(day: str) -> int:
    """Days since the beginning of 1970 of a folder's name."""
    return (date.fromisoformat(day) - EPOCH).days


def is_day(name: str) -> bool:
    """Whether a folder is one of a day."""
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    return True


def coin_folder(venue: str, coin: str) -> str:
    """Folder of a coin.

    Raises
    ------
    MalformedMessage
        If the names cannot be folders.
    """
    for name in (venue, coin):
        if not name or name.startswith(".") or not name.isprintable() or any(mark in name for mark in "/\\"):
            raise MalformedMessage(f"{name!r} cannot be the name of a folder")
    return f"{venue}/{coin}"


def conform(table: pa.Table, stream: Stream, columns: Sequence[str] | None = None) -> pa.Table:
    """Bring a table to columns of its stream; missing ones are null, unknown ones are left out.

    Parameters
    ----------
    table : pa.Table
        Rows from anywhere.
    stream : Stream
        Whose columns and types are wanted.
    columns : sequence of str, optional
        The columns wanted; default: all of the stream, and ``session`` where there is one.

    Raises
    ------
    MalformedMessage
        If the column that orders the rows is missing or has nulls, or a column cannot be cast.
    """
    key = time_column(stream)
    if key not in table.column_names or table[key].null_count:
        raise MalformedMessage(f"{stream} rows need {key} in every row, saw columns {table.column_names}")
    if columns is None:
        columns = [*SCHEMAS[stream].names, *({"session"} & set(table.column_names))]
    schema = pa.schema([_SESSION if name == "session" else SCHEMAS[stream].field(name) for name in columns])
    if table.schema.equals(schema):
        return table
    try:
        return pa.table([_column(table, field) for field in schema], schema=schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise MalformedMessage(f"{stream} rows: {error}") from None


def _column(table: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    if field.name in table.column_names:
        return table[field.name].cast(field.type)
    return pa.nulls(len(table), field.type)


def in_time_order(table: pa.Table, stream: Stream) -> pa.Table:
    """The rows by time; rows of equal time keep their order."""
    key = time_column(stream)
    times = table[key].to_numpy()
    if np.all(times[1:] >= times[:-1]):
        return table
    return table.take(pa.array(np.argsort(times, kind="stable")))


def without_duplicates(trades: pa.Table) -> pa.Table:
    """Trades with each (time, id) once; the one received live is preferred to the one of a back-log.

    `trades` ascend in ``exchange_ms`` and have the columns ``trade_id`` and ``replayed``; trades without an id are
    all kept.
    """
    identity = trades["trade_id"].combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
    time_ms = trades["exchange_ms"].to_numpy()
    replayed = trades["replayed"].fill_null(False).to_numpy()
    order = np.lexsort((replayed, identity, time_ms))
    same = (np.diff(time_ms[order]) == 0) & (np.diff(identity[order]) == 0) & (identity[order][1:] >= 0)
    if not same.any():
        return trades
    return trades.take(pa.array(np.sort(order[np.concatenate(([True], ~same))])))


def cut_segments(venue: str, coin: str, stream: Stream, table: pa.Table, *, label: str) -> list[Segment]:
    """Cut rows into segments, one per UTC day; a gap over midnight becomes one row per day."""
    table = conform(table, stream)
    if stream is Stream.GAPS:
        table = _cut_gaps_at_midnight(table)
    table = in_time_order(table, stream)
    return [_segment(venue, coin, stream, rows, label) for rows in _by_day(table, stream)]


def _by_day(table: pa.Table, stream: Stream) -> Iterator[pa.Table]:
    days = table[time_column(stream)].to_numpy() // DAY_MS
    edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
    for start, end in pairwise(edges):
        if end > start:
            yield table.slice(start, end - start)


def _segment(venue: str, coin: str, stream: Stream, table: pa.Table, label: str) -> Segment:
    day = day_of(table[time_column(stream)][0].as_py())
    return Segment(f"{coin_folder(venue, coin)}/{day}/{stamped_name(stream, table, label)}", table)


def stamped_name(stream: Stream, table: pa.Table, label: str) -> str:
    """File name of a segment with these rows, which ascend in time."""
    first_ms = table[time_column(stream)][0].as_py()
    last_ms = pc.max(table["end_ms"]).as_py() if stream is Stream.GAPS else table["exchange_ms"][-1].as_py()
    return f"{stream}-{first_ms:0{_STAMP_DIGITS}d}-{last_ms:0{_STAMP_DIGITS}d}-{label}.parquet"


def _cut_gaps_at_midnight(table: pa.Table) -> pa.Table:
    rows = []
    for row in table.to_pylist():
        start_ms, end_ms = row["start_ms"], row["end_ms"]
        while start_ms // DAY_MS < end_ms // DAY_MS:
            midnight = (start_ms // DAY_MS + 1) * DAY_MS
            rows.append({**row, "start_ms": start_ms, "end_ms": midnight - 1})
            start_ms = midnight
        rows.append({**row, "start_ms": start_ms, "end_ms": end_ms})
    return pa.Table.from_pylist(rows, schema=table.schema)


def encode(table: pa.Table, *, replaces: Sequence[str] = ()) -> pa.Buffer:
    """Parquet bytes of a table, with the names of the segments it replaces in its metadata.

    Compressed by zstd; a segment of a few seconds, which is merged with its neighbours soon, by lz4: most of the time
    of writing it is the preparation of zstd's tables for every column.
    """
    small = len(table) <= SMALL_ROWS and not replaces
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        table.schema,
        compression="lz4" if small else "zstd",
        # A segment of a few seconds is mostly footer: half of it is the Arrow schema, which parquet types imply, a
        # quarter statistics nobody asks for, and a dictionary pays only where values repeat.
        store_schema=False,
        write_statistics=[name for name in ("exchange_ms", "start_ms", "end_ms") if name in table.column_names],
        use_dictionary=not small,
    ) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        if replaces:
            writer.add_key_value_metadata({REPLACES: json.dumps(list(replaces))})
    return sink.getvalue()


def replaced_names(metadata: pq.FileMetaData) -> frozenset[str]:
    """Names of the segments that a merged one stands for.

    Raises
    ------
    MalformedMessage
        If there are no names where they should be.
    """
    try:
        return frozenset(json.loads((metadata.metadata or {}).get(REPLACES.encode(), b"[]")))
    except (ValueError, TypeError) as error:
        raise MalformedMessage(f"no list of replaced segments: {error}") from None


def publish(storage: Storage, segment: Segment) -> int:
    """Make a segment visible and durable; publishing it again changes nothing. Returns its bytes."""
    content = encode(segment.table)
    storage.publish(segment.path, content)
    return int(content.size)


class SegmentWriter:
    """Writes rows of one coin into the tick store at `root`.

    Parameters
    ----------
    root : Path or str
        Folder or URL of the store.
    venue, coin : str
        Whose rows they are.
    session : str, optional
        Goes into the names of the segments; two writers of one coin need different ones. Default: the time of now.
    """

    def __init__(self, root: Path | str, venue: str, coin: str, *, session: str | None = None) -> None:
        self._storage = open_storage(root)
        self._venue = venue
        self._coin = coin
        self._session = session or f"{time.time_ns():x}"
        self._number = count()

    def write(self, stream: Stream, table: pa.Table) -> list[str]:
        """Write rows, visible and durable on return; gives the paths of the segments, relative to the root.

        Raises
        ------
        MalformedMessage
            If the table does not have the rows of this stream.
        """
        label = f"{self._session}-{next(self._number):08d}"
        segments = cut_segments(self._venue, self._coin, Stream(stream), table, label=label)
        for segment in segments:
            publish(self._storage, segment)
        return [segment.path for segment in segments]


def write_segment(root: Path | str, venue: str, coin: str, stream: Stream, table: pa.Table) -> list[str]:
    """Write rows of one stream of one coin once; see `SegmentWriter`."""
    return SegmentWriter(root, venue, coin).write(stream, table)
