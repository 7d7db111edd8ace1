"""The segments in the folders of days, listed again only when a folder has changed.

A reader that comes every few seconds to hundreds of folders with thousands of files would else do little but list them.
"""

import time
from collections import OrderedDict
from typing import NamedTuple

from market_making.recording.store.segments import SegmentName
from market_making.recording.store.storage import Storage
from market_making.recording.streams import Stream

LISTED_FOLDERS = 4096
# The file system stamps changes in steps of some milliseconds: one just after a listing may bear the stamp before it.
_STAMP_STEP_NS = 50_000_000


class _Listed(NamedTuple):
    stamp: tuple[int, int] | None
    files: frozenset[str]
    by_stream: dict[Stream, list[SegmentName]]


class SegmentListing:
    """Names of segments by folder and stream."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._listed: OrderedDict[str, _Listed] = OrderedDict()
        self._folders: dict[str, tuple[tuple[int, int], list[str]]] = {}

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder, sorted."""
        stamp = self._stamp(folder)
        known = self._folders.get(folder)
        if known is not None and known[0] == stamp:
            return known[1]
        found = self._storage.folders(folder)
        if stamp is not None:
            self._folders[folder] = stamp, found
        return found

    def segments(self, folder: str, stream: Stream) -> list[SegmentName]:
        """Segments of a stream in a folder, in the order of their names."""
        return self._up_to_date(folder).by_stream.get(stream, [])

    def streams(self, folder: str) -> set[Stream]:
        """Streams that have a segment in a folder."""
        return set(self._up_to_date(folder).by_stream)

    def _up_to_date(self, folder: str) -> _Listed:
        stamp = self._stamp(folder)
        known = self._listed.get(folder)
        if known is not None and known.stamp is not None and known.stamp == stamp:
            self._listed.move_to_end(folder)
            return known
        listed = _listed(stamp, self._storage.files(folder), known)
        self._listed[folder] = listed
        if len(self._listed) > LISTED_FOLDERS:
            self._listed.popitem(last=False)
        return listed

    def _stamp(self, folder: str) -> tuple[int, int] | None:
        """What changes with the folder; None if that cannot be relied upon."""
        try:
            size, changed_ns = self._storage.version(folder)
        except FileNotFoundError:
            return None
        return (size, changed_ns) if changed_ns < time.time_ns() - _STAMP_STEP_NS else None


def _listed(stamp: tuple[int, int] | None, files: list[str], known: _Listed | None) -> _Listed:
    """Sort files by stream; mostly a few are new and the others need no second look."""
    names = frozenset(files)
    if known is not None and names == known.files:
        return known._replace(stamp=stamp)
    by_stream: dict[Stream, list[SegmentName]] = {}
    if known is not None and known.files <= names:
        by_stream = {stream: list(segments) for stream, segments in known.by_stream.items()}
        files = list(names - known.files)
    for name in filter(None, map(SegmentName.parse, files)):
        by_stream.setdefault(name.stream, []).append(name)
    for segments in by_stream.values():
        segments.sort()
    return _Listed(stamp, names, by_stream)
