"""Events as rows of the tick store: tuples in the order of a stream's columns."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from market_making.market.events import AssetContext, BestQuote, BookSnapshot, Level, Trade
from market_making.recording.streams import BOOK_LEVELS, FAST_BOOK_LEVELS, SCHEMAS, Stream

Row = tuple[Any, ...]

LEVELS = {Stream.BOOK: BOOK_LEVELS, Stream.BOOK_FAST: FAST_BOOK_LEVELS}
_NO_LEVEL = (None, None)


def quote_row(quote: BestQuote, local_ms: int) -> Row:
    """Row of `Stream.BBO`; the columns of an empty side are null."""
    return (quote.time_ms, local_ms, *_best(quote.bid), *_best(quote.ask))


def book_row(book: BookSnapshot, local_ms: int, stream: Stream) -> Row:
    """Row of `Stream.BOOK` or `Stream.BOOK_FAST`; missing levels are null, levels beyond the stream's are left out."""
    row: list[Any] = [book.time_ms, local_ms]
    bids, asks = book.bids, book.asks
    for level in range(LEVELS[stream]):
        row += bids[level][:2] if level < len(bids) else _NO_LEVEL
        row += asks[level][:2] if level < len(asks) else _NO_LEVEL
    return tuple(row)


def trade_row(trade: Trade, local_ms: int, *, replayed: bool) -> Row:
    """Row of `Stream.TRADES`; what the source does not tell is null."""
    return (
        trade.time_ms,
        local_ms,
        trade.direction.value,
        trade.price,
        trade.size,
        trade.trade_id or None,
        trade.hash or None,
        trade.buyer or None,
        trade.seller or None,
        replayed,
    )


def context_row(context: AssetContext, exchange_ms: int, local_ms: int) -> Row:
    """Row of `Stream.CONTEXT`; its message carries no time, so the exchange's is the receiver's, corrected."""
    return (
        exchange_ms,
        local_ms,
        context.funding,
        context.mark_price,
        context.oracle_price,
        context.open_interest,
        context.mid_price,
    )


def gap_row(start_ms: int, end_ms: int, stream: Stream, reason: str) -> Row:
    """Row of `Stream.GAPS`."""
    return (start_ms, end_ms, stream.value, reason)


def table_of(stream: Stream, rows: Sequence[Row], *, session: str | None = None) -> pa.Table:
    """Table of rows of one stream; with a `session`, a column that names it."""
    schema = SCHEMAS[stream]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)
    if session is None:
        return table
    return table.append_column("session", pa.array([session] * len(rows), pa.string()))


def _best(level: Level | None) -> tuple[float | None, float | None]:
    return (None, None) if level is None else (level.price, level.size)
