"""How fast an archive of order books is imported, against decompressing and decoding its JSON alone.

Usage: ``python benchmarks/importer_rate.py [LINES]``. An hour of one coin was about 6600 lines in 2026.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

import orjson
import pyarrow as pa

from market_making.hyperliquid.market_data import book_fields
from market_making.market.events import BookSnapshot, Level
from market_making.recording.importers.hyperliquid_archive import import_hyperliquid_archive
from market_making.recording.importers.lines import SourceFile

START_MS = 1_775_001_612_017
LINES_PER_HOUR = 6600


def write_archive(path: Path, lines: int) -> None:
    """A file of the archive's form with books of 20 levels."""
    chance = random.Random(1)
    with pa.CompressedOutputStream(str(path), "lz4") as file:
        for number in range(lines):
            mid = round(chance.uniform(80, 85), 3)
            bids, asks = (
                tuple(
                    Level(round(mid + sign * (level + 1) / 1000, 3), round(chance.uniform(0.1, 99), 2), 1)
                    for level in range(20)
                )
                for sign in (-1, 1)
            )
            book = BookSnapshot("SOL", START_MS + 540 * number, bids, asks)
            raw = {"channel": "l2Book", "data": book_fields(book)}
            file.write(orjson.dumps({"time": "2026-04-01T00:00:12.669126791", "ver_num": 1, "raw": raw}) + b"\n")


def main(lines: int) -> None:
    """Print rates and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "SOL.lz4"
        write_archive(path, lines)
        start = time.perf_counter()
        for line in SourceFile(path).lines():
            orjson.loads(line)
        decoded = time.perf_counter() - start
        start = time.perf_counter()
        report = import_hyperliquid_archive([path], Path(folder) / "store")
        imported = time.perf_counter() - start
    assert sum(report.rows.values()) == lines
    print(f"decoding alone   {lines / decoded:9.0f} lines/s")
    print(f"import           {lines / imported:9.0f} lines/s, {imported / decoded:.1f} x the time of decoding alone")
    print(f"an hour of one coin takes {LINES_PER_HOUR / lines * imported:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
