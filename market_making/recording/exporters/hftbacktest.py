"""Recordings as events of hftbacktest: depth and trades, in the order that its loader asks for.

A snapshot becomes the changes of its levels against the one before; a level that has left the shown part of the book is
set to zero. After a gap the first snapshot is a whole one, behind events that clear both sides.

Source: hftbacktest 2.4, "Data": flags of an event, and its array of 64 bytes a row.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from market_making.market.errors import NotEnoughData
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import BOOK_LEVELS, FAST_BOOK_LEVELS, Stream

NS_PER_MS = 1_000_000
_DEPTH, _TRADE, _CLEAR, _SNAPSHOT = 1, 2, 3, 4
_BOTH_CLOCKS = (1 << 31) | (1 << 30)
_SIDE = {"bid": 1 << 29, "ask": 1 << 28}
_AGGRESSOR = {"buy": 1 << 29, "sell": 1 << 28}
EVENT = np.dtype(
    [("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8"), ("order_id", "<u8"),
     ("ival", "<i8"), ("fval", "<f8")],
    align=True,
)  # fmt: skip
_STREAMS = ((Stream.BOOK_FAST, FAST_BOOK_LEVELS), (Stream.BOOK, BOOK_LEVELS))


class _Row(NamedTuple):
    """One event: flags, both clocks [ms], price and size."""

    flags: int
    exchange_ms: int
    local_ms: int
    price: float
    size: float


def export_hftbacktest(store: TickStore, coin: str, start_ms: int, end_ms: int, out: Path) -> Path:
    """Write the events of (`start_ms`, `end_ms`] to ``<out>/<COIN>.npz``, under the key ``data``.

    The books are the fast ones of five levels where they were recorded, else the slow ones.

    Raises
    ------
    NotEnoughData
        If no book was recorded.
    """
    books, levels = next(
        ((table, levels) for stream, levels in _STREAMS if len(table := store.read(coin, stream, start_ms, end_ms))),
        (None, 0),
    )
    if books is None:
        raise NotEnoughData(f"0 books of {coin} in the window, need 1: hftbacktest has no market without depth")
    gaps = store.gaps(coin, start_ms, end_ms)
    depth = list(_depth(books, levels, gaps))
    trades = list(_trades(store.read(coin, Stream.TRADES, start_ms, end_ms)))
    events = _array([*trades, *depth])
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{coin}.npz"
    np.savez_compressed(path, data=events)
    return path


def _depth(books: pa.Table, levels: int, gaps: NDArray[np.int64]) -> Iterator[_Row]:
    known: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}
    ends = iter(np.sort(gaps[:, 1]).tolist()) if len(gaps) else iter(())
    end = next(ends, None)
    for row in books.to_pylist():
        clocks = row["exchange_ms"], max(row["local_ms"], row["exchange_ms"])
        is_new = not known["bid"] and not known["ask"]
        while end is not None and end <= clocks[0]:
            is_new, end = True, next(ends, None)
        for side, before in known.items():
            shown = _side(row, side, levels)
            yield from (_whole(side, shown, clocks) if is_new else _changes(side, before, shown, clocks))
            known[side] = shown


def _side(row: dict[str, Any], side: str, levels: int) -> dict[float, float]:
    pairs = ((row[f"{side}_price_{level}"], row[f"{side}_size_{level}"]) for level in range(levels))
    return {price: size for price, size in pairs if price is not None}


def _whole(side: str, shown: dict[float, float], clocks: tuple[int, int]) -> Iterator[_Row]:
    if not shown:
        return
    yield _Row(_CLEAR | _SIDE[side], *clocks, max(shown) if side == "ask" else min(shown), 0.0)
    for price, size in shown.items():
        yield _Row(_SNAPSHOT | _SIDE[side], *clocks, price, size)


def _changes(
    side: str, before: dict[float, float], shown: dict[float, float], clocks: tuple[int, int]
) -> Iterator[_Row]:
    for price in before.keys() - shown.keys():
        yield _Row(_DEPTH | _SIDE[side], *clocks, price, 0.0)
    for price, size in shown.items():
        if before.get(price) != size:
            yield _Row(_DEPTH | _SIDE[side], *clocks, price, size)


def _trades(trades: pa.Table) -> Iterator[_Row]:
    names = ("side", "exchange_ms", "local_ms", "price", "size")
    for side, exchange_ms, local_ms, price, size in zip(*(trades[name].to_pylist() for name in names), strict=True):
        yield _Row(_TRADE | _AGGRESSOR[side], exchange_ms, max(local_ms, exchange_ms), price, size)


def _array(rows: list[_Row]) -> NDArray[np.void]:
    """Events in the order of both clocks; one that another overtook on its way is there twice, once for each clock."""
    flags, exchange_ms, local_ms, prices, sizes = (np.array(column) for column in zip(*rows, strict=True))
    by_exchange = np.argsort(exchange_ms, kind="stable")
    by_local = np.argsort(local_ms, kind="stable")
    events = np.zeros(len(rows), EVENT)
    events["ev"] = flags.astype(np.uint64)
    events["exch_ts"], events["local_ts"] = exchange_ms * NS_PER_MS, local_ms * NS_PER_MS
    events["px"], events["qty"] = prices, sizes
    return _merged(events, by_exchange, by_local)


def _merged(events: NDArray[np.void], by_exchange: NDArray[np.intp], by_local: NDArray[np.intp]) -> NDArray[np.void]:
    """Where both orders agree an event is one row that holds for both clocks; elsewhere each clock has its own row."""
    exchange, local = np.uint64(1 << 31), np.uint64(1 << 30)
    found: list[NDArray[np.void]] = []
    first = second = 0
    while first < len(events) or second < len(events):
        if first < len(events) and second < len(events) and by_exchange[first] == by_local[second]:
            row, flag = events[by_exchange[first]].copy(), exchange | local
            first, second = first + 1, second + 1
        elif second >= len(events) or (
            first < len(events) and events["exch_ts"][by_exchange[first]] <= events["local_ts"][by_local[second]]
        ):
            row, flag = events[by_exchange[first]].copy(), exchange
            first += 1
        else:
            row, flag = events[by_local[second]].copy(), local
            second += 1
        row["ev"] |= flag
        found.append(row)
    return np.array(found, EVENT)
