"""Rows on their way to the disk: none lost while there is memory, none twice, and every loss told."""

import asyncio
import errno
import os
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.recording.collection.recorder import FAILED_COINS, SLOW_FLUSHES, Recorder
from market_making.recording.store.segments import DAY_MS
from market_making.recording.store.storage import LocalStorage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

START = 1_757_000_000_000


class FullDisk(LocalStorage):
    """A disk that is full at chosen writes, before or after the file has become visible."""

    def __init__(self, root: Path, fates: list[str]) -> None:
        super().__init__(root)
        self.fates = fates

    def publish(self, path: str, content: pa.Buffer) -> None:
        """Write, or fail as the next fate says."""
        fate = self.fates.pop(0) if self.fates else "written"
        if fate != "full":
            super().publish(path, content)
        if fate != "written":
            raise OSError(errno.ENOSPC, "No space left on device")


def quote_row(time: int) -> tuple:
    """Row of a best quote whose bid tells it apart."""
    return (START + time, START + time, float(time), 1.0, float(time) + 1, 1.0)


def recorded(root: Path, stream: Stream = Stream.BBO, coin: str = "ETH") -> list[dict]:
    """What a reader sees."""
    return TickStore(root).read(coin, stream, 0, 2**42).to_pylist()


def times(root: Path, coin: str) -> list[int]:
    """Times of the quotes a reader sees of a coin, since the start."""
    return [row["exchange_ms"] - START for row in recorded(root, coin=coin)]


def in_the_way(root: Path, *coins: str) -> list[Path]:
    """Files in the place of coins' folders, so that nothing of these can be written."""
    (root / "hyperliquid").mkdir()
    obstacles = [root / "hyperliquid" / coin for coin in coins]
    for obstacle in obstacles:
        obstacle.write_text("in the way")
    return obstacles


@given(st.lists(st.sampled_from(["written", "full", "visible but not acknowledged"]), max_size=12), st.data())
@settings(max_examples=40, deadline=None)
def test_failed_writes_are_repeated_until_every_row_is_there_once(tmp_path_factory, fates, data):
    """Whatever writes fail, and even if a write that failed had become visible: each row once in the end."""
    root = tmp_path_factory.mktemp("store")

    async def record() -> Recorder:
        recorder = Recorder(FullDisk(root, fates), "hyperliquid", "s")
        for time in range(data.draw(st.integers(1, 10))):
            recorder.add("ETH", Stream.BBO, quote_row(time))
            if data.draw(st.booleans()):
                await recorder.flush()
        while recorder.counts.written < recorder.counts.received:
            await recorder.flush(everything=True)
        return recorder

    recorder = asyncio.run(record())
    times = Counter(row["exchange_ms"] for row in recorded(root))
    assert times == Counter(START + time for time in range(recorder.counts.received))
    assert recorder.counts.dropped == 0


async def test_when_the_memory_is_full_the_oldest_is_dropped_counted_and_a_gap(tmp_path):
    """Collection goes on; afterwards the store says which rows are missing."""
    storage = FullDisk(tmp_path, ["full"] * 200)
    recorder = Recorder(storage, "hyperliquid", "s", spill_bytes=20_000)
    for time in range(30):
        recorder.add("ETH", Stream.BBO, quote_row(time))
        await recorder.flush()
    assert recorder.counts.dropped > 5
    assert recorder.counts.waiting_bytes <= 20_000
    storage.fates.clear()
    await recorder.flush()
    await recorder.flush()
    kept = {row["exchange_ms"] for row in recorded(tmp_path)}
    lost = {row["start_ms"] for row in recorded(tmp_path, Stream.GAPS) if row["reason"] == "overflow"}
    assert kept | lost == {START + time for time in range(30)}
    assert not kept & lost
    assert recorder.counts.received == recorder.counts.written + recorder.counts.dropped


async def test_a_gap_over_midnight_counts_for_no_row(tmp_path):
    """It is a note of two rows, one a day; what was received is what was written all the same."""
    recorder = Recorder(LocalStorage(tmp_path), "hyperliquid", "s")
    recorder.add_gap("ETH", Stream.BBO, START - DAY_MS, START + DAY_MS, "restart")
    recorder.add("ETH", Stream.BBO, quote_row(0))
    await recorder.flush(everything=True)
    assert len(recorded(tmp_path, Stream.GAPS)) == 3
    assert recorder.counts.received == recorder.counts.written == 1


class HangingDisk(LocalStorage):
    """A disk that does not answer until it is released."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.released = threading.Event()

    def publish(self, path: str, content: pa.Buffer) -> None:
        """Wait, then write."""
        self.released.wait(timeout=20)
        super().publish(path, content)


async def test_while_the_disk_hangs_memory_is_bounded(tmp_path, monkeypatch):
    """Rows beyond the bound are dropped, counted and a gap; those before it are written when the disk answers."""
    monkeypatch.setattr("market_making.recording.collection.recorder.BUFFERED_ROWS", 10)
    disk = HangingDisk(tmp_path)
    recorder = Recorder(disk, "hyperliquid", "s")
    recorder.add("ETH", Stream.BBO, quote_row(0))
    flushing = asyncio.create_task(recorder.flush())
    await asyncio.sleep(0.01)
    for time in range(1, 31):
        recorder.add("ETH", Stream.BBO, quote_row(time))
    assert recorder.counts.dropped == 20
    disk.released.set()
    await flushing
    await recorder.flush()
    assert [row["exchange_ms"] - START for row in recorded(tmp_path)] == list(range(11))
    (gap,) = recorded(tmp_path, Stream.GAPS)
    assert (gap["start_ms"] - START, gap["end_ms"] - START, gap["reason"]) == (11, 30, "overflow")


async def test_a_flush_whose_caller_is_cancelled_loses_nothing(tmp_path):
    """At whatever point the cancellation comes, the rows are written by it or by the next."""
    for steps in range(6):
        recorder = Recorder(LocalStorage(tmp_path / str(steps)), "hyperliquid", "s")
        for time in range(5):
            recorder.add("ETH", Stream.BBO, quote_row(time))
        flushing = asyncio.create_task(recorder.flush())
        for _ in range(steps):
            await asyncio.sleep(0)
        flushing.cancel()
        await asyncio.wait([flushing])
        await recorder.flush(everything=True)
        assert recorder.counts.written == len(recorded(tmp_path / str(steps))) == 5


async def test_slow_streams_are_flushed_less_often(tmp_path):
    """A context waits for the sixth flush, or for the last."""
    recorder = Recorder(LocalStorage(tmp_path), "hyperliquid", "s")
    recorder.add("ETH", Stream.CONTEXT, (START, START, 0.0, 1.0, 1.0, 1.0, None))
    for _ in range(SLOW_FLUSHES - 1):
        await recorder.flush()
        assert recorder.counts.written == 0
    await recorder.flush()
    assert recorder.counts.written == 1


async def test_a_folder_that_cannot_be_written_is_waited_for(tmp_path):
    """A file in the place of the coin's folder fails every write; when it is gone, nothing was lost."""
    obstacle = tmp_path / "hyperliquid"
    obstacle.write_text("in the way")
    recorder = Recorder(LocalStorage(tmp_path), "hyperliquid", "s")
    recorder.add("ETH", Stream.BBO, quote_row(1))
    await recorder.flush()
    assert recorder.counts.failed_writes == 1
    obstacle.unlink()
    await recorder.flush()
    assert len(recorded(tmp_path)) == 1


async def test_a_coin_that_cannot_be_written_costs_the_others_nothing(tmp_path):
    """Each flush makes the other coins' rows durable; those of the one are there in the end too, each once."""
    (obstacle,) = in_the_way(tmp_path, "BTC")
    recorder = Recorder(LocalStorage(tmp_path), "hyperliquid", "s")
    for time in range(10):
        for coin in ("BTC", "ETH", "SOL"):
            recorder.add(coin, Stream.BBO, quote_row(time))
        await recorder.flush()
        assert times(tmp_path, "ETH") == times(tmp_path, "SOL") == list(range(time + 1))
    assert recorder.counts.failed_writes == 10
    obstacle.unlink()
    await recorder.flush()
    assert times(tmp_path, "BTC") == list(range(10))
    assert recorder.counts.written == recorder.counts.received


async def test_only_rows_that_cannot_be_written_are_dropped_when_the_memory_is_full(tmp_path):
    """The limit concerns the coins whose folders cannot be written; their loss is a gap once they can be written."""
    obstacles = in_the_way(tmp_path, "BTC", "SOL")
    recorder = Recorder(LocalStorage(tmp_path), "hyperliquid", "s", spill_bytes=20_000)
    for time in range(30):
        for coin in ("BTC", "SOL", "ETH"):
            recorder.add(coin, Stream.BBO, quote_row(time))
        await recorder.flush()
    assert recorder.counts.dropped > 5
    for obstacle in obstacles:
        obstacle.unlink()
    await recorder.flush()
    await recorder.flush()
    assert times(tmp_path, "ETH") == list(range(30))
    assert not recorded(tmp_path, Stream.GAPS)
    for coin in ("BTC", "SOL"):
        gaps = [row for row in recorded(tmp_path, Stream.GAPS, coin) if row["reason"] == "overflow"]
        assert sorted([row["start_ms"] - START for row in gaps] + times(tmp_path, coin)) == list(range(30))


@pytest.mark.parametrize("bad", [FAILED_COINS, 4 * FAILED_COINS])
async def test_however_many_coins_cannot_be_written_the_others_are_soon(tmp_path, bad):
    """Coins that failed are tried after those that did not, and in turn: one that is repaired is not forgotten."""
    names = [f"C{number:02d}" for number in range(bad)]
    obstacles = in_the_way(tmp_path, *names)
    recorder = Recorder(LocalStorage(tmp_path), "hyperliquid", "s")
    for coin in (*names, "ETH"):
        recorder.add(coin, Stream.BBO, quote_row(0))
    for _ in range(bad // FAILED_COINS + 1):
        await recorder.flush()
    assert times(tmp_path, "ETH") == [0]
    obstacles[-1].unlink()
    for _ in range(bad // FAILED_COINS + 1):
        await recorder.flush()
    assert times(tmp_path, names[-1]) == [0]


async def test_a_full_disk_is_not_asked_for_every_coin(tmp_path):
    """Some coins in which nothing can be written are enough to wait for the next flush."""
    storage = FullDisk(tmp_path, ["full"] * 2 * FAILED_COINS)
    recorder = Recorder(storage, "hyperliquid", "s")
    coins = [f"C{number:02d}" for number in range(20)]
    for coin in coins:
        recorder.add(coin, Stream.BBO, quote_row(0))
    for passes in (1, 2):
        await recorder.flush()
        assert recorder.counts.failed_writes == passes * FAILED_COINS
    await recorder.flush()
    assert [times(tmp_path, coin) for coin in coins] == [[0]] * 20


async def test_a_real_full_disk_loses_nothing_that_fits_into_memory(tmp_path):
    """A file system of 256 kB fills up; once there is room again, every row is there once."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs privileges")
    try:
        (tmp_path / "ballast").write_bytes(os.urandom(250_000))
        recorder = Recorder(LocalStorage(tmp_path), "hyperliquid", "s")
        for time in range(20):
            recorder.add("ETH", Stream.BBO, quote_row(time))
            await recorder.flush()
        assert recorder.counts.failed_writes > 0
        (tmp_path / "ballast").unlink()
        await recorder.flush(everything=True)
        assert [row["exchange_ms"] - START for row in recorded(tmp_path)] == list(range(20))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
