"""Freqtrade's candles from recorded ticks, for coins and times the exchange no longer serves.

Written as Freqtrade's feather files: ``futures/ETH_USDC_USDC-1m-futures.feather`` with the columns date, open, high,
low, close, volume, and ``…-1h-funding_rate.feather`` with date and funding_rate. An interval without a trade repeats
the close before, with no volume; an interval that lies within a gap is left out, and Freqtrade fills it as it does
any other hole.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import feather

from market.errors import NotEnoughData
from market.store.tick_store import TickStore
from market.streams import Stream
from market.tape import FloatArray, IntArray, Tape

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
TIMEFRAMES_MS = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": HOUR_MS}
DATE = pa.timestamp("ms", tz="UTC")


class Candles(NamedTuple):
    """Candles of one coin, ascending; `open_ms` is the time at which each begins, `volume` is in coins."""

    open_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray


class CandleFile(NamedTuple):
    """A file that was written."""

    path: Path
    candles: int


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
    """Write Freqtrade's files of everything recorded of a coin.

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
    """
    futures = folder / "futures"
    name = f"{coin}_{quote_currency}_{quote_currency}"
    wanted = list(dict.fromkeys((*timeframes, "1h")))
    by_day = [[candles(tape, TIMEFRAMES_MS[timeframe]) for timeframe in wanted] for tape in _days(store, coin)]
    files = []
    for timeframe, parts in zip(wanted, zip(*by_day, strict=True), strict=True):
        table = _table(parts)
        if not len(table):
            raise NotEnoughData(f"no trade of {coin} in {store.root}; candles need at least one")
        files.append(write_file(futures / f"{name}-{timeframe}-futures.feather", table))
    return [*files, write_file(futures / f"{name}-1h-funding_rate.feather", _funding(store, coin))]


def _days(store: TickStore, coin: str) -> Iterator[Tape]:
    """Tapes of the recorded days, each from midnight to midnight."""
    start_ms, end_ms = store.extent(coin)
    for day in range(start_ms // DAY_MS, end_ms // DAY_MS + 1):
        yield store.tape(coin, day * DAY_MS - 1, (day + 1) * DAY_MS - 1)


def _table(parts: Sequence[Candles]) -> pa.Table:
    opened = dates(np.concatenate([part.open_ms for part in parts]))
    columns = [np.concatenate(column) for column in zip(*map(_values, parts), strict=True)]
    return pa.table([opened, *columns], names=["date", *Candles._fields[1:]])


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
    before = np.searchsorted(gaps[:, 0], complete.open_ms + period_ms, side="left")
    touched = np.append(-1, np.maximum.accumulate(gaps[:, 1]))[before] > complete.open_ms
    keep = ~touched | (complete.volume > 0)
    return Candles(complete.open_ms[keep], *(column[keep] for column in _values(complete)))


def _values(some: Candles) -> tuple[FloatArray, ...]:
    """Prices and volumes, in the order of the columns."""
    return some.open, some.high, some.low, some.close, some.volume


def _funding(store: TickStore, coin: str) -> pa.Table:
    """The last funding rate published in each hour, at the hour's end, when it is paid."""
    start_ms, end_ms = store.extent(coin)
    contexts = store.read(coin, Stream.CONTEXT, start_ms - HOUR_MS, end_ms, columns=("exchange_ms", "funding"))
    contexts = contexts.drop_null()
    hour = contexts["exchange_ms"].to_numpy() // HOUR_MS
    last = np.flatnonzero(np.append(np.diff(hour) > 0, True))[: len(hour)]
    rate = contexts["funding"].to_numpy()[last]
    return pa.table({"date": dates((hour[last] + 1) * HOUR_MS), "funding_rate": rate})


def dates(time_ms: IntArray) -> pa.Array:
    """Times as Freqtrade writes them."""
    return pa.array(time_ms, pa.int64()).cast(pa.timestamp("ms")).cast(DATE)


def write_file(path: Path, table: pa.Table) -> CandleFile:
    """Write a feather file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    feather.write_feather(table, str(temporary), compression="lz4")
    temporary.replace(path)
    return CandleFile(path, len(table))
