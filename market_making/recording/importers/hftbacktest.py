"""Captures of hftbacktest's collector: gzip text of local nanoseconds and websocket messages.

Two lines as they are, cut::

    1737918843525989000 {"channel":"l2Book","data":{"coin":"BTC","levels":[[{"n":5,"px":"105055.0","sz":"3.03622"}],
     [{"n":13,"px":"105056.0","sz":"6.34472"}]],"time":1737918843542}}
    1737918844038046000 {"channel":"trades","data":[{"coin":"BTC","side":"B","px":"105056.0","sz":"0.00014",…}]}
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from market_making.hyperliquid.market_data import Frame, parse_frame
from market_making.market.errors import MalformedMessage
from market_making.market.events import BestQuote, BookSnapshot, Trade
from market_making.recording.importers.importing import Entry, Format, ImportReport, Progress, run_import
from market_making.recording.importers.lines import SourceFile
from market_making.recording.importers.values import scaled_ms
from market_making.recording.store.rows import book_row, quote_row, trade_row
from market_making.recording.streams import FAST_BOOK_LEVELS, Stream

NS_PER_MS = 1_000_000


def import_hftbacktest(
    paths: Iterable[Path], root: Path | str, *, venue: str = "hyperliquid", progress: Progress | None = None
) -> ImportReport:
    """Import captures of Hyperliquid's books, best quotes and trades; see `run_import`.

    A book of at most 5 levels a side is taken for a fast one. Trades older than the capture are marked as back-log.
    """
    kind = Format("hftbacktest", (".gz", ".txt"), _read, lambda _: venue)
    return run_import(kind, paths, root, progress=progress)


def _read(source: SourceFile, report: ImportReport) -> Iterator[Entry]:
    start_ms: int | None = None
    for line in source.lines():
        try:
            stamp, _, text = line.partition(b" ")
            local_ms = scaled_ms(stamp, NS_PER_MS)
            frame = parse_frame(text)
        except MalformedMessage as error:
            report.fault(source, error)
            continue
        start_ms = local_ms if start_ms is None else start_ms
        entries = _entries(frame, local_ms, start_ms)
        if not entries:
            report.ignored += 1
        yield from entries


def _entries(frame: Frame, local_ms: int, start_ms: int) -> list[Entry]:
    match frame:
        case BookSnapshot(coin, _, bids, asks):
            fast = max(len(bids), len(asks)) <= FAST_BOOK_LEVELS
            stream = Stream.BOOK_FAST if fast else Stream.BOOK
            return [(coin, stream, book_row(frame, local_ms, stream))]
        case BestQuote(coin):
            return [(coin, Stream.BBO, quote_row(frame, local_ms))]
        case (Trade(), *_):
            trades = [trade for trade in frame if isinstance(trade, Trade)]
            return [
                (trade.coin, Stream.TRADES, trade_row(trade, local_ms, replayed=trade.time_ms < start_ms))
                for trade in trades
            ]
        case _:
            return []
