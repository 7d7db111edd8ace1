"""Reading half an hour of one coin out of thirty days, against pyarrow's own filter over the same files.

Usage: ``python benchmarks/store_window.py [DAYS]``. The last half hour is read as well, as it lies there while it is
recorded: in segments of five seconds, before and after the collector's compaction of settled minutes.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from market_making.recording.store.compaction import compact
from market_making.recording.store.segments import SegmentWriter, day_of
from market_making.recording.store.storage import LocalStorage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream

START_MS = 20_000 * 86_400_000
HOUR_MS = 3_600_000
QUOTES_PER_S = 4
WINDOW_MS = 1_800_000
FLUSH_MS = 5000
REPETITIONS = 7


def fill(root: Path, days: int) -> int:
    """A coin's best quotes, one segment an hour, the last half hour one every five seconds; gives the bytes."""
    random = np.random.default_rng(1)
    writer = SegmentWriter(root, "hyperliquid", "ETH")
    last_ms = START_MS + days * 24 * HOUR_MS - WINDOW_MS
    for start_ms in range(START_MS, last_ms, HOUR_MS):
        write(writer, random, start_ms, min(HOUR_MS, last_ms - start_ms))
    for start_ms in range(last_ms, last_ms + WINDOW_MS, FLUSH_MS):
        write(writer, random, start_ms, FLUSH_MS)
    return sum(path.stat().st_size for path in root.rglob("*.parquet"))


def write(writer: SegmentWriter, random: np.random.Generator, start_ms: int, length_ms: int) -> None:
    """One segment."""
    rows = length_ms // 1000 * QUOTES_PER_S
    times = start_ms + np.sort(random.integers(0, length_ms, rows))
    bid = np.round(3000 + np.cumsum(random.normal(0, 0.1, rows)), 1)
    sizes = np.round(random.exponential(10, (2, rows)), 4)
    columns = [times, times + 300, bid, sizes[0], bid + 0.1, sizes[1]]
    writer.write(Stream.BBO, pa.table(columns, names=SCHEMAS[Stream.BBO].names))


def settle(root: Path, now_ms: int) -> None:
    """What the collector's compaction has done by now."""
    compact(LocalStorage(root), "hyperliquid", now_ms=now_ms)
    for path in root.rglob("*.parquet"):
        os.utime(path, ns=(0, 0))
    compact(LocalStorage(root), "hyperliquid", now_ms=now_ms)


def bytes_read() -> int:
    """What this process has read from files so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


def measure(read: Callable[[], Any]) -> tuple[float, float, int]:
    """Seconds, megabytes and rows of a read."""
    before = bytes_read()
    start = time.perf_counter()
    rows = len(read())
    return time.perf_counter() - start, (bytes_read() - before) / 1e6, rows


def latest(root: Path, end_ms: int) -> dict[str, tuple[float, float, int]]:
    """First reads of the last half hour by new stores, and the next read fifteen seconds later; medians."""
    first: list[tuple[float, float, int]] = []
    later: list[tuple[float, float, int]] = []
    for _ in range(REPETITIONS):
        store = TickStore(root)
        for results, start_ms in ((first, end_ms - WINDOW_MS), (later, end_ms - WINDOW_MS + 15_000)):
            results.append(measure(partial(store.read, "ETH", Stream.BBO, start_ms, end_ms)))
    files = len(list(root.rglob(f"{day_of(end_ms - 1)}/*.parquet")))
    middle = REPETITIONS // 2
    return {f"latest, {files} files": sorted(first)[middle], "  15 s later": sorted(later)[middle]}


def main(days: int) -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        total = fill(root, days) / 1e6
        end_ms = START_MS + days * 12 * HOUR_MS
        start_ms = end_ms - WINDOW_MS
        filters = [("exchange_ms", ">", start_ms), ("exchange_ms", "<=", end_ms)]
        store = TickStore(root)
        results = [
            ("pyarrow, filtered", measure(lambda: pq.read_table(root / "hyperliquid" / "ETH", filters=filters))),
            ("store, first read", measure(lambda: store.read("ETH", Stream.BBO, start_ms, end_ms))),
            ("store, 15 s later", measure(lambda: store.read("ETH", Stream.BBO, start_ms + 15_000, end_ms + 15_000))),
        ]
        last_ms = START_MS + days * 24 * HOUR_MS
        results += latest(root, last_ms).items()
        settle(root, last_ms)
        results += latest(root, last_ms).items()
    baseline = results[0][1]
    print(f"{days} days, {total:.0f} MB, window of {WINDOW_MS / 60_000:.0f} minutes")
    for name, (seconds, megabytes, rows) in results:
        print(
            f"{name:20s} {seconds * 1e3:8.1f} ms  {megabytes:7.2f} MB read  {rows} rows  "
            f"{baseline[0] / seconds:6.1f} x as fast"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
