"""Tardis.dev's csv.gz files: trades, quotes, book snapshots, incremental books and derivative tickers.

Headers, which tell the kinds apart (times are UTC microseconds)::

    exchange,symbol,timestamp,local_timestamp,id,side,price,amount
    exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount
    exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,…
    exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount
    exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,open_interest,…

The exchange becomes the venue of the store, the symbol the coin.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from market_making.market.errors import MalformedMessage
from market_making.recording.importers.importing import Entry, Format, ImportReport, Progress, run_import
from market_making.recording.importers.lines import SourceFile
from market_making.recording.importers.tardis_book import BookUpdates
from market_making.recording.importers.values import optional_number, optional_positive, positive_number, scaled_ms
from market_making.recording.store.rows import LEVELS, Row
from market_making.recording.streams import Stream

US_PER_MS = 1000
COMMON = ("exchange", "symbol", "timestamp", "local_timestamp")

Fields = dict[str, str]


def import_tardis(
    paths: Iterable[Path], root: Path | str, *, venue: str | None = None, progress: Progress | None = None
) -> ImportReport:
    """Import such files under `venue`, by default the exchange each names; see `run_import`.

    Trades whose aggressor is unknown and book updates before the first snapshot are counted as ignored.
    """
    kind = Format("tardis", (".csv.gz", ".csv"), _read, lambda path: venue or _exchange(path))
    return run_import(kind, paths, root, progress=progress)


def _read(source: SourceFile, report: ImportReport) -> Iterator[Entry]:
    lines = source.lines()
    header = next(lines, b"").decode("utf-8", "replace").split(",")
    records = _records(lines, header, source, report)
    if set(header) >= {*COMMON, "is_snapshot", "side", "price", "amount"}:
        yield from BookUpdates(source, report).read(records)
        return
    stream, make_row = _kind(header)
    for fields in records:
        try:
            row = make_row(fields)
        except (MalformedMessage, KeyError, ValueError) as error:
            report.fault(source, error)
            continue
        if row is None:
            report.ignored += 1
        else:
            yield fields["symbol"], stream, row


def _kind(header: list[str]) -> tuple[Stream, Callable[[Fields], Row | None]]:
    """Stream and row maker of a header.

    Raises
    ------
    MalformedMessage
        If it is none of the known ones.
    """
    names = set(header)
    if names >= {*COMMON, "id", "side", "price", "amount"}:
        return Stream.TRADES, _trade_row
    if names >= {*COMMON, "bid_price", "ask_price"}:
        return Stream.BBO, _quote_row
    if names >= {*COMMON, "bids[0].price", "asks[0].price"}:
        return Stream.BOOK, _snapshot_row
    if names >= {*COMMON, "funding_rate", "mark_price"}:
        return Stream.CONTEXT, _ticker_row
    raise MalformedMessage(f"unknown columns {header[:8]}")


def _records(lines: Iterator[bytes], header: list[str], source: SourceFile, report: ImportReport) -> Iterator[Fields]:
    for line in lines:
        values = line.decode("utf-8", "replace").split(",")
        if len(values) == len(header):
            yield dict(zip(header, values, strict=True))
        else:
            report.fault(source, f"{len(values)} values, the header has {len(header)}")


def _exchange(path: Path) -> str:
    """The exchange that the first row of a file names."""
    lines = SourceFile(path).lines()
    header = next(lines, b"").decode("utf-8", "replace").split(",")
    first = next(lines, b"").decode("utf-8", "replace").split(",")
    return dict(zip(header, first, strict=False)).get("exchange") or "unknown"


def _times(fields: Fields) -> tuple[int, int]:
    return scaled_ms(fields["timestamp"], US_PER_MS), scaled_ms(fields["local_timestamp"], US_PER_MS)


def _trade_row(fields: Fields) -> Row | None:
    if fields["side"] not in ("buy", "sell"):
        return None
    price, size = positive_number(fields["price"]), positive_number(fields["amount"])
    return (*_times(fields), fields["side"], price, size, fields["id"] or None, None, None, None, False)


def _quote_row(fields: Fields) -> Row:
    return (
        *_times(fields),
        *(optional_positive(fields[f"{side}_{what}"]) for side in ("bid", "ask") for what in ("price", "amount")),
    )


def _snapshot_row(fields: Fields) -> Row:
    values = [
        optional_positive(fields.get(f"{side}[{level}].{what}", ""))
        for level in range(LEVELS[Stream.BOOK])
        for side in ("bids", "asks")
        for what in ("price", "amount")
    ]
    return (*_times(fields), *values)


def _ticker_row(fields: Fields) -> Row:
    names = ("funding_rate", "mark_price", "index_price", "open_interest")
    return (*_times(fields), *(optional_number(fields.get(name, "")) for name in names), None)
