"""Upkeep of a tick store: few segments instead of many, old days removed, crashes cleaned up.

The segments of a closed hour become one a stream; before that, those of each five minutes of the running hour, so that
a reader of the last half hour never opens hundreds of files.

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

from market.store.segment_reader import SegmentReader, Window
from market.store.segments import (
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
from market.store.storage import TEMPORARY_SUFFIX, LocalStorage, Storage
from market.streams import SCHEMAS, Stream

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
    merged = replaced = deleted = 0
    with _alone(storage, venue) as alone:
        folders = day_folders(storage, venue) if alone else []
        for folder in (folder for folder in folders if folder.rpartition("/")[2] >= since_day):
            reader = SegmentReader(storage)
            deleted += _delete_replaced(storage, reader, folder, now_ms)
            for group in _due_groups(reader, folder, now_ms):
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


def _due_groups(reader: SegmentReader, folder: str, now_ms: int) -> Iterator[list[SegmentName]]:
    """Groups of two or more segments of one stream that began in the same closed hour, or block of one not closed."""
    for stream in sorted(reader.streams(folder)):
        groups: defaultdict[int, list[SegmentName]] = defaultdict(list)
        for name in reader.choose(folder, stream, EVERYTHING):
            # An imported file that is imported again replaces its segments by name, so these keep their names.
            if name.first_ms is None or name.last_ms is None or name.label.startswith(IMPORTED):
                continue
            start_ms = _due_since(name.first_ms, now_ms)
            if start_ms is not None and name.last_ms - name.first_ms < LONGEST_SPAN_MS:
                groups[start_ms].append(name)
        yield from (group for _, group in sorted(groups.items()) if len(group) > 1)


def _due_since(time_ms: int, now_ms: int) -> int | None:
    """Start of the closed hour or block in which a segment began; None where neither is closed."""
    hour_ms, block_ms = (time_ms // length_ms * length_ms for length_ms in (HOUR_MS, BLOCK_MS))
    if hour_ms + HOUR_MS + GRACE_MS < now_ms:
        return hour_ms
    return block_ms if block_ms + BLOCK_MS + SETTLED_MS < now_ms else None


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
