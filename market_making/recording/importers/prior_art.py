"""Files of an earlier Hyperliquid collector: csv or parquet of prices, trades and order books, one coin a file.

The header and a line or two of each, cut::

    timestamp,price,size,side,exchange_timestamp                      prices_BTC.csv: a bid and an ask are one quote
    1756904112.7999077,111038.0,8.84885,bid,1756904112212
    1756904112.7999077,111039.0,0.0036,ask,1756904112212
    timestamp,price,size,side,trade_id,exchange_timestamp             trades_BTC.csv
    1756904112.5455544,111039.0,0.00091,buy,1062032029372010,1756904102005
    timestamp,sequence,exchange_timestamp,bid_price_0,bid_size_0,ask_price_0,ask_size_0,bid_price_1,…

``timestamp`` is the recorder's clock in seconds, ``exchange_timestamp`` the exchange's in milliseconds. The coin
stands in the file's name after the kind, or is the name of its folder.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from market_making.market.errors import MalformedMessage
from market_making.recording.importers.importing import Entry, Format, ImportReport, Progress, run_import
from market_making.recording.importers.lines import SourceFile
from market_making.recording.importers.values import optional_positive, positive_number, scaled_ms
from market_making.recording.store.rows import LEVELS, Row
from market_making.recording.streams import Stream

BACKLOG_MS = 3000
SECONDS_PER_MS = 1e-3

Fields = dict[str, Any]


def import_prior_art(
    paths: Iterable[Path], root: Path | str, *, venue: str = "hyperliquid", progress: Progress | None = None
) -> ImportReport:
    """Import such files; see `run_import`. A trade that arrived over 3 s late is marked as part of a back-log."""
    kind = Format("prior-art", (".csv", ".csv.gz", ".parquet"), _read, lambda _: venue)
    return run_import(kind, paths, root, progress=progress)


def _read(source: SourceFile, report: ImportReport) -> Iterator[Entry]:
    coin = _coin(source.path)
    quote: Row | None = None
    for fields in _records(source, report):
        try:
            if "side" not in fields:
                yield coin, Stream.BOOK, _book_row(fields)
            elif "trade_id" in fields:
                yield coin, Stream.TRADES, _trade_row(fields)
            else:
                half = _quote_row(fields)
                joined = _join(quote, half)
                if quote is not None and joined is None:
                    yield coin, Stream.BBO, quote
                quote = joined or half
        except (MalformedMessage, KeyError, ValueError) as error:
            report.fault(source, error)
    if quote is not None:
        yield coin, Stream.BBO, quote


def _records(source: SourceFile, report: ImportReport) -> Iterator[Fields]:
    """Rows of the file by column name; empty values are None."""
    if source.path.suffix == ".parquet":
        for batch in pq.ParquetFile(source.path).iter_batches():
            for record in batch.to_pylist():
                source.number += 1
                yield record
        return
    lines = source.lines()
    header = next(lines, b"").decode("utf-8", "replace").split(",")
    for line in lines:
        values = line.decode("utf-8", "replace").split(",")
        if len(values) == len(header):
            yield dict(zip(header, (value or None for value in values), strict=True))
        else:
            report.fault(source, f"{len(values)} values, the header has {len(header)}")


def _coin(path: Path) -> str:
    """``prices_BTC.csv`` and ``prices_BTC_20250904.parquet`` are BTC's, other files their folder's."""
    _, separator, rest = path.name.partition("_")
    name = rest.partition(".")[0].partition("_")[0]
    return name if separator and name and not name.isdigit() else path.parent.name


def _times(fields: Fields) -> tuple[int, int]:
    return scaled_ms(fields["exchange_timestamp"], 1), scaled_ms(fields["timestamp"], SECONDS_PER_MS)


def _trade_row(fields: Fields) -> Row:
    exchange_ms, local_ms = _times(fields)
    if fields["side"] not in ("buy", "sell"):
        raise MalformedMessage(f"side must be buy or sell, saw {fields['side']!r}")
    price, size = positive_number(fields["price"]), positive_number(fields["size"])
    late = local_ms - exchange_ms > BACKLOG_MS
    return (exchange_ms, local_ms, fields["side"], price, size, str(fields["trade_id"]), None, None, None, late)


def _quote_row(fields: Fields) -> Row:
    """Half of a best quote: the other side is null."""
    level = (positive_number(fields["price"]), positive_number(fields["size"]))
    if fields["side"] == "bid":
        return (*_times(fields), *level, None, None)
    if fields["side"] == "ask":
        return (*_times(fields), None, None, *level)
    raise MalformedMessage(f"side must be bid or ask, saw {fields['side']!r}")


def _join(bid: Row | None, ask: Row) -> Row | None:
    """A quote from its two halves; None if they are not halves of one."""
    if bid is None or bid[:2] != ask[:2] or bid[4] is not None or ask[2] is not None:
        return None
    return (*bid[:4], *ask[4:])


def _book_row(fields: Fields) -> Row:
    names = ("bid_price", "bid_size", "ask_price", "ask_size")
    values = [fields.get(f"{name}_{level}") for level in range(LEVELS[Stream.BOOK]) for name in names]
    return (*_times(fields), *(optional_positive(value) for value in values))
