"""What a collector does for its store beside recording: no fault in it ends the recording or the rest of the work."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from market_making.market.clock import now_ms
from market_making.recording.collection.upkeep import Retention, keep_up
from market_making.recording.store.compaction import compact
from market_making.recording.store.rows import table_of
from market_making.recording.store.segments import DAY_MS, SegmentWriter, day_of
from market_making.recording.store.storage import LocalStorage
from market_making.recording.streams import Stream


def fill(root: Path, coin: str, *, days_ago: int) -> list[Path]:
    """Two segments of fifty quotes in an hour that is over."""
    writer = SegmentWriter(root, "hyperliquid", coin)
    day_ms = (now_ms() // DAY_MS - days_ago) * DAY_MS
    for start in (day_ms, day_ms + 1000):
        rows = [(start + row, start, 100.0, 1.0, 101.0, 1.0) for row in range(50)]
        writer.write(Stream.BBO, table_of(Stream.BBO, rows))
    return sorted(root.glob(f"hyperliquid/{coin}/{day_of(day_ms)}/bbo-*.parquet"))


async def keep_up_until(root: Path, retention: Retention, done: Callable[[], bool]) -> None:
    """Let the upkeep run until something is done; what it raises is raised."""
    running = asyncio.create_task(keep_up(LocalStorage(root), "hyperliquid", retention, period_s=0.05))
    try:
        async with asyncio.timeout(10):
            while not done() and not running.done():
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_damaged_segment_ends_neither_upkeep_nor_what_runs_beside_it(tmp_path):
    """Days that are too old are removed and the other coins compacted, though the first one cannot be read."""
    _, damaged = fill(tmp_path, "BTC", days_ago=2)
    content = bytearray(damaged.read_bytes())
    content[925] = 0xFF
    damaged.write_bytes(content)
    kept = fill(tmp_path, "ETH", days_ago=2)[0].parent
    old = fill(tmp_path, "ETH", days_ago=9)[0].parent
    await keep_up_until(tmp_path, Retention(days=5), lambda: any(kept.glob("*merged*")) and not old.exists())
    assert damaged.exists()


async def test_old_days_are_removed_even_where_nothing_can_be_compacted(tmp_path):
    """A lock that cannot be opened stops compaction only."""
    old = fill(tmp_path, "ETH", days_ago=9)[0].parent
    (tmp_path / "hyperliquid" / ".compaction.lock").mkdir()
    await keep_up_until(tmp_path, Retention(days=5), lambda: not old.exists())


async def test_every_day_is_looked_at_once_whatever_cannot_be_read(tmp_path, monkeypatch):
    """After the first pass only days that still change are scanned."""
    _, damaged = fill(tmp_path, "BTC", days_ago=9)
    damaged.write_bytes(b"torn")
    scanned: list[str] = []

    def noting(*arguments: object, since_day: str, **settings: object) -> object:
        scanned.append(since_day)
        return compact(*arguments, since_day=since_day, **settings)

    monkeypatch.setattr("market_making.recording.collection.upkeep.compact", noting)
    await keep_up_until(tmp_path, Retention(), lambda: len(scanned) > 2)
    assert scanned[0] == ""
    assert all(scanned[1:])
