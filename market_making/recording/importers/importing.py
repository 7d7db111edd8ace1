"""What all importers share: rows into segments, what was done remembered, what cannot be read counted.

A file is imported whole or not at all. Its segments are named after its content, so an import that was killed is
completed by the next, which writes the same segments again. A file whose import was completed is noted in the store
and skipped.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from market_making.market.errors import MalformedMessage
from market_making.recording.importers.lines import SourceFile, find_files
from market_making.recording.store.rows import Row, table_of
from market_making.recording.store.segments import IMPORTED, coin_folder, cut_segments, publish
from market_making.recording.store.storage import Storage, open_storage
from market_making.recording.streams import Stream

SEGMENT_ROWS = 50_000
SHOWN_FAULTS = 20
PROGRESS_ROWS = 5_000
DIGEST_BYTES = 1 << 16

Entry = tuple[str, Stream, Row]
Progress = Callable[[Path, int, int], None]

log = logging.getLogger(__name__)


@dataclass
class ImportReport:
    """What an import did: files read and skipped, rows per stream, and the lines that could not be read.

    `ignored` are rows that this project has no use for: other channels, spot pairs, trades without an aggressor.
    """

    files: int = 0
    files_known: int = 0
    files_torn: int = 0
    rows: Counter[Stream] = field(default_factory=Counter)
    ignored: int = 0
    malformed: int = 0
    faults: list[str] = field(default_factory=list)

    def fault(self, source: SourceFile, why: object) -> None:
        """Count a line that cannot be read; the first few are kept with file, line and reason."""
        self.malformed += 1
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(f"{source.path}:{source.number}: {_in_words(why)}")


def _in_words(why: object) -> str:
    """What is wrong with a line; Python's own errors say it in Python's terms."""
    if isinstance(why, KeyError):
        return f"there is no {why.args[0]!r}"
    if isinstance(why, MalformedMessage) or not isinstance(why, Exception):
        return str(why)
    return f"it has another form than its format: {why}"


Reader = Callable[[SourceFile, ImportReport], Iterator[Entry]]


@dataclass(frozen=True)
class Format:
    """A foreign format: its name, the ends of its file names, how a file is read and which venue it is of."""

    name: str
    suffixes: tuple[str, ...]
    read: Reader
    venue_of: Callable[[Path], str]


def run_import(
    kind: Format, paths: Iterable[Path], root: Path | str, *, progress: Progress | None = None
) -> ImportReport:
    """Import files, and those below folders.

    Parameters
    ----------
    kind : Format
        The format.
    paths : iterable of Path
        Files and folders.
    root : Path or str
        Root of the tick store.
    progress : callable, optional
        Told the file, the bytes of it that were read, and its size, now and then.

    Raises
    ------
    FileNotFoundError
        If a path does not exist.
    """
    report = ImportReport()
    storage = open_storage(root)
    for path in find_files(list(paths), kind.suffixes):
        _import_file(kind, SourceFile(path), storage, report, progress)
    return report


def _import_file(
    kind: Format, source: SourceFile, storage: Storage, report: ImportReport, progress: Progress | None
) -> None:
    label = f"{IMPORTED}-{_digest(kind.name, source.path)}"
    try:
        venue = kind.venue_of(source.path)
        note = f"{venue}/.imports"
        if label in storage.files(note):
            report.files_known += 1
            return
        entries = _told(kind.read(source, report), source, progress)
        rows, ignored = _write(entries, storage, venue, label)
    except (OSError, pa.ArrowInvalid, MalformedMessage) as error:
        # An error that names a file is one of the store's disk, not of the source's content.
        if isinstance(error, OSError) and error.filename is not None:
            raise
        report.files_torn += 1
        report.fault(source, f"nothing of this file is imported, it cannot be read on: {error}")
        return
    report.files += 1
    report.rows += rows
    report.ignored += ignored
    storage.publish(f"{note}/{label}", pa.py_buffer(f"{source.path}\n".encode()))


def _told(entries: Iterator[Entry], source: SourceFile, progress: Progress | None) -> Iterator[Entry]:
    """The entries, with the progress reported now and then and at the end."""
    for number, entry in enumerate(entries):
        if progress is not None and number % PROGRESS_ROWS == 0:
            progress(source.path, source.bytes_read, source.size)
        yield entry
    if progress is not None:
        progress(source.path, source.size, source.size)


def _write(entries: Iterator[Entry], storage: Storage, venue: str, label: str) -> tuple[Counter[Stream], int]:
    """Write the rows of a file, all or none; gives how many of each stream, and how many were ignored."""
    writer = _FileWriter(storage, venue, label)
    ignored = 0
    try:
        for coin, stream, row in entries:
            if _can_be_folder(coin):
                writer.add(coin, stream, row)
            else:
                ignored += 1
        writer.flush()
    except BaseException:
        # The whole file will come under another name, so what was read of a torn one must not stay.
        writer.withdraw()
        raise
    return writer.rows, ignored


class _FileWriter:
    """Rows of one source file into segments of up to `SEGMENT_ROWS`."""

    def __init__(self, storage: Storage, venue: str, label: str) -> None:
        self.rows: Counter[Stream] = Counter()
        self._storage = storage
        self._venue = venue
        self._label = label
        self._buffers: defaultdict[tuple[str, Stream], list[Row]] = defaultdict(list)
        self._numbers: Counter[tuple[str, Stream]] = Counter()
        self._written: list[str] = []

    def add(self, coin: str, stream: Stream, row: Row) -> None:
        buffer = self._buffers[coin, stream]
        buffer.append(row)
        if len(buffer) >= SEGMENT_ROWS:
            self._flush_one(coin, stream)

    def flush(self) -> None:
        for coin, stream in list(self._buffers):
            self._flush_one(coin, stream)

    def withdraw(self) -> None:
        for path in self._written:
            self._storage.delete(path)

    def _flush_one(self, coin: str, stream: Stream) -> None:
        key = coin, stream
        rows = self._buffers.pop(key)
        label = f"{self._label}-{self._numbers[key]:06d}"
        for segment in cut_segments(self._venue, coin, stream, table_of(stream, rows), label=label):
            self._written.append(segment.path)
            publish(self._storage, segment)
        self._numbers[key] += 1
        self.rows[stream] += len(rows)


@cache
def _can_be_folder(coin: str) -> bool:
    """Whether the coin can have a folder: spot pairs such as ``PURR/USDC`` cannot."""
    try:
        coin_folder("venue", coin)
    except MalformedMessage:
        return False
    return True


def _digest(kind: str, path: Path) -> str:
    """Name of a file by its content: format, size, beginning and end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(DIGEST_BYTES)
        file.seek(max(0, size - DIGEST_BYTES))
        end = file.read(DIGEST_BYTES)
    return sha256(f"{kind} {size} ".encode() + start + end).hexdigest()[:16]
