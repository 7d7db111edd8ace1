"""Files of candles: Freqtrade's feather files, and parquet files of the same candles from elsewhere.

Freqtrade names them ``futures/ETH_USDC_USDC-5m-futures.feather`` (spot: ``ETH_USDC-5m.feather``) with the columns date,
open, high, low, close, volume. Others have the opening time as ``ts`` in Unix milliseconds: ``ETH_5m-futures.parquet``.
Either is read, and refused with what was seen if it is not a file of candles.
"""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import feather

from market_making.market.errors import ConfigurationError, MalformedMessage, NotEnoughData
from market_making.market.names import candle_stem, perpetual_names
from market_making.market.tape import FloatArray, IntArray
from market_making.recording.candles.from_ticks import (
    HOUR_MS,
    TIMEFRAMES_MS,
    CandleFile,
    Candles,
    Rows,
    candle_table,
    funding_table,
    write_files,
)

PRICES = ("open", "high", "low", "close")
_LEAST_FILLED = 0.01  # of the time from the first candle to the last


def find_candles(path: Path, coin: str, preferred: str | None = None) -> Path:
    """Return the candle file of a coin: `path` itself, or the one in that folder or in its ``futures``.

    Parameters
    ----------
    path : Path
        A file, or Freqtrade's data folder.
    coin : str
        The first part of the name.
    preferred : str, optional
        The timeframe to look for first, ``5m`` say; then the shortest there is.

    Raises
    ------
    ConfigurationError
        If there is no file, or more than one.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise ConfigurationError(f"there is no candle file or folder {path}")
    present = _files(path)
    wanted = sorted(TIMEFRAMES_MS, key=lambda name: (name != preferred, TIMEFRAMES_MS[name]))
    for choice in wanted:
        name = _name_of(coin, rf"{choice}(-futures)?")
        found = [file for file in present if name.fullmatch(file.name)]
        if len(found) > 1:
            raise ConfigurationError(
                f"several files could be the {choice} candles of {coin}: name one of {_names(found)}"
            )
        if found:
            return found[0]
    raise ConfigurationError(
        f"no candles of {coin} in {path}, such as {coin}_USDC_USDC-5m-futures.feather; "
        f"seen: {_names(present) or 'no feather or parquet file'}"
    )


def read_candles(path: Path) -> Candles:
    """Read a file of candles; where a candle is missing, it is missing.

    Raises
    ------
    MalformedMessage
        If it is not a file of candles: a column is missing, a price cannot be, times do not ascend.
    NotEnoughData
        If it holds less than two candles.
    """
    table = _table(path)
    stamp = _stamp(table)
    missing = [name for name in (stamp, *PRICES, "volume") if name not in table.column_names]
    if missing:
        seen = ", ".join(table.column_names)
        raise MalformedMessage(f"{path} has no column {', '.join(missing)}; its columns are {seen}")
    if len(table) < 2:
        raise NotEnoughData(f"{len(table)} candles in {path}, need 2")
    columns = (_values(table, name, path) for name in (*PRICES, "volume"))
    candles = Candles(_times_ms(table, stamp, path), *columns)
    _check(candles, path)
    return candles


def period_ms(candles: Candles, path: Path | str = "these candles") -> int:
    """Length of the candles: the smallest distance between two of them [ms].

    Raises
    ------
    MalformedMessage
        If candles lie between multiples of it, or nearly all of them are missing.
    """
    period = int(np.diff(candles.open_ms).min())
    since = candles.open_ms - candles.open_ms[0]
    astray = np.flatnonzero(since % period)
    if len(astray):
        raise MalformedMessage(
            f"{path}: candle {astray[0]} at {candles.open_ms[astray[0]]} ms is not a multiple of {period / 1e3:g} s "
            f"after the first at {candles.open_ms[0]} ms"
        )
    slots = int(since[-1]) // period + 1
    if len(candles.open_ms) < _LEAST_FILLED * slots:
        raise MalformedMessage(
            f"{path}: {len(candles.open_ms)} candles of {period / 1e3:g} s where there should be {slots}"
        )
    return period


def resample(candles: Candles, length_ms: int) -> Candles:
    """Join candles to longer ones, which begin at the multiples of `length_ms`."""
    interval = candles.open_ms // length_ms
    starts = np.flatnonzero(np.append(True, np.diff(interval) > 0))
    return Candles(
        interval[starts] * length_ms,
        open=candles.open[starts],
        high=np.maximum.reduceat(candles.high, starts),
        low=np.minimum.reduceat(candles.low, starts),
        close=candles.close[np.append(starts[1:], len(interval)) - 1],
        volume=np.add.reduceat(candles.volume, starts),
    )


def convert_candles(path: Path, coin: str, folder: Path, quote_currency: str = "USDC") -> list[CandleFile]:
    """Add to Freqtrade's files the candles of a coin from files in any form that `read_candles` reads.

    Every timeframe found is written, the hour in any case, because Freqtrade takes mark prices from it, and the funding
    rates beside them, or none.

    Parameters
    ----------
    path : Path
        A file of candles, or a folder of such files.
    coin : str
        The venue's name.
    folder : Path
        Freqtrade's data folder of the exchange, ``user_data/data/hyperliquid``.
    quote_currency : str
        The currency in which the coin is quoted and settled.
    """
    sources = [path] if path.is_file() else _timeframes(path, coin)
    read = [(candles, period_ms(candles, source)) for source in sources for candles in [read_candles(source)]]
    whole = {period: (candles, np.zeros(len(candles.open_ms), dtype=bool)) for candles, period in read}
    by_length = {HOUR_MS: _hours(read)} | whole
    names = {period: name for name, period in TIMEFRAMES_MS.items()}
    unknown = [period for period in by_length if period not in names]
    if unknown:
        raise MalformedMessage(f"{path}: candles of {unknown[0] / 1e3:g} s, must be one of {', '.join(TIMEFRAMES_MS)}")
    start = folder / "futures" / candle_stem(perpetual_names(coin, quote_currency).pair)
    files = []
    for period, (candles, partial) in sorted(by_length.items()):
        target = start.with_name(f"{start.name}-{names[period]}-futures.feather")
        files.append(Rows(target, period, candle_table(candles), partial))
    funding = _funding(path if path.is_dir() else path.parent, coin)
    target = start.with_name(f"{start.name}-1h-funding_rate.feather")
    return write_files([*files, Rows(target, HOUR_MS, funding, np.zeros(len(funding), dtype=bool))])


def _hours(read: list[tuple[Candles, int]]) -> tuple[Candles, NDArray[np.bool_]]:
    """Hours of the candles that cover the longest time, and of which a candle is missing."""
    longest, period = max(read, key=lambda one: int(one[0].open_ms[-1] - one[0].open_ms[0]))
    _, counts = np.unique(longest.open_ms // HOUR_MS, return_counts=True)
    return resample(longest, HOUR_MS), counts * period < HOUR_MS


def _files(path: Path) -> list[Path]:
    folders = [folder for folder in (path / "futures", path) if folder.is_dir()]
    return sorted(file for folder in folders for file in folder.iterdir() if file.suffix in (".feather", ".parquet"))


def _name_of(coin: str, rest: str) -> re.Pattern[str]:
    stem = candle_stem(perpetual_names(coin).pair)
    return re.compile(rf"({re.escape(coin)}(_\w+)?|{re.escape(stem)})[-_]{rest}\.(feather|parquet)")


def _timeframes(path: Path, coin: str) -> list[Path]:
    """One file of each timeframe there is, at least one."""
    found = {find_candles(path, coin)}
    present = [file.name for file in _files(path)]
    for timeframe in TIMEFRAMES_MS:
        if any(_name_of(coin, rf"{timeframe}(-futures)?").fullmatch(name) for name in present):
            found.add(find_candles(path, coin, timeframe))
    return sorted(found)


def _funding(path: Path, coin: str) -> pa.Table:
    """Funding rates of a coin, at full hours; without a file there are none."""
    name = _name_of(coin, "1h-funding_rate")
    found = [file for file in _files(path) if name.fullmatch(file.name)]
    if not found:
        return funding_table(np.empty(0, dtype=np.int64), np.empty(0))
    table = _table(found[0])
    time_ms = _times_ms(table, _stamp(table), found[0])
    rate = _values(table, "funding_rate" if "funding_rate" in table.column_names else "open", found[0])
    hours, first = np.unique(np.rint(time_ms / HOUR_MS).astype(np.int64), return_index=True)
    return funding_table(hours * HOUR_MS, rate[first])


def _stamp(table: pa.Table) -> str:
    return "ts" if "ts" in table.column_names and "date" not in table.column_names else "date"


def _table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, partitioning=None) if path.suffix == ".parquet" else feather.read_table(str(path))
    except FileNotFoundError:
        raise ConfigurationError(f"there is no file {path}") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise MalformedMessage(f"{path} is neither a feather nor a parquet file: {error}") from None


def _values(table: pa.Table, name: str, path: Path) -> FloatArray:
    try:
        return np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise MalformedMessage(f"{path}: column {name} holds no numbers: {error}") from None


def _times_ms(table: pa.Table, name: str, path: Path) -> IntArray:
    column = table[name]
    if column.null_count:
        raise MalformedMessage(f"{path}: {column.null_count} of {len(column)} values of {name} are missing")
    try:
        if pa.types.is_timestamp(column.type):
            column = pc.cast(column, pa.timestamp("ms", tz=column.type.tz))
        return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise MalformedMessage(f"{path}: column {name} holds no times: {error}") from None


def _check(candles: Candles, path: Path) -> None:
    low = np.minimum(candles.open, candles.close)
    high = np.maximum(candles.open, candles.close)
    faults = {
        "does not begin after the one before": np.append(False, np.diff(candles.open_ms) <= 0),
        "has a price that is not positive and finite": ~np.all(
            [(price > 0) & np.isfinite(price) for price in candles[1:5]], axis=0
        ),
        "has a low above or a high below its open or close": (candles.low > low) | (candles.high < high),
        "has a volume that is negative or no number": ~((candles.volume >= 0) & np.isfinite(candles.volume)),
    }
    for fault, where in faults.items():
        if where.any():
            first = int(where.argmax())
            seen = ", ".join(
                f"{name} {column[first]:.15g}" for name, column in zip(Candles._fields, candles, strict=True)
            )
            raise MalformedMessage(
                f"{path}: {np.count_nonzero(where)} of {len(where)} candles are impossible; the first, number {first}, "
                f"{fault}: {seen}"
            )


def _names(files: list[Path]) -> str:
    return ", ".join(file.name for file in files[:8]) + (" …" if len(files) > 8 else "")
