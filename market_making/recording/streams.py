"""The streams of the tick store and their columns (docs/tick-store.md)."""

from enum import StrEnum

import pyarrow as pa

BOOK_LEVELS = 20
FAST_BOOK_LEVELS = 5


class Stream(StrEnum):
    """What a file of the tick store holds."""

    BBO = "bbo"
    BOOK = "book"
    BOOK_FAST = "book_fast"
    TRADES = "trades"
    GAPS = "gaps"
    CONTEXT = "context"


_CLOCKS = [("exchange_ms", pa.int64()), ("local_ms", pa.int64())]


def _book(levels: int) -> pa.Schema:
    names = ("bid_price", "bid_size", "ask_price", "ask_size")
    columns = [(f"{name}_{level}", pa.float64()) for level in range(levels) for name in names]
    return pa.schema(_CLOCKS + columns)


SCHEMAS: dict[Stream, pa.Schema] = {
    Stream.BBO: pa.schema(
        [*_CLOCKS, *((name, pa.float64()) for name in ("bid_price", "bid_size", "ask_price", "ask_size"))]
    ),
    Stream.BOOK: _book(BOOK_LEVELS),
    Stream.BOOK_FAST: _book(FAST_BOOK_LEVELS),
    Stream.TRADES: pa.schema(
        [
            *_CLOCKS,
            ("side", pa.string()),
            ("price", pa.float64()),
            ("size", pa.float64()),
            ("trade_id", pa.string()),
            ("hash", pa.string()),
            ("buyer", pa.string()),
            ("seller", pa.string()),
            ("replayed", pa.bool_()),
        ]
    ),
    Stream.CONTEXT: pa.schema(
        [
            *_CLOCKS,
            *((name, pa.float64()) for name in ("funding", "mark_price", "oracle_price", "open_interest", "mid_price")),
        ]
    ),
    Stream.GAPS: pa.schema(
        [("start_ms", pa.int64()), ("end_ms", pa.int64()), ("stream", pa.string()), ("reason", pa.string())]
    ),
}
