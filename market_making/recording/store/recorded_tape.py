"""A recorded window as a tape: quotes, trades, and the intervals in which events may be missing.

An interval is a gap if

* the recorder wrote so, for quotes or trades;
* nothing at all was received for more than `SILENCE_MS`, from the start of the window and to its end too. A store
  that has gap rows but no books is believed to be quiet where it is silent, because its recorder would have told;
* the book had one side only, or was crossed: there is no mid to measure from.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from market_making.market.tape import FloatArray, IntArray, QuoteTape, Tape, TradeTape
from market_making.recording.streams import Stream

SILENCE_MS = 5000
QUOTE_COLUMNS = ("bid_price", "bid_size", "ask_price", "ask_size")
BOOKS = (Stream.BOOK_FAST, Stream.BOOK)


class RecordedRows(Protocol):
    """What a tape is built from: the recorded rows of each coin, stream by stream."""

    def read(
        self, coin: str, stream: Stream, start_ms: int, end_ms: int, *, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Rows of the window (`start_ms`, `end_ms`], ascending in time."""
        ...

    def streams(self, coin: str, start_ms: int, end_ms: int) -> set[Stream]:
        """Streams recorded on the days of the window."""
        ...


def build(store: RecordedRows, coin: str, start_ms: int, end_ms: int) -> Tape:
    """Tape of the window (`start_ms`, `end_ms`] of one coin of a store."""
    rows = _best_quotes(store, coin, start_ms, end_ms)
    trades, live = _trades(store, coin, start_ms, end_ms)
    quotes, one_sided = split_one_sided(rows, end_ms)
    events = np.union1d(rows.time_ms, trades.time_ms[live])
    silent = _silences(store, coin, np.concatenate(([start_ms], events, [end_ms])))
    recorded = _recorded_gaps(store, coin, start_ms, end_ms)
    gaps = merge_intervals(np.concatenate((one_sided, silent, recorded)), start_ms, end_ms)
    return Tape(quotes, trades, gaps, start_ms, end_ms)


def split_one_sided(rows: QuoteTape, end_ms: int) -> tuple[QuoteTape, IntArray]:
    """Quotes with a mid, and the intervals without one, each up to the next quote that has one."""
    usable = rows.bid_price < rows.ask_price
    prices = (rows.bid_price, rows.bid_size, rows.ask_price, rows.ask_size)
    quotes = QuoteTape(rows.time_ms[usable], *(column[usable] for column in prices))
    next_usable = np.append(quotes.time_ms, end_ms)[np.cumsum(usable)]
    return quotes, np.column_stack((rows.time_ms, next_usable))[~usable]


def silences(time_ms: IntArray, limit_ms: int = SILENCE_MS) -> IntArray:
    """Intervals of more than `limit_ms` between neighbours of ascending times, shape (n, 2)."""
    silent = np.flatnonzero(np.diff(time_ms) > limit_ms)
    return np.column_stack((time_ms[silent], time_ms[silent + 1]))


def merge_intervals(intervals: IntArray, start_ms: int, end_ms: int) -> IntArray:
    """The union of intervals within the window, ascending and disjoint, shape (n, 2)."""
    clipped = np.clip(intervals, start_ms, end_ms)
    clipped = clipped[clipped[:, 0] < clipped[:, 1]]
    clipped = clipped[np.argsort(clipped[:, 0], kind="stable")]
    if not len(clipped):
        return np.empty((0, 2), dtype=np.int64)
    reach = np.maximum.accumulate(clipped[:, 1])
    opens = np.append(True, clipped[1:, 0] > reach[:-1])
    closes = np.append(opens[1:], True)
    return np.column_stack((clipped[opens, 0], reach[closes])).astype(np.int64)


def _best_quotes(store: RecordedRows, coin: str, start_ms: int, end_ms: int) -> QuoteTape:
    """Best quotes of the window; where none are recorded, the top of the recorded books."""
    table = store.read(coin, Stream.BBO, start_ms, end_ms, columns=("exchange_ms", *QUOTE_COLUMNS))
    if not len(table):
        table = _tops_of_books(store, coin, start_ms, end_ms)
    return QuoteTape(table["exchange_ms"].to_numpy(), *(_floats(table[name]) for name in QUOTE_COLUMNS))


def _tops_of_books(store: RecordedRows, coin: str, start_ms: int, end_ms: int) -> pa.Table:
    columns = ("exchange_ms", *(f"{name}_0" for name in QUOTE_COLUMNS))
    tables = [store.read(coin, stream, start_ms, end_ms, columns=columns) for stream in BOOKS]
    table = pa.concat_tables(tables).rename_columns(["exchange_ms", *QUOTE_COLUMNS])
    return table.take(pa.array(np.argsort(table["exchange_ms"].to_numpy(), kind="stable")))


def _trades(store: RecordedRows, coin: str, start_ms: int, end_ms: int) -> tuple[TradeTape, NDArray[np.bool_]]:
    """Trades of the window, and which were received live: a back-log does not prove that anyone listened."""
    columns = ("exchange_ms", "side", "price", "size", "hash", "buyer", "seller", "replayed")
    table = store.read(coin, Stream.TRADES, start_ms, end_ms, columns=columns)
    bought = pc.equal(table["side"], "buy")
    tape = TradeTape(
        time_ms=table["exchange_ms"].to_numpy(),
        sign=np.where(bought.to_numpy(), 1, -1).astype(np.int64),
        price=_floats(table["price"]),
        size=_floats(table["size"]),
        order=market_orders(table, bought),
    )
    return tape, ~pc.fill_null(table["replayed"], False).to_numpy()


def market_orders(trades: pa.Table, bought: pa.ChunkedArray) -> IntArray:
    """Number of the market order of each print, from transaction hash and taker; −1 where there is no hash.

    A slice of a TWAP has a hash of zeros, so there the taker and the time tell the orders apart.
    """
    taker = pc.fill_null(pc.if_else(bought, trades["buyer"], trades["seller"]), "")
    text = pc.fill_null(trades["hash"], "")
    nothing = pc.match_substring_regex(text, "^0x0*$")
    parts = [text, taker]
    if pc.any(nothing).as_py():
        parts.append(pc.if_else(nothing, trades["exchange_ms"].cast(pa.string()), ""))
    key = pc.binary_join_element_wise(*parts, "|")
    codes = key.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    codes[pc.equal(text, "").to_numpy()] = -1
    return np.asarray(codes, dtype=np.int64)


def _silences(store: RecordedRows, coin: str, time_ms: IntArray) -> IntArray:
    """Silences of quotes and trades that no book breaks."""
    silent = silences(time_ms)
    if not len(silent):
        return silent
    start_ms, end_ms = int(time_ms[0]), int(time_ms[-1])
    streams = store.streams(coin, start_ms, end_ms)
    if Stream.GAPS in streams and not streams & set(BOOKS):
        at_edges: IntArray = silent[(silent[:, 0] == start_ms) | (silent[:, 1] == end_ms)]
        return at_edges
    first, last = int(silent[0, 0]), int(silent[-1, 1])
    tables = [store.read(coin, stream, first, last, columns=("exchange_ms",)) for stream in BOOKS]
    books = np.concatenate([table["exchange_ms"].to_numpy() for table in tables])
    return silences(np.union1d(time_ms, books))


def _recorded_gaps(store: RecordedRows, coin: str, start_ms: int, end_ms: int) -> IntArray:
    """Gaps of quotes and trades that a recorder wrote; one that names no stream means all."""
    table = store.read(coin, Stream.GAPS, start_ms, end_ms, columns=("start_ms", "end_ms", "stream"))
    if not len(table):
        return np.empty((0, 2), dtype=np.int64)
    concerned = pc.is_in(pc.fill_null(table["stream"], ""), pa.array(["", Stream.BBO, Stream.TRADES]))
    table = table.filter(concerned)
    return np.column_stack((table["start_ms"].to_numpy(), table["end_ms"].to_numpy()))


def _floats(column: pa.ChunkedArray) -> FloatArray:
    """Values of a column, NaN where null."""
    return np.asarray(column.to_numpy(), dtype=np.float64)
