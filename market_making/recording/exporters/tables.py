"""Recordings as one file a stream: parquet or CSV, every row once, in the order of time."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet

from market_making.market.errors import NotEnoughData
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

FORMATS = ("parquet", "csv")


def export_tables(store: TickStore, coin: str, start_ms: int, end_ms: int, out: Path, kind: str) -> Iterator[Path]:
    """Write the rows of (`start_ms`, `end_ms`] of each stream to ``<out>/<COIN>-<stream>.<kind>``.

    Parameters
    ----------
    store : TickStore
        Where they are recorded.
    coin : str
        Name of the folder.
    start_ms, end_ms : int
        Window [ms].
    out : Path
        Folder; made if it is missing.
    kind : str
        One of `FORMATS`.

    Yields
    ------
    Path
        Each file that was written; a stream without a row has none.

    Raises
    ------
    NotEnoughData
        If no stream has a row.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = 0
    for stream in Stream:
        table = store.read(coin, stream, start_ms, end_ms)
        if len(table) == 0:
            continue
        path = out / f"{coin}-{stream.value}.{kind}"
        if kind == "csv":
            pyarrow.csv.write_csv(table, path)
        else:
            pyarrow.parquet.write_table(table, path, compression="zstd")
        written += 1
        yield path
    if not written:
        raise NotEnoughData(f"0 rows of {coin} in the window, need 1")
