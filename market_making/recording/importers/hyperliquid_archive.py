"""The exchange's public archive: order books by coin and hour, and asset contexts by day.

``market_data/20260401/0/l2Book/SOL.lz4`` holds lines such as (cut)::

    {"time":"2026-04-01T00:00:12.669126791","ver_num":1,"raw":{"channel":"l2Book","data":{"coin":"SOL",
     "time":1775001612017,"levels":[[{"px":"83.141","sz":"18.41","n":1}],[{"px":"83.158","sz":"9.04","n":2}]]}}}

where the outer time is the recorder's (UTC, without a zone) and the inner one the exchange's; the first line of an
hour may belong to the hour before. ``asset_ctxs/20260401.csv.lz4`` holds one row per coin and minute.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from market_making.hyperliquid.market_data import parse_book
from market_making.market.errors import MalformedMessage
from market_making.recording.importers.importing import Entry, Format, ImportReport, Progress, run_import
from market_making.recording.importers.lines import SourceFile
from market_making.recording.importers.values import iso_ms, optional_number
from market_making.recording.store.rows import book_row
from market_making.recording.streams import Stream


def import_hyperliquid_archive(
    paths: Iterable[Path], root: Path | str, *, venue: str = "hyperliquid", progress: Progress | None = None
) -> ImportReport:
    """Import ``l2Book`` files as `Stream.BOOK` and ``asset_ctxs`` files as `Stream.CONTEXT`; see `run_import`."""
    suffixes = (".lz4", ".csv", ".jsonl")
    return run_import(Format("hyperliquid-archive", suffixes, _read, lambda _: venue), paths, root, progress=progress)


def _read(source: SourceFile, report: ImportReport) -> Iterator[Entry]:
    contexts = ".csv" in source.path.name
    return _contexts(source, report) if contexts else _books(source, report)


def _books(source: SourceFile, report: ImportReport) -> Iterator[Entry]:
    for line in source.lines():
        try:
            message = orjson.loads(line)
            if message["raw"]["channel"] != "l2Book":
                report.ignored += 1
                continue
            book = parse_book(message["raw"]["data"])
            yield book.coin, Stream.BOOK, book_row(book, iso_ms(message["time"]), Stream.BOOK)
        except (MalformedMessage, KeyError, TypeError, ValueError) as error:
            report.fault(source, error)


def _contexts(source: SourceFile, report: ImportReport) -> Iterator[Entry]:
    lines = source.lines()
    header = next(lines, b"").decode("utf-8", "replace").split(",")
    for line in lines:
        try:
            fields = dict(zip(header, line.decode("utf-8", "replace").split(","), strict=True))
            yield fields["coin"], Stream.CONTEXT, _context_row(fields)
        except (KeyError, ValueError) as error:
            report.fault(source, error)


def _context_row(fields: dict[str, str]) -> tuple[Any, ...]:
    time_ms = iso_ms(fields["time"].removesuffix("Z"))
    names = ("funding", "mark_px", "oracle_px", "open_interest", "mid_px")
    return (time_ms, time_ms, *(optional_number(fields[name]) for name in names))
