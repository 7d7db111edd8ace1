"""Reading half an hour of one coin out of thirty days, against pyarrow's own filter over the same files.

Usage: ``python benchmarks/store_window.py [DAYS]``.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from market.segments import SegmentWriter
from market.store import TickStore
from market.streams import SCHEMAS, Stream

START_MS = 20_000 * 86_400_000
HOUR_MS = 3_600_000
QUOTES_PER_S = 4
WINDOW_MS = 1_800_000


def fill(root: Path, days: int) -> int:
    """A coin's best quotes, one segment an hour, as compaction leaves them; gives the bytes."""
    random = np.random.default_rng(1)
    writer = SegmentWriter(root, "hyperliquid", "ETH")
    rows = 3600 * QUOTES_PER_S
    for hour in range(days * 24):
        times = START_MS + hour * HOUR_MS + np.sort(random.integers(0, HOUR_MS, rows))
        bid = np.round(3000 + np.cumsum(random.normal(0, 0.1, rows)), 1)
        sizes = np.round(random.exponential(10, (2, rows)), 4)
        columns = [times, times + 300, bid, sizes[0], bid + 0.1, sizes[1]]
        writer.write(Stream.BBO, pa.table(columns, names=SCHEMAS[Stream.BBO].names))
    return sum(path.stat().st_size for path in root.rglob("*.parquet"))


def bytes_read() -> int:
    """What this process has read from files so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


def measure(read: Callable[[], Any]) -> tuple[float, float, int]:
    """Seconds, megabytes and rows of a read."""
    before = bytes_read()
    start = time.perf_counter()
    rows = len(read())
    return time.perf_counter() - start, (bytes_read() - before) / 1e6, rows


def main(days: int) -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        total = fill(root, days) / 1e6
        end_ms = START_MS + days * 12 * HOUR_MS
        start_ms = end_ms - WINDOW_MS
        filters = [("exchange_ms", ">", start_ms), ("exchange_ms", "<=", end_ms)]
        store = TickStore(root)
        results = {
            "pyarrow, filtered": measure(lambda: pq.read_table(root / "hyperliquid" / "ETH", filters=filters)),
            "store, first read": measure(lambda: store.read("ETH", Stream.BBO, start_ms, end_ms)),
            "store, 15 s later": measure(lambda: store.read("ETH", Stream.BBO, start_ms + 15_000, end_ms + 15_000)),
        }
    baseline = results["pyarrow, filtered"]
    print(f"{days} days, {total:.0f} MB, window of {WINDOW_MS / 60_000:.0f} minutes")
    for name, (seconds, megabytes, rows) in results.items():
        print(
            f"{name:20s} {seconds * 1e3:8.1f} ms  {megabytes:7.2f} MB read  {rows} rows  "
            f"{baseline[0] / seconds:6.1f} x as fast"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
