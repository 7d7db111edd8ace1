"""Every published calibration, one row each, for backtests that must not look ahead.

``<parameters>/history/<COIN>/<YYYY-MM-DD>-<created_ms>[-<rows>].parquet``: small segments as they come, merged into one
file per day once there are many. A row may be in a segment and in the merged file for a moment; `created_ms` tells.

The columns of `SINCE_1_1` came with schema 1.1, and so on. In rows of an older file, and in rows
that were guessed from candles, they are null; whoever computes with them takes the slope θ and the funding rate as 0
there, as `row_flow` does.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from calibration.publication.document import PublishedEstimate
from calibration.publication.parameters import Parameters
from market_making.market.errors import MalformedMessage, NotEnoughData
from market_making.market.sides import Direction, Directions
from market_making.quoting.order_flow import OrderFlow
from market_making.recording.store.storage import LocalStorage

FOLDER = "history"
VERSION = "1.3"
MARKET = ("exposure_s", "mid", "half_spread", "volatility")
FLOW = ("arrival_rate", "fill_decay", "fill_intensity", "adverse_selection", "adverse_selection_on_fill")
ON_FILL = "adverse_selection_on_fill"
SLOPE = "adverse_selection_slope"
ACTIVITY = ("activity", "activity_low", "activity_high")
AGE_COST = ("age_cost", "age_cost_low", "age_cost_high")
IMBALANCE = ("imbalance", "imbalance_low", "imbalance_high")
ANCHOR_GAIN = ("anchor_gain", "anchor_gain_low", "anchor_gain_high")
RESPONSE = "imbalance_response"
SEGMENTS_A_DAY = 24
ROWS_KEPT = 240  # of a coin, while they cannot be written: an hour
_ATTEMPTS = 5


def _estimate(name: str) -> list[pa.Field]:
    """Columns of one estimate."""
    fields = [pa.field(f"{name}{suffix}", pa.float64()) for suffix in ("", "_low", "_high")]
    return [*fields, pa.field(f"{name}_n", pa.int64())]


SCHEMA_1_0 = pa.schema(
    [
        pa.field("created_ms", pa.int64()),
        pa.field("window_end_ms", pa.int64()),
        *(pa.field(name, pa.float64()) for name in MARKET),
        *(field for side in Direction for name in FLOW for field in _estimate(f"{name}_{side}")),
        pa.field("status", pa.string()),
    ]
)
SINCE_1_1 = pa.schema(
    [
        *(field for side in Direction for field in _estimate(f"{SLOPE}_{side}")),
        *(pa.field(name, pa.float64()) for name in ("funding_rate", "tick", "lot", "maker_fee")),
        *(pa.field(name, pa.string()) for name in ("regime", "flags", "calibration_id")),
    ]
)
SINCE_1_2 = pa.schema([pa.field(name, pa.float64()) for name in (*ACTIVITY, *AGE_COST)])
SINCE_1_3 = pa.schema([pa.field(name, pa.float64()) for name in (*IMBALANCE, *ANCHOR_GAIN, RESPONSE)])
SCHEMA = pa.schema([*SCHEMA_1_0, *SINCE_1_1, *SINCE_1_2, *SINCE_1_3])


def history_row(parameters: Parameters) -> dict[str, Any]:
    """Values of `SCHEMA` of one published calibration; `flags` are separated by spaces."""
    market, quality = parameters.market, parameters.quality
    row: dict[str, Any] = {
        "created_ms": parameters.created_ms,
        "window_end_ms": parameters.window.end_ms,
        "exposure_s": parameters.window.exposure_s,
        "mid": market.mid,
        "half_spread": market.half_spread,
        "volatility": market.volatility,
        "status": quality.status,
        "funding_rate": market.funding_rate,
        "tick": market.tick,
        "lot": market.lot,
        "maker_fee": parameters.model.maker_fee,
        "regime": parameters.regime.state,
        "flags": " ".join(quality.flags),
        "calibration_id": parameters.calibration_id,
    }
    row |= _interval(ACTIVITY, market.activity)
    if parameters.shadow is not None:
        row |= _interval(AGE_COST, parameters.shadow.age_cost)
    if parameters.fair_value is not None:
        anchor = parameters.fair_value
        row |= {RESPONSE: anchor.response}
        row |= _interval(IMBALANCE, anchor.imbalance) | _interval(ANCHOR_GAIN, anchor.gain_per_fill)
    for side, flow in zip(Direction, (parameters.buy, parameters.sell), strict=True):
        for name in (*FLOW, SLOPE):
            estimate = getattr(flow, name)
            start = f"{name}_{side}"
            row[start], row[f"{start}_low"], row[f"{start}_high"] = estimate.value, estimate.low, estimate.high
            row[f"{start}_n"] = estimate.n
    return row


def _interval(names: tuple[str, ...], estimate: PublishedEstimate | None) -> dict[str, float]:
    """Values of three columns; none where there is no estimate."""
    return {} if estimate is None else dict(zip(names, (estimate.value, estimate.low, estimate.high), strict=True))


class HistoryWriter:
    """Appends rows of one coin; nothing is on disk before `flush`.

    Parameters
    ----------
    parameters : Path
        Folder of the parameter files.
    coin : str
        The venue's name.
    rows_per_segment : int
        After how many rows a segment is written.
    offset : int
        How many rows fewer the first segment has.
    """

    def __init__(self, parameters: Path, coin: str, rows_per_segment: int = 4, offset: int = 0) -> None:
        self._storage = LocalStorage(parameters / FOLDER / coin)
        self._rows_per_segment = rows_per_segment
        self._due = rows_per_segment - offset
        self._rows: list[dict[str, Any]] = []
        self._segments: dict[str, int] = {}

    def append(self, parameters: Parameters) -> None:
        """Take what was published; write when there is enough.

        Raises
        ------
        OSError
            If they cannot be written; they are kept for the next time, the last `ROWS_KEPT` of them.
        """
        self._rows.append(history_row(parameters))
        if len(self._rows) > max(ROWS_KEPT, self._rows_per_segment):
            del self._rows[0]
        if len(self._rows) >= self._due:
            self.flush()
            self._due = self._rows_per_segment

    def flush(self) -> None:
        """Write the rows in memory, one segment per day."""
        days: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self._rows:
            days[_day(row["created_ms"])].append(row)
        for day, rows in days.items():
            if day not in self._segments:
                self._segments[day] = len(self._files(day))
            self._storage.publish(f"{day}-{rows[0]['created_ms']}.parquet", _segment(rows))
            self._segments[day] += 1
        self._rows.clear()

    def merge(self) -> None:
        """Merge the segments of each day that has many; this takes longer than to write one."""
        for day, count in self._segments.items():
            if count > SEGMENTS_A_DAY:
                self._merge(day)
                self._segments[day] = 1

    def _merge(self, day: str) -> None:
        """Merge the segments of a day; the name is new, so that two writers never replace each other's rows."""
        segments = self._files(day)
        try:
            table = _unique(pa.concat_tables([_read(self._storage.root / name) for name in segments]))
        except FileNotFoundError:  # another writer is merging them
            return
        merged = f"{day}-{table['created_ms'][0]}-{table.num_rows}.parquet"
        self._storage.publish(merged, _encoded(table, compression="zstd"))
        for name in segments:
            if name != merged:
                self._storage.delete(name)

    def _files(self, day: str) -> list[str]:
        return [name for name in self._storage.files("") if name.startswith(day) and name.endswith(".parquet")]


@dataclass(frozen=True, eq=False)
class History:
    """Calibrations of one coin, ascending in `created_ms`."""

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str, missing: float | None = None) -> np.ndarray[tuple[int, ...], np.dtype[Any]]:
        """Values of one column of `SCHEMA`; where an older row has none, `missing`, or else NaN or None."""
        values = self.table[name]
        return np.asarray((values if missing is None else values.fill_null(missing)).to_numpy())

    def as_of(self, time_ms: int) -> dict[str, Any]:
        """Return the newest row that was published at `time_ms` or before.

        Raises
        ------
        NotEnoughData
            If there is none.
        """
        position = int(np.searchsorted(self.column("created_ms"), time_ms, side="right")) - 1
        if position < 0:
            raise NotEnoughData(f"0 calibrations up to {time_ms} among {len(self)}, need 1")
        row: dict[str, Any] = self.table.slice(position, 1).to_pylist()[0]
        return row


def row_flow(row: dict[str, Any]) -> OrderFlow:
    """What the quoting models need of a row; what an older row does not know of is 0: θ, age cost, funding rate, β."""

    def both(name: str) -> Directions[float]:
        return Directions(buy=row[f"{name}_buy"], sell=row[f"{name}_sell"])

    flows = {name: both(name) for name in FLOW}
    age = row.get("age_cost") or 0.0
    return OrderFlow(
        **flows | {ON_FILL: flows[ON_FILL].map(lambda impact: impact + age)},
        adverse_selection_slope=both(SLOPE).map(lambda slope: slope or 0.0),
        volatility=row["volatility"],
        half_spread=row["half_spread"],
        funding_rate=row["funding_rate"] or 0.0,
        imbalance_response=row.get(RESPONSE) or 0.0,
    )


def read_history(parameters: Path, coin: str, start_ms: int, end_ms: int) -> History:
    """Read the calibrations of one coin created from `start_ms` to `end_ms`, both included.

    Raises
    ------
    MalformedMessage
        If a file is not a segment of a history.
    """
    folder = parameters / FOLDER / coin
    first, last = _day(start_ms), _day(end_ms)
    for attempt in range(_ATTEMPTS):
        files = sorted(path for path in folder.glob("????-??-??*.parquet") if first <= path.name[:10] <= last)
        try:
            tables = [_read(path) for path in files]
            break
        except FileNotFoundError:  # merged into another file since it was listed
            if attempt == _ATTEMPTS - 1:
                raise MalformedMessage(f"files of {folder} vanished {_ATTEMPTS} times while they were read") from None
    table = _unique(pa.concat_tables([SCHEMA.empty_table(), *tables]))
    created = table["created_ms"]
    inside = pc.and_(pc.greater_equal(created, start_ms), pc.less_equal(created, end_ms))
    return History(table.filter(inside).combine_chunks())


def _read(path: Path) -> pa.Table:
    """Rows of a file of this schema or an older one; columns of a later one are ignored."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            missing = [name for name in SCHEMA_1_0.names if name not in names]
            if missing:
                raise ValueError(f"it has no column {', '.join(missing)}")
            table = file.read([name for name in SCHEMA.names if name in names])
        return pa.table([_column(table, field) for field in SCHEMA], schema=SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise MalformedMessage(f"{path} is not a segment of a calibration history: {error}") from None


def _column(table: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    if field.name in table.column_names:
        return table[field.name].cast(field.type)
    return pa.nulls(len(table), field.type)


def _unique(table: pa.Table) -> pa.Table:
    """Rows ascending in `created_ms`, each once; of equal ones the last written."""
    created = table["created_ms"].to_numpy()
    order = np.argsort(created, kind="stable")
    keep = order[np.r_[created[order][1:] != created[order][:-1], True]] if len(order) else order
    return table.take(pa.array(keep, type=pa.int64()))


def _segment(rows: list[dict[str, Any]]) -> pa.Buffer:
    """A few rows as a file; what pays off for many rows would take longer than all the rest here."""
    return _encoded(pa.Table.from_pylist(rows, schema=SCHEMA), compression="none", use_dictionary=False)


def _encoded(table: pa.Table, **layout: Any) -> pa.Buffer:
    """A file of the history, which says its schema; the types of parquet say what Arrow's, half of a file, would."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, SCHEMA, store_schema=False, write_statistics=["created_ms"], **layout) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"schema": VERSION})
    return sink.getvalue()


def _day(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1e3, UTC).strftime("%Y-%m-%d")
