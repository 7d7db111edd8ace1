"""Markets for the tests of replay: a simulated one as a recorder would have written it, and a book by hand."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from calibration.publication.history import FLOW, SCHEMA, SLOPE, History
from market_making.market.events import BestQuote, BookSnapshot, Level, Trade
from market_making.market.sides import Direction, Side
from market_making.quoting.order_flow import OrderFlow
from market_making.recording.store.rows import Row, book_row, quote_row, table_of, trade_row
from market_making.recording.store.segments import write_segment
from market_making.recording.streams import Stream
from market_making.replay.result import Fills
from market_making.replay.tape.events import BUY, KIND, NS_PER_MS, TRADE
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.simulation.truth import MarketTruth

START_MS = 1_757_016_000_000 - 90_000  # a minute and a half before a full hour
LAG_MS = 50


def simulated_events(coin: str, seconds: float, seed: int, start_ms: int = START_MS) -> Iterator[BookSnapshot | Trade]:
    """Events of the default market of a coin."""
    return events_of(default_truths([coin])[0], seconds, seed, start_ms)


def events_of(
    truth: MarketTruth, seconds: float, seed: int, start_ms: int = START_MS
) -> Iterator[BookSnapshot | Trade]:
    """Events of any simulated market."""
    for event in SimulatedSource([truth], seed).events(start_ms):
        if event.time_ms > start_ms + seconds * 1e3:
            return
        yield event


def told(flow: OrderFlow, mid: float, name: str) -> History:
    """One calibration with these numbers, published a second before the market begins."""
    row = {name: None for name in SCHEMA.names} | {
        "created_ms": START_MS - 1_000, "window_end_ms": START_MS - 1_000, "exposure_s": 1800.0, "mid": mid,
        "half_spread": flow.half_spread, "volatility": flow.volatility, "status": "ok", "funding_rate": 0.0,
        "regime": "quote", "calibration_id": name,
    }  # fmt: skip
    for side in Direction:
        row |= {f"{name}_{side}": getattr(flow, name).of(side) for name in (*FLOW, SLOPE)}
    return History(pa.Table.from_pylist([row], schema=SCHEMA))


def record(
    root: Path, coin: str, events: Iterable[BookSnapshot | Trade], *, book_every_ms: int = 500, backlog: int = 3
) -> Path:
    """Write a market as a collector would: best quotes, some of the books, prints, and a back-log before them."""
    rows: dict[Stream, list[Row]] = {Stream.BBO: [], Stream.BOOK: [], Stream.TRADES: []}
    book_ms = -book_every_ms
    for event in events:
        local_ms = event.time_ms + LAG_MS
        if isinstance(event, Trade):
            rows[Stream.TRADES].append(trade_row(event, local_ms, replayed=False))
            continue
        best = BestQuote(coin, event.time_ms, event.bids[0], event.asks[0])
        rows[Stream.BBO].append(quote_row(best, local_ms))
        if event.time_ms - book_ms >= book_every_ms:
            book_ms = event.time_ms
            rows[Stream.BOOK].append(book_row(event, local_ms, Stream.BOOK))
    first = rows[Stream.TRADES][0]
    rows[Stream.TRADES][:0] = [(first[0] - 10, *first[1:5], f"9{n}", *first[6:9], True) for n in range(backlog)]
    for stream, told in rows.items():
        write_segment(root, "hyperliquid", coin, stream, table_of(stream, told))
    return root


class PlainBook:
    """A tape read row by row, as slowly and as simply as it can be."""

    def __init__(self) -> None:
        self.sides: dict[Side, dict[float, float]] = {Side.BID: {}, Side.ASK: {}}

    def take(self, row: np.void) -> None:
        """Take one row in; prints change no book."""
        if int(row["ev"]) & KIND == TRADE:
            return
        levels = self.sides[Side.BID if int(row["ev"]) & BUY else Side.ASK]
        if row["qty"] > 0:
            levels[float(row["px"])] = float(row["qty"])
        else:
            del levels[float(row["px"])]

    def levels(self, side: Side) -> list[Level]:
        """Levels of a side, best first."""
        return [Level(*level) for level in sorted(self.sides[side].items(), reverse=side is Side.BID)]


def books_of(rows: np.ndarray) -> Iterator[tuple[int, PlainBook]]:
    """The book after each stamp [ms]."""
    book, last = PlainBook(), None
    for row in rows:
        stamp = int(row["exch_ts"]) // NS_PER_MS
        if last is not None and stamp != last:
            yield last, book
        last = stamp
        book.take(row)
    if last is not None:
        yield last, book


def by_second(fills: Fills) -> set[tuple[int, int, float]]:
    """Fills as two engines are held against each other: second, side and price."""
    columns = (column.tolist() for column in (fills.time_ms // 1000, fills.sign, fills.price))
    return set(zip(*columns, strict=True))
