"""A calibration history guessed from candles, marked as such and never mixed with one from ticks.

The rows have the columns of `calibration.publication.history` and one more: `source` is ``prior`` and `flags` is
``source_candles`` in all of them; `status` is ``weak`` and no number rests on an observed order, so every ``_n`` is 0.
What candles say nothing about, such as the slope θ and the lot, is null.
The files are named ``<YYYY-MM-DD>-0-candles.parquet``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from calibration.candles.from_candles import CandleEstimates, estimate_from_candles
from calibration.estimators.estimate import EstimateSource
from calibration.publication.history import FLOW, FOLDER, SCHEMA
from market_making.market.clock import utc_text
from market_making.market.errors import ConfigurationError, NotEnoughData
from market_making.market.sides import Direction
from market_making.market.tape import IntArray
from market_making.recording.candles.files import period_ms as length_of
from market_making.recording.candles.from_ticks import DAY_MS, Candles
from market_making.recording.store.storage import LocalStorage

FLAG = "source_candles"
SUFFIX = "-0-candles.parquet"


class Written(NamedTuple):
    """Rows that were written, and the first and last of their times [ms]."""

    rows: int
    start_ms: int
    end_ms: int


def write_candle_history(
    candles: Candles,
    parameters: Path,
    coin: str,
    *,
    every_s: float | None = None,
    window_s: float | None = None,
    between_ms: tuple[int | None, int | None] = (None, None),
) -> Written:
    """Write the rows that were to be guessed at the close of each candle.

    Parameters
    ----------
    candles : Candles
        Ascending.
    parameters : Path
        Folder of the parameter files; a day that is written again is replaced.
    coin : str
        The venue's name.
    every_s : float, optional
        Rows are at the multiples of it [s]; at every close if not given.
    window_s : float, optional
        See `estimate_from_candles`.
    between_ms : tuple
        First and last time of a row [ms]; those of the candles where None.

    Raises
    ------
    ConfigurationError
        If a calibration from ticks is there for one of the days.
    NotEnoughData
        If there is no row.
    """
    times_ms = _times_ms(candles, every_s, between_ms)
    try:
        estimates = estimate_from_candles(candles, length_of(candles), times_ms, window_s)
    except NotEnoughData as error:
        raise NotEnoughData(f"{coin}: {error}") from None
    folder = parameters / FOLDER / coin
    days = list(_days(estimates))
    _refuse_ticks(folder, [day for day, _ in days])
    storage, table = LocalStorage(folder), history_table(estimates)
    for day, rows in days:
        sink = pa.BufferOutputStream()
        pq.write_table(table.slice(rows.start, rows.stop - rows.start), sink, compression="zstd")
        storage.publish(day + SUFFIX, sink.getvalue())
    return Written(len(table), int(estimates.time_ms[0]), int(estimates.time_ms[-1]))


def history_table(estimates: CandleEstimates) -> pa.Table:
    """Rows with the columns of a history, then `source`."""
    rows = len(estimates.time_ms)
    columns = {
        "created_ms": estimates.time_ms,
        "window_end_ms": estimates.known_ms,
        "exposure_s": estimates.exposure_s,
        "mid": estimates.mid,
        "half_spread": estimates.half_spread,
        "volatility": estimates.volatility,
        "status": ["weak"] * rows,
        "flags": [FLAG] * rows,
    }
    for side in Direction:
        for name in FLOW:
            value, low, high = estimates.flow[name]
            columns |= {f"{name}_{side}": value, f"{name}_{side}_low": low, f"{name}_{side}_high": high}
            columns[f"{name}_{side}_n"] = np.zeros(rows, dtype=np.int64)
    unknown = {field.name: pa.nulls(rows, field.type) for field in SCHEMA if field.name not in columns}
    columns = unknown | columns
    table = pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)
    return table.append_column("source", pa.array([EstimateSource.PRIOR.value] * rows))


def days_from_candles(parameters: Path, coin: str, period_ms: tuple[int, int]) -> list[str]:
    """Days of a period whose history is guessed from candles, ascending."""
    first, last = (utc_text(time_ms)[:10] for time_ms in period_ms)
    days = (path.name.removesuffix(SUFFIX) for path in (parameters / FOLDER / coin).glob(f"*{SUFFIX}"))
    return sorted(day for day in days if first <= day <= last)


def _times_ms(candles: Candles, every_s: float | None, between_ms: tuple[int | None, int | None]) -> IntArray:
    """Times of the rows: multiples of the step from the first close to the last.

    Raises
    ------
    NotEnoughData
        If no close lies between the bounds.
    """
    period = length_of(candles)
    step = period if every_s is None else round(every_s * 1e3)
    closes = (int(candles.open_ms[0]) + period, int(candles.open_ms[-1]) + period)
    start, end = (given if given is not None else own for given, own in zip(between_ms, closes, strict=True))
    first, last = max(start, closes[0]), min(end, closes[1])
    phase = closes[0] % period if step % period == 0 else 0  # candles may begin beside the multiples of their length
    times = np.arange(-(-(first - phase) // step) * step + phase, last + 1, step, dtype=np.int64)
    if not len(times):
        raise NotEnoughData(f"no candle closes {_span(start, end)}; they close {_span(*closes)}")
    return times


def _days(estimates: CandleEstimates) -> Iterator[tuple[str, slice]]:
    """Each day with the rows on it."""
    day = estimates.time_ms // DAY_MS
    starts = np.flatnonzero(np.append(True, np.diff(day) > 0)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(day)], strict=True):
        yield utc_text(int(estimates.time_ms[start]))[:10], slice(start, stop)


def _refuse_ticks(folder: Path, days: list[str]) -> None:
    for day in days:
        for path in folder.glob(f"{day}*.parquet"):
            if not path.name.endswith(SUFFIX):
                raise ConfigurationError(
                    f"{path} is a calibration from ticks; a guess from candles is not put beside it: give another --out"
                )


def _span(start_ms: int, end_ms: int) -> str:
    return f"between {utc_text(start_ms)} and {utc_text(end_ms)}"
