"""One hour of a recording as the rows of a tape, from what is known of the book before it."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_making.market.errors import MalformedMessage
from market_making.market.sides import Side, Sides
from market_making.market.tape import FloatArray, IntArray
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import BOOK_LEVELS, FAST_BOOK_LEVELS, Stream
from market_making.replay.result import Touch
from market_making.replay.tape.events import DEPTH, TRADE, EventArray, decimals_of, events_of
from market_making.replay.tape.footprint import Footprint, without_own
from market_making.replay.tape.fusing import BookRows, fused
from market_making.replay.tape.levels import NOTHING_KNOWN, Levels, changes_of
from market_making.replay.tape.sessions import Span

LOOK_BACK_MS = 60_000  # the slow book may be that old
_LEVELS = {Stream.BBO: 1, Stream.BOOK: BOOK_LEVELS, Stream.BOOK_FAST: FAST_BOOK_LEVELS}
_NAMES = ("bid_price", "bid_size", "ask_price", "ask_size")
_OFF_GRID = 1e-6  # of a tick


class HourTape(NamedTuple):
    """Rows of an hour, its touch, what is known of the book after it, and since when the session lasts [ms]."""

    rows: EventArray
    touch: Touch
    known: Sides[Levels]
    since_ms: int


NOTHING: Sides[Levels] = Sides(NOTHING_KNOWN, NOTHING_KNOWN)


def hour_tape(
    store: TickStore, coin: str, span: Span, *, tick: float, own: Footprint, before: HourTape | None
) -> HourTape:
    """Rows of the span (`start_ms`, `end_ms`].

    Parameters
    ----------
    store : TickStore
        The recording.
    coin : str
        The venue's name.
    span : Span
        At most an hour, without a gap.
    tick : float
        Step of all prices [price].
    own : Footprint
        The bot's own orders, which are taken out.
    before : HourTape or None
        The hour before, if it belongs to the same session; else the first row is the first whole book, and prints
        before it are left out.

    Raises
    ------
    MalformedMessage
        If prices are not whole ticks.
    """
    begin = span.start_ms - 1 if before is None else max(span.start_ms - LOOK_BACK_MS, before.since_ms - 1)
    own = own.within(begin, span.end_ms)
    books = {stream: without_own(_books(store, coin, stream, begin, span.end_ms), own) for stream in _LEVELS}
    stamps = np.unique(np.concatenate([rows.time_ms for rows in books.values()]))
    stamps = stamps[stamps > span.start_ms - (before is None)]
    known = NOTHING if before is None else before.known
    columns = (books[Stream.BBO], books[Stream.BOOK], books[Stream.BOOK_FAST])
    parts, after, best = [], [], []
    for side, sign in zip(Side, (-1, 1), strict=True):
        levels = fused(side, stamps, *columns)
        ticks = _whole_ticks(levels.price, tick, coin)
        changes, left = changes_of(sign, ticks, levels.size, known.of(side))
        is_bid = np.full(len(changes.stamp), side is Side.BID)
        price = _prices(changes.tick, tick)
        parts.append(events_of(DEPTH, stamps[changes.stamp], is_bid, price, changes.size))
        after.append(left)
        best.append(_best(side, levels.price))
    first_ms = stamps[0] if before is None and len(stamps) else span.start_ms
    rows = np.concatenate([_trades(store, coin, Span(int(first_ms), span.end_ms)), *parts])
    _require_sound(rows, coin)
    touch = _touch(stamps, *best)
    return HourTape(_in_order(rows), touch, Sides(*after), span.start_ms if before is None else before.since_ms)


def _best(side: Side, price: FloatArray) -> FloatArray:
    """Best price of each book, infinitely bad where the side is empty, shape (n,)."""
    if side is Side.BID:
        return np.asarray(np.max(np.where(np.isnan(price), -np.inf, price), axis=1), dtype=np.float64)
    return np.asarray(np.min(np.where(np.isnan(price), np.inf, price), axis=1), dtype=np.float64)


def _touch(stamps: IntArray, bid: FloatArray, ask: FloatArray) -> Touch:
    """Best prices where they change; a book with an empty side has no mid and changes nothing."""
    whole = np.isfinite(bid) & np.isfinite(ask)
    stamps, bid, ask = stamps[whole], bid[whole], ask[whole]
    changed = np.append(True, (np.diff(bid) != 0) | (np.diff(ask) != 0))[: len(stamps)]
    return Touch(stamps[changed], bid[changed], ask[changed])


def _in_order(rows: EventArray) -> EventArray:
    """By time; at equal stamps trades, then levels that vanish, then levels that appear."""
    kind = np.where(rows["ev"] & TRADE > 0, 0, np.where(rows["qty"] == 0, 1, 2))
    ordered: EventArray = rows[np.lexsort((kind, rows["exch_ts"]))]
    return ordered


def _require_sound(rows: EventArray, coin: str) -> None:
    wrong = ~((rows["px"] > 0) & (rows["px"] < np.inf) & (rows["qty"] >= 0) & (rows["qty"] < np.inf))
    if wrong.any():
        row = rows[wrong][0]
        raise MalformedMessage(
            f"a row of {coin} must have a positive price and a size, got {row['qty']} at {row['px']}"
        )


def _whole_ticks(price: FloatArray, tick: float, coin: str) -> FloatArray:
    ticks: FloatArray = np.rint(price / tick)
    wrong = np.abs(price / tick - ticks) > _OFF_GRID * np.maximum(ticks, 1) ** 0.5
    if wrong.any():
        raise MalformedMessage(f"prices of {coin} must be multiples of {tick:g}, got {price[wrong][0]!r}")
    return ticks


def _prices(ticks: IntArray, tick: float) -> FloatArray:
    """Prices of whole ticks as their shortest decimal text has them: 33366 ticks of 0.1 are 3336.6."""
    return np.asarray(np.round(ticks * tick, decimals_of(tick)), dtype=np.float64)


def _books(store: TickStore, coin: str, stream: Stream, begin: int, end: int) -> BookRows:
    levels = _LEVELS[stream]
    suffixes = [""] if stream is Stream.BBO else [f"_{level}" for level in range(levels)]
    names = [f"{name}{suffix}" for suffix in suffixes for name in _NAMES]
    table = store.read(coin, stream, begin, end, columns=("exchange_ms", *names))
    columns = np.column_stack([_floats(table[name]) for name in names])
    return BookRows.of(_integers(table["exchange_ms"]), columns)


def _trades(store: TickStore, coin: str, span: Span) -> EventArray:
    """Prints of (`start_ms`, `end_ms`]; the back-log that a subscription begins with is none of this time."""
    names = ("exchange_ms", "side", "price", "size", "replayed")
    table = store.read(coin, Stream.TRADES, *span, columns=names)
    table = table.filter(pc.invert(pc.fill_null(table["replayed"], False)))
    is_buy = pc.equal(table["side"], "buy").to_numpy()
    time_ms, price, size = _integers(table["exchange_ms"]), _floats(table["price"]), _floats(table["size"])
    return events_of(TRADE, time_ms, np.asarray(is_buy, dtype=np.bool_), price, size)


def _integers(column: pa.ChunkedArray) -> IntArray:
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _floats(column: pa.ChunkedArray) -> FloatArray:
    """Values of a column, NaN where null."""
    return np.asarray(column.to_numpy(), dtype=np.float64)
