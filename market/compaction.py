"""Upkeep of a tick store: closed hours become one segment a stream, old days are removed, crashes are cleaned up.

Compaction never hides a row and never shows one twice. First the merged segment becomes visible; it names those it
replaces, and from then on readers leave them out. They are deleted only `GRACE_MS` later, when no reader can still
hold a listing in which the merged one is missing. A crash between any two steps leaves a store that reads the same.
"""

import fcntl
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import NamedTuple

import pyarrow as pa

from market.segment_reader import SegmentReader, Window
from market.segments import (
    IMPORTED,
    MERGED,
    SegmentName,
    coin_folder,
    day_number,
    encode,
    in_time_order,
    is_day,
    stamped_name,
    without_duplicates,
)
from market.storage import TEMPORARY_SUFFIX, LocalStorage, Storage
from market.streams import SCHEMAS, Stream

HOUR_MS = 3_600_000
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
    """Merge the small segments of closed hours and delete those that were merged a while ago.

    Parameters
    ----------
    storage : Storage
        The store.
    venue : str
        Which venue's folder.
    now_ms : int
        Time of now; an hour is closed `GRACE_MS` after its end.
    since_day : str
        Leave days before this one (``YYYY-MM-DD``) alone.
    interrupted : callable
        Asked before each piece of work; once true, the rest is left for the next pass.
    """
    merged = replaced = deleted = 0
    with _alone(storage, venue) as alone:
        folders = day_folders(storage, venue) if alone else []
        for folder in (folder for folder in folders if folder.rpartition("/")[2] >= since_day):
            reader = SegmentReader(storage)
            deleted += _delete_replaced(storage, reader, folder, now_ms)
            for group in _closed_hours(reader, folder, now_ms):
                if interrupted():
                    return CompactionReport(merged, replaced, deleted)
                _merge(storage, reader, folder, group)
                merged += 1
                replaced += len(group)
    return CompactionReport(merged, replaced, deleted)


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
            storage.remove_folder(folder)
            total -= sizes[folder]
            removed.append(folder)
    return removed


def remove_leftovers(storage: Storage, venue: str, *, now_ms: int, older_than_ms: int = GRACE_MS) -> int:
    """Delete the temporary files that a crash left behind; younger ones may be somebody's present work."""
    leftovers = [
        f"{folder}/{name}"
        for folder in day_folders(storage, venue)
        for name in storage.files(folder)
        if name.endswith(TEMPORARY_SUFFIX)
    ]
    old = [path for path in leftovers if _changed_ms(storage, path, now_ms) < now_ms - older_than_ms]
    for path in old:
        log.warning("removing %s, which a crash left behind", path)
        storage.delete(path)
    return len(old)


def day_folders(storage: Storage, venue: str) -> list[str]:
    """Folders of all days of all coins."""
    coins = [coin_folder(venue, coin) for coin in storage.folders(venue)]
    return [f"{coin}/{day}" for coin in coins for day in storage.folders(coin) if is_day(day)]


def _closed_hours(reader: SegmentReader, folder: str, now_ms: int) -> Iterator[list[SegmentName]]:
    """Groups of two or more segments of one stream that began in the same closed hour."""
    for stream in sorted(reader.streams(folder)):
        hours: defaultdict[int, list[SegmentName]] = defaultdict(list)
        for name in reader.choose(folder, stream, EVERYTHING):
            # An imported file that is imported again replaces its segments by name, so these keep their names.
            if name.first_ms is not None and name.last_ms is not None and not name.label.startswith(IMPORTED):
                hours[name.first_ms // HOUR_MS].append(name)
        for hour, group in sorted(hours.items()):
            small = [name for name in group if (name.last_ms or 0) - (name.first_ms or 0) < LONGEST_SPAN_MS]
            if len(small) > 1 and (hour + 1) * HOUR_MS + GRACE_MS < now_ms:
                yield small


def _merge(storage: Storage, reader: SegmentReader, folder: str, group: list[SegmentName]) -> None:
    """Publish one segment with the rows of a group."""
    stream = group[0].stream
    columns = [*SCHEMAS[stream].names, "session"]
    table = pa.concat_tables([reader.read(folder, name, columns, EVERYTHING) for name in group])
    table = in_time_order(table, stream)
    if stream is Stream.TRADES:
        table = without_duplicates(table)
    names = [name.name for name in group]
    label = f"{MERGED}-{sha256(' '.join(names).encode()).hexdigest()[:16]}"
    storage.publish(f"{folder}/{stamped_name(stream, table, label)}", encode(table, replaces=names))


def _delete_replaced(storage: Storage, reader: SegmentReader, folder: str, now_ms: int) -> int:
    """Delete segments that a merged one has stood for long enough.

    Those that were merged themselves go last: they hide their own sources for as long as they exist.
    """
    present = set(storage.files(folder))
    names = [name for name in map(SegmentName.parse, sorted(present)) if name is not None and name.merged]
    due = [name for name in names if _changed_ms(storage, f"{folder}/{name.name}", now_ms) < now_ms - GRACE_MS]
    replaced = set().union(*(reader.replaced(folder, name) for name in due)) & present
    merged = {name.name for name in names}
    for name in sorted(replaced, key=lambda name: (name in merged, name)):
        storage.delete(f"{folder}/{name}")
    return len(replaced)


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
    for name in storage.files(folder):
        try:
            total += storage.version(f"{folder}/{name}")[0]
        except FileNotFoundError:
            continue
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
