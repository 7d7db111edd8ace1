"""Freqtrade's candles from recorded ticks, for coins and times the exchange no longer serves.

Written as Freqtrade's feather files: ``futures/ETH_USDC_USDC-1m-futures.feather`` with the columns date, open, high,
low, close, volume, and ``…-1h-funding_rate.feather`` with date and funding_rate. An interval without a trade repeats
the close before, with no volume; an interval that lies within a gap is left out, and Freqtrade fills it as it does
any other hole. A file that exists is added to: nothing that it holds and that was not recorded is lost.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather

from market_making.market.durable_file import write_durably
from market_making.market.errors import MalformedMessage, NotEnoughData
from market_making.market.names import candle_stem, perpetual_names
from market_making.market.tape import FloatArray, IntArray, Tape
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
TIMEFRAMES_MS = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": HOUR_MS}
DATE = pa.timestamp("ms", tz="UTC")
_LAST_RATE_MS = 60_000  # a rate that was published longer before the hour's end need not be the one that was paid


class Candles(NamedTuple):
    """Candles of one coin, ascending; `open_ms` is the time at which each begins, `volume` is in coins."""

    open_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray


class Rows(NamedTuple):
    """Candles or funding rates for a file; `partial` tells which were not seen from beginning to end."""

    path: Path
    period_ms: int
    table: pa.Table
    partial: NDArray[np.bool_]


class CandleFile(NamedTuple):
    """A file that was written: how many rows it holds now, and how many it held before."""

    path: Path
    candles: int
    before: int


def candles(tape: Tape, period_ms: int) -> Candles:
    """Candles of the trades of a tape.

    Parameters
    ----------
    tape : Tape
        Trades and gaps.
    period_ms : int
        Length of a candle [ms].

    Returns
    -------
    Candles
        One for each interval from that of the first to that of the last trade, but for those within a gap.
    """
    trades = tape.trades
    if not len(trades.time_ms):
        return Candles(np.empty(0, dtype=np.int64), *(np.empty(0) for _ in range(5)))
    interval = trades.time_ms // period_ms
    starts = np.flatnonzero(np.append(True, np.diff(interval) > 0))
    traded = Candles(
        open_ms=interval[starts] * period_ms,
        open=trades.price[starts],
        high=np.maximum.reduceat(trades.price, starts),
        low=np.minimum.reduceat(trades.price, starts),
        close=trades.price[np.append(starts[1:], len(interval)) - 1],
        volume=np.add.reduceat(trades.size, starts),
    )
    return _without_gaps(_with_quiet_intervals(traded, period_ms), tape.gaps, period_ms)


def write_candles(
    store: TickStore,
    coin: str,
    folder: Path,
    *,
    quote_currency: str = "USDC",
    timeframes: Sequence[str] = ("1m", "5m"),
) -> list[CandleFile]:
    """Add everything recorded of a coin to Freqtrade's files.

    Parameters
    ----------
    store : TickStore
        Where the ticks are.
    coin : str
        The venue's name.
    folder : Path
        Freqtrade's data folder of the exchange, ``user_data/data/hyperliquid``.
    quote_currency : str
        The currency in which the coin is quoted and settled.
    timeframes : sequence of str
        From `TIMEFRAMES_MS`; the hour is always written, because Freqtrade takes mark prices from it.

    Raises
    ------
    NotEnoughData
        If no trade is recorded.
    MalformedMessage
        If an existing file does not hold candles.
    """
    start = folder / "futures" / candle_stem(perpetual_names(coin, quote_currency).pair)
    wanted = list(dict.fromkeys((*timeframes, "1h")))
    extent = store.extent(coin)
    by_day = [[_seen(tape, TIMEFRAMES_MS[name], extent) for name in wanted] for tape in _days(store, coin)]
    files = []
    for timeframe, parts in zip(wanted, zip(*by_day, strict=True), strict=True):
        made, partial = zip(*parts, strict=True)
        table = candle_table(Candles(*map(np.concatenate, zip(*made, strict=True))))
        if not len(table):
            raise NotEnoughData(f"no trade of {coin} in {store.root}; candles need at least one")
        path = start.with_name(f"{start.name}-{timeframe}-futures.feather")
        files.append(Rows(path, TIMEFRAMES_MS[timeframe], table, np.concatenate(partial)))
    return write_files([*files, _funding(store, coin, start.with_name(f"{start.name}-1h-funding_rate.feather"))])


def _days(store: TickStore, coin: str) -> Iterator[Tape]:
    """Tapes of the recorded days, each from midnight to midnight."""
    start_ms, end_ms = store.extent(coin)
    for day in range(start_ms // DAY_MS, end_ms // DAY_MS + 1):
        yield store.tape(coin, day * DAY_MS - 1, (day + 1) * DAY_MS - 1)


def _seen(tape: Tape, period_ms: int, extent: tuple[int, int]) -> tuple[Candles, NDArray[np.bool_]]:
    """Candles of a tape, and which of them hold a gap or reach beyond the first or the last recorded event."""
    made = candles(tape, period_ms)
    start_ms, end_ms = extent
    beyond = (made.open_ms < start_ms) | (made.open_ms + period_ms > end_ms)
    return made, beyond | _touched(made.open_ms, tape.gaps, period_ms)


def _with_quiet_intervals(traded: Candles, period_ms: int) -> Candles:
    """Add a flat candle for each interval in which nothing was traded."""
    open_ms = np.arange(traded.open_ms[0], traded.open_ms[-1] + period_ms, period_ms)
    last = np.searchsorted(traded.open_ms, open_ms, side="right") - 1
    quiet = traded.open_ms[last] != open_ms
    flat = traded.close[last]
    return Candles(
        open_ms,
        open=np.where(quiet, flat, traded.open[last]),
        high=np.where(quiet, flat, traded.high[last]),
        low=np.where(quiet, flat, traded.low[last]),
        close=flat,
        volume=np.where(quiet, 0.0, traded.volume[last]),
    )


def _without_gaps(complete: Candles, gaps: IntArray, period_ms: int) -> Candles:
    """Leave out flat candles of which some part is not known."""
    keep = ~_touched(complete.open_ms, gaps, period_ms) | (complete.volume > 0)
    return Candles(complete.open_ms[keep], *(column[keep] for column in _values(complete)))


def _touched(open_ms: IntArray, gaps: IntArray, period_ms: int) -> NDArray[np.bool_]:
    """Which candles hold a part of a gap."""
    before = np.searchsorted(gaps[:, 0], open_ms + period_ms, side="left")
    touched: NDArray[np.bool_] = np.append(-1, np.maximum.accumulate(gaps[:, 1]))[before] > open_ms
    return touched


def _values(some: Candles) -> tuple[FloatArray, ...]:
    """Prices and volumes, in the order of the columns."""
    return some.open, some.high, some.low, some.close, some.volume


def _funding(store: TickStore, coin: str, path: Path) -> Rows:
    """The last funding rate published in each hour, at the hour's end, when it is paid."""
    start_ms, end_ms = store.extent(coin)
    contexts = store.read(coin, Stream.CONTEXT, start_ms - HOUR_MS, end_ms, columns=("exchange_ms", "funding"))
    contexts = contexts.drop_null()
    time_ms = contexts["exchange_ms"].to_numpy()
    hour = time_ms // HOUR_MS
    last = np.flatnonzero(np.append(np.diff(hour) > 0, True))[: len(hour)]
    paid_ms = (hour[last] + 1) * HOUR_MS
    partial = paid_ms - time_ms[last] > _LAST_RATE_MS
    return Rows(path, HOUR_MS, funding_table(paid_ms, contexts["funding"].to_numpy()[last]), partial)


def candle_table(some: Candles) -> pa.Table:
    """Candles as Freqtrade writes them."""
    return pa.table([_dates(some.open_ms), *_values(some)], names=["date", *Candles._fields[1:]])


def funding_table(paid_ms: IntArray, rate: FloatArray) -> pa.Table:
    """Funding rates as Freqtrade writes them."""
    return pa.table({"date": _dates(paid_ms), "funding_rate": rate})


def _dates(time_ms: IntArray) -> pa.Array:
    return pa.array(time_ms, pa.int64()).cast(pa.timestamp("ms")).cast(DATE)


def write_files(files: Sequence[Rows]) -> list[CandleFile]:
    """Add rows to feather files, each whole or not at all; every file is read before the first is replaced.

    Of two rows of one time the new one stays, unless it was seen in part only and the one in the file is whole.

    Raises
    ------
    MalformedMessage
        If a file exists that cannot be read or lacks a column.
    """
    present = [_present(rows) for rows in files]
    merged = [_merged(rows, before) for rows, before in zip(files, present, strict=True)]
    for rows, table, before in zip(files, merged, present, strict=True):
        if not rows.path.exists() or not table.equals(before):
            _write(rows.path, table)
    return [
        CandleFile(rows.path, len(table), len(before))
        for rows, table, before in zip(files, merged, present, strict=True)
    ]


def _present(rows: Rows) -> pa.Table:
    """What the file holds, in the columns of the new rows."""
    schema = rows.table.schema
    if not rows.path.exists():
        return schema.empty_table()
    try:
        table = feather.read_table(str(rows.path))
        columns = table.column_names
        # Freqtrade wrote funding rates in the columns of candles once, and reads them still.
        names = [name if name != "funding_rate" or name in columns else "open" for name in schema.names]
        table = pa.table([table[name].cast(kind) for name, kind in zip(names, schema.types, strict=True)], schema)
    except (pa.ArrowException, KeyError, OSError) as error:
        raise MalformedMessage(f"{rows.path} is there but cannot be added to, move it away: {error}") from None
    if table["date"].null_count:
        raise MalformedMessage(f"{rows.path} is there but cannot be added to, move it away: rows without a date")
    return table


def _merged(rows: Rows, present: pa.Table) -> pa.Table:
    """The rows of both by time, one of each."""
    old, new = (_slots(table, rows.period_ms) for table in (present, rows.table))
    _, here, there = np.intersect1d(old, new, return_indices=True)
    worse = rows.partial[there]
    if "volume" in present.column_names:
        # Which of two candles is whole is not written in either, but a part cannot have traded more than the whole.
        worse &= present["volume"].to_numpy()[here] > rows.table["volume"].to_numpy()[there]
    used = np.ones(len(new), dtype=bool)
    used[there[worse]] = False
    both = pa.concat_tables([present.filter(pa.array(~np.isin(old, new[used]))), rows.table.filter(pa.array(used))])
    return both.take(pa.array(np.argsort(both["date"].to_numpy(), kind="stable")))


def _slots(table: pa.Table, period_ms: int) -> IntArray:
    """Numbers of the periods; funding of other programs is dated some milliseconds after its hour."""
    time_ms: IntArray = table["date"].cast(pa.int64()).to_numpy()
    return np.rint(time_ms / period_ms).astype(np.int64)


def _write(path: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    feather.write_feather(table, sink, compression="lz4")
    write_durably(path, sink.getvalue())
