"""Upkeep of a tick store: few segments instead of many, old days removed, crashes cleaned up.

The segments of a closed hour become one per stream; before that, those of each five minutes of the running hour, so
that a reader of the last half hour never opens hundreds of files.

Compaction never hides a row and never shows one twice. First the merged segment becomes visible; it names those it
replaces, and from then on readers leave them out. They are deleted only `GRACE_MS` later, when no reader can still
hold a listing in which the merged one is missing. A crash between any two steps leaves a store that reads the same.

What cannot be read, written or removed is logged and left as it is, and costs nothing else its upkeep.
"""

import fcntl
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from market_making.market.durable_file import TEMPORARY_SUFFIX
from market_making.market.errors import DataError, MalformedMessage
from market_making.recording.store.segment_reader import SegmentReader, Window
from market_making.recording.store.segments import (
    IMPORTED,
    MERGED,
    SegmentName,
    coin_folder,
    day_number,
    encode,
    in_time_order,
    is_day,
    stamped_name,
    time_column,
    without_duplicates,
)
from market_making.recording.store.storage import LocalStorage, Storage
from market_making.recording.streams import SCHEMAS, Stream

HOUR_MS = 3_600_000
BLOCK_MS = 300_000
# What began before a block's end is on the disk by now: streams that are written less often are, every half minute.
SETTLED_MS = 40_000
GRACE_MS = 120_000
LONGEST_SPAN_MS = 2 * HOUR_MS
EVERYTHING = Window(-1, 1 << 62)

log = logging.getLogger(__name__)


class CompactionReport(NamedTuple):
    """What a pass has done."""

    merged: int
    replaced: int
    deleted: int


def compact(
    storage: Storage,
    venue: str,
    *,
    now_ms: int,
    since_day: str = "",
    interrupted: Callable[[], bool] = lambda: False,
) -> CompactionReport:
    """Merge the small segments of closed hours and blocks and delete those that were merged a while ago.

    Parameters
    ----------
    storage : Storage
        The store.
    venue : str
        Which venue's folder.
    now_ms : int
        Time of now; an hour is closed `GRACE_MS` after its end, a block of it `SETTLED_MS` after its own.
    since_day : str
        Leave days before this one (``YYYY-MM-DD``) alone.
    interrupted : callable
        Asked before each piece of work; once true, the rest is left for the next pass.
    """
    done = [CompactionReport(0, 0, 0)]
    with _alone(storage, venue) as alone:
        folders = day_folders(storage, venue) if alone else []
        for folder in (folder for folder in folders if folder.rpartition("/")[2] >= since_day):
            if interrupted():
                break
            reader = SegmentReader(storage)
            with going_on(f"compaction of {folder}"):
                for stream in sorted(reader.streams(folder)):
                    done += _compact_stream(storage, reader, folder, stream, now_ms, interrupted)
    return CompactionReport(*map(sum, zip(*done, strict=True)))


@contextmanager
def going_on(work: str) -> Iterator[None]:
    """Log why a piece of work failed, and go on with the next."""
    try:
        yield
    except (OSError, DataError, pa.ArrowException) as error:
        log.error("%s failed: %s", work, error)


def drop_replaced(storage: Storage, venue: str, *, since_day: str = "") -> int:
    """Delete at once what has been merged since a day, because others read by glob; return how many segments."""
    dropped = 0
    with _alone(storage, venue) as alone:
        folders = day_folders(storage, venue) if alone else []
        for folder in (folder for folder in folders if folder.rpartition("/")[2] >= since_day):
            reader = SegmentReader(storage)
            for stream in sorted(reader.streams(folder)):
                with going_on(f"cleaning {stream} in {folder}"):
                    dropped += _delete_replaced(storage, reader, folder, stream, EVERYTHING.end_ms)
    return dropped


def remove_old_days(
    storage: Storage, venue: str, *, now_ms: int, keep_days: int | None = None, keep_bytes: int | None = None
) -> list[str]:
    """Remove whole days, the oldest first, until what is left is young and small enough; today always stays.

    Returns
    -------
    list of str
        Folders that were removed.
    """
    today = now_ms // (24 * HOUR_MS)
    sizes = {folder: _folder_bytes(storage, folder) for folder in day_folders(storage, venue)}
    total = sum(sizes.values())
    removed = []
    for folder in sorted(sizes, key=_day):
        age = today - _day(folder)
        too_old = keep_days is not None and age >= keep_days
        too_much = keep_bytes is not None and total > keep_bytes
        if age > 0 and (too_old or too_much):
            # Subtracted even if it cannot be removed: no younger day has to go in its stead.
            total -= sizes[folder]
            with going_on(f"removing {folder}"):
                storage.remove_folder(folder)
                removed.append(folder)
    return removed


def remove_leftovers(storage: Storage, venue: str, *, now_ms: int, older_than_ms: int = GRACE_MS) -> int:
    """Delete the temporary files that a crash left behind; younger ones may be somebody's present work."""
    removed = 0
    for folder in day_folders(storage, venue):
        with going_on(f"cleaning {folder}"):
            paths = [f"{folder}/{name}" for name in storage.files(folder) if name.endswith(TEMPORARY_SUFFIX)]
            for path in paths:
                if _changed_ms(storage, path, now_ms) < now_ms - older_than_ms:
                    log.warning("removing %s, which a crash left behind", path)
                    storage.delete(path)
                    removed += 1
    return removed


def day_folders(storage: Storage, venue: str) -> list[str]:
    """Folders of all days of all coins."""
    found: list[str] = []
    for coin in storage.folders(venue):
        with going_on(f"listing {venue}/{coin}"):
            folder = coin_folder(venue, coin)
            found += [f"{folder}/{day}" for day in storage.folders(folder) if is_day(day)]
    return found


def _compact_stream(
    storage: Storage,
    reader: SegmentReader,
    folder: str,
    stream: Stream,
    now_ms: int,
    interrupted: Callable[[], bool],
) -> Iterator[CompactionReport]:
    """Delete what was merged and merge what is due of one stream of one day."""
    if interrupted():
        return
    with going_on(f"compaction of {stream} in {folder}"):
        yield CompactionReport(0, 0, _delete_replaced(storage, reader, folder, stream, now_ms))
        for group in _due_groups(reader, folder, stream, now_ms):
            if interrupted():
                return
            with going_on(f"merging {len(group)} segments of {stream} in {folder}"):
                sources = _merge(storage, reader, folder, group)
                yield CompactionReport(int(sources > 0), sources, 0)


def _due_groups(reader: SegmentReader, folder: str, stream: Stream, now_ms: int) -> list[list[SegmentName]]:
    """Groups of two or more segments of a stream that began in the same closed hour, or block of one not closed."""
    groups: defaultdict[int, list[SegmentName]] = defaultdict(list)
    for name in reader.choose(folder, stream, EVERYTHING):
        # An imported file that is imported again replaces its segments by name, so these keep their names.
        if name.first_ms is None or name.last_ms is None or name.label.startswith(IMPORTED):
            continue
        start_ms = _due_since(name.first_ms, now_ms)
        if start_ms is not None and name.last_ms - name.first_ms < LONGEST_SPAN_MS:
            groups[start_ms].append(name)
    return [group for _, group in sorted(groups.items()) if len(group) > 1]


def _due_since(time_ms: int, now_ms: int) -> int | None:
    """Start of the closed hour or block in which a segment began; None where neither is closed."""
    hour_ms, block_ms = (time_ms // length_ms * length_ms for length_ms in (HOUR_MS, BLOCK_MS))
    if hour_ms + HOUR_MS + GRACE_MS < now_ms:
        return hour_ms
    return block_ms if block_ms + BLOCK_MS + SETTLED_MS < now_ms else None


def _merge(storage: Storage, reader: SegmentReader, folder: str, group: list[SegmentName]) -> int:
    """Publish one segment with the rows of those of a group that can be read; gives how many these are."""
    stream = group[0].stream
    tables: dict[str, pa.Table] = {}
    for name in group:
        with going_on("merging a segment, which stays as it is,"):
            tables[name.name] = _whole(reader, folder, name)
    if len(tables) < 2:
        return 0
    table = in_time_order(pa.concat_tables(tables.values()), stream)
    if stream is Stream.TRADES:
        table = without_duplicates(table)
    label = f"{MERGED}-{sha256(' '.join(tables).encode()).hexdigest()[:16]}"
    storage.publish(f"{folder}/{stamped_name(stream, table, label)}", encode(table, replaces=list(tables)))
    return len(tables)


def _whole(reader: SegmentReader, folder: str, name: SegmentName) -> pa.Table:
    """All rows of a segment with stamps.

    Raises
    ------
    MalformedMessage
        If the segment is damaged. One with other times than its stamps is, and would give the merged one a wrong name.
    """
    table = reader.read(folder, name, [*SCHEMAS[name.stream].names, "session"], EVERYTHING)
    first_ms = pc.min(table[time_column(name.stream)]).as_py()
    last_ms = pc.max(table["end_ms" if name.stream is Stream.GAPS else "exchange_ms"]).as_py()
    if (first_ms, last_ms) != (name.first_ms, name.last_ms):
        raise MalformedMessage(f"{folder}/{name.name} is damaged: its rows are from {first_ms} to {last_ms}")
    return table


def _delete_replaced(storage: Storage, reader: SegmentReader, folder: str, stream: Stream, now_ms: int) -> int:
    """Delete segments that a merged one has stood for long enough.

    Those that were merged themselves go last: they hide their own sources for as long as they exist. For the same
    reason nothing is deleted while a merged one cannot be read, or after a deletion that failed.
    """
    names = reader.segments(folder, stream)
    merged = [name for name in names if name.merged]
    due = [name for name in merged if _changed_ms(storage, f"{folder}/{name.name}", now_ms) < now_ms - GRACE_MS]
    replaced = set().union(*(reader.replaced(folder, name) for name in due))
    present = [name for name in names if name.name in replaced]
    for name in sorted(present, key=lambda name: (name.merged, name)):
        storage.delete(f"{folder}/{name.name}")
    return len(present)


def _changed_ms(storage: Storage, path: str, now_ms: int) -> int:
    """Time of the last change; now if the file has vanished."""
    try:
        return storage.version(path)[1] // 1_000_000
    except FileNotFoundError:
        return now_ms


def _day(folder: str) -> int:
    return day_number(folder.rpartition("/")[2])


def _folder_bytes(storage: Storage, folder: str) -> int:
    total = 0
    with going_on(f"measuring {folder}"):
        for name in storage.files(folder):
            with suppress(FileNotFoundError):
                total += storage.version(f"{folder}/{name}")[0]
    return total


@contextmanager
def _alone(storage: Storage, venue: str) -> Iterator[bool]:
    """Whether no other process of this machine compacts the venue: two at once could merge a row twice."""
    if not isinstance(storage, LocalStorage) or not (storage.root / venue).is_dir():
        yield True
        return
    with (storage.root / venue / ".compaction.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another process compacts %s/%s", storage.root, venue)
            yield False
            return
        yield True
