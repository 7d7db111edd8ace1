"""Upkeep of the store: it reads the same before, during and after, whatever happens in between."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from market_making.recording.store.compaction import GRACE_MS, HOUR_MS, compact, remove_leftovers, remove_old_days
from market_making.recording.store.rows import gap_row, table_of
from market_making.recording.store.segments import SegmentName, SegmentWriter
from market_making.recording.store.storage import LocalStorage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

DAY_MS = 24 * HOUR_MS
MORNING = 20_000 * DAY_MS
NEXT_DAY = MORNING + DAY_MS + GRACE_MS

DIE_AT_STEP = """
import os, signal, sys
from pathlib import Path
from market_making.recording.store.compaction import compact
from market_making.recording.store.rows import table_of
from market_making.recording.store.segments import SegmentWriter
from market_making.recording.store.storage import LocalStorage
from market_making.recording.streams import Stream

root, left = sys.argv[1], int(sys.argv[2])

def count_down(event, arguments):
    global left
    writes = event in ("os.mkdir", "os.rename", "os.remove") or (event == "open" and arguments[2] & os.O_CREAT)
    if writes and str(arguments[0]).startswith(root):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count_down)
"""

WRITE = f"""
writer = SegmentWriter(Path(root), "hyperliquid", "ETH", session="one")
for batch in range(2):
    start = {MORNING} + batch * 1000
    rows = [(start + row, start, 100.0 + row, 1.0, 101.0 + row, 1.0) for row in range(5)]
    writer.write(Stream.BBO, table_of(Stream.BBO, rows))
    print("acknowledged", flush=True)
"""

COMPACT = f"""
compact(LocalStorage(Path(root)), "hyperliquid", now_ms={NEXT_DAY})
"""


def fill(root: Path, *, hours: int = 3, per_hour: int = 6) -> None:
    """A morning of ETH in small segments of three streams."""
    writer = SegmentWriter(root, "hyperliquid", "ETH")
    for number in range(hours * per_hour):
        time = MORNING + number * HOUR_MS // per_hour
        writer.write(Stream.BBO, table_of(Stream.BBO, [(time, time, number, 1.0, number + 1, 1.0)] * 2))
        row = (time, time, "buy", 100.0, 1.0, str(number), None, None, None, False)
        writer.write(Stream.TRADES, table_of(Stream.TRADES, [row]))
    gap = gap_row(MORNING, MORNING + 1, Stream.BBO, "start")
    for _ in range(2):
        writer.write(Stream.GAPS, table_of(Stream.GAPS, [gap]))


def everything(root: Path) -> list[list[dict]]:
    """All rows of all streams."""
    store = TickStore(root)
    return [store.read("ETH", stream, 0, 2**42).to_pylist() for stream in Stream]


def age(root: Path, seconds: float, now_ms: int) -> None:
    """Make all files look `seconds` old at `now_ms`."""
    for path in root.rglob("*.parquet"):
        stamp = (now_ms / 1e3 - seconds) * 1e9
        os.utime(path, ns=(int(stamp), int(stamp)))


def test_closed_hours_become_one_segment_a_stream_and_read_the_same(tmp_path):
    """Two passes leave one file an hour and stream; every read in between gives the same rows."""
    fill(tmp_path)
    before = everything(tmp_path)
    storage = LocalStorage(tmp_path)
    report = compact(storage, "hyperliquid", now_ms=NEXT_DAY)
    assert (report.merged, report.replaced, report.deleted) == (7, 38, 0)
    assert everything(tmp_path) == before
    age(tmp_path, GRACE_MS / 1e3 + 1, NEXT_DAY)
    assert compact(storage, "hyperliquid", now_ms=NEXT_DAY).deleted == 38
    assert everything(tmp_path) == before
    assert len(list(tmp_path.rglob("*.parquet"))) == 7
    assert compact(storage, "hyperliquid", now_ms=NEXT_DAY) == (0, 0, 0)


def test_an_hour_that_is_not_over_is_left_alone(tmp_path):
    """Segments of the running hour, and of one that has only just ended, stay as they are."""
    fill(tmp_path, hours=2)
    report = compact(LocalStorage(tmp_path), "hyperliquid", now_ms=MORNING + 2 * HOUR_MS + GRACE_MS)
    assert report.merged == 3
    names = [SegmentName.parse(path.name) for path in tmp_path.rglob("bbo-*.parquet")]
    assert sum(name.first_ms >= MORNING + HOUR_MS and not name.merged for name in names) == 6


def test_settled_blocks_of_the_running_hour_are_merged_and_later_once_more(tmp_path):
    """Five minutes become one segment soon after their end, the hour one after its own; every read is the same."""
    fill(tmp_path, hours=1, per_hour=120)
    storage, before = LocalStorage(tmp_path), everything(tmp_path)
    for minutes, files in ((4, 120), (11, 102), (16, 93), (61, 12), (63, 1)):
        now_ms = MORNING + minutes * 60_000
        compact(storage, "hyperliquid", now_ms=now_ms)
        assert everything(tmp_path) == before
        age(tmp_path, GRACE_MS / 1e3 + 1, now_ms)
        compact(storage, "hyperliquid", now_ms=now_ms)
        assert everything(tmp_path) == before
        assert len(list(tmp_path.rglob("bbo-*.parquet"))) == files


def test_late_rows_of_a_compacted_hour_are_merged_too(tmp_path):
    """What arrives after its hour was merged is merged with the rest, and nothing is read twice meanwhile."""
    fill(tmp_path, hours=1)
    storage = LocalStorage(tmp_path)
    compact(storage, "hyperliquid", now_ms=NEXT_DAY)
    late = table_of(Stream.BBO, [(MORNING + 7, MORNING + 7, 1.0, 1.0, 2.0, 1.0)])
    SegmentWriter(tmp_path, "hyperliquid", "ETH").write(Stream.BBO, late)
    before = everything(tmp_path)
    for _ in range(3):
        compact(storage, "hyperliquid", now_ms=NEXT_DAY)
        assert everything(tmp_path) == before
        age(tmp_path, GRACE_MS / 1e3 + 1, NEXT_DAY)
    assert len(list(tmp_path.rglob("bbo-*.parquet"))) == 1


def test_two_processes_do_not_compact_at_once(tmp_path):
    """The second leaves the work to the first."""
    import fcntl

    fill(tmp_path)
    with (tmp_path / "hyperliquid" / ".compaction.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert compact(LocalStorage(tmp_path), "hyperliquid", now_ms=NEXT_DAY) == (0, 0, 0)


class Guarded(LocalStorage):
    """A disk some of whose files may be seen but not opened."""

    guarded: Path

    def open(self, path: str) -> pa.NativeFile:
        """Open, or refuse."""
        if self.root / path == self.guarded:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return super().open(path)


def damage(path: Path, position: int) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


def two_hours(root: Path) -> list[Path]:
    """Segments of fifty quotes of two coins in two hours, two each; gives those of the coin that is sorted first."""
    for coin in ("BTC", "ETH"):
        writer = SegmentWriter(root, "hyperliquid", coin)
        for start in (MORNING, MORNING + 60_000, MORNING + HOUR_MS, MORNING + HOUR_MS + 60_000):
            writer.write(
                Stream.BBO, table_of(Stream.BBO, [(start + row, start, 1.0, 1.0, 2.0, 1.0) for row in range(50)])
            )
    return sorted(root.glob("hyperliquid/BTC/*/bbo-*.parquet"))


@pytest.mark.parametrize("position", [4, 925, -20, -1])
def test_a_damaged_segment_costs_no_other_its_compaction(tmp_path, caplog, position):
    """It stays and is named in the log; the hours, coins and days after it become one segment each."""
    damaged = two_hours(tmp_path)[1]
    damage(damaged, position)
    content = damaged.read_bytes()
    for _ in range(2):
        compact(LocalStorage(tmp_path), "hyperliquid", now_ms=NEXT_DAY)
        age(tmp_path, GRACE_MS / 1e3 + 1, NEXT_DAY)
    assert damaged.name in caplog.text
    assert damaged.read_bytes() == content
    assert len(list(tmp_path.glob("hyperliquid/BTC/*/*.parquet"))) == 3
    assert len(list(tmp_path.glob("hyperliquid/ETH/*/*.parquet"))) == 2
    damaged.unlink()
    assert len(TickStore(tmp_path).read("BTC", Stream.BBO, 0, 2**42)) == 150


def test_the_rest_of_an_hour_with_a_damaged_segment_is_merged_without_it(tmp_path):
    """Nothing is hidden by it: when the damage is undone, every row is there once."""
    fill(tmp_path, hours=1)
    before = everything(tmp_path)
    damaged = sorted(tmp_path.rglob("bbo-*.parquet"))[2]
    damage(damaged, -1)
    for _ in range(3):
        compact(LocalStorage(tmp_path), "hyperliquid", now_ms=NEXT_DAY)
        age(tmp_path, GRACE_MS / 1e3 + 1, NEXT_DAY)
    assert len(list(tmp_path.rglob("bbo-*.parquet"))) == 2
    damage(damaged, -1)
    assert everything(tmp_path) == before
    compact(LocalStorage(tmp_path), "hyperliquid", now_ms=NEXT_DAY)
    assert everything(tmp_path) == before


def test_a_file_that_cannot_be_opened_costs_no_other_its_compaction(tmp_path):
    """Its rows are there as before once it may be read."""
    fill(tmp_path)
    before = everything(tmp_path)
    disk = Guarded(tmp_path)
    disk.guarded = sorted(tmp_path.rglob("bbo-*.parquet"))[0]
    assert compact(disk, "hyperliquid", now_ms=NEXT_DAY).merged == 7
    age(tmp_path, GRACE_MS / 1e3 + 1, NEXT_DAY)
    compact(disk, "hyperliquid", now_ms=NEXT_DAY)
    assert disk.guarded.exists()
    assert everything(tmp_path) == before


def test_a_merged_segment_that_is_damaged_keeps_what_it_stands_for(tmp_path):
    """Its sources hold the rows still; those of other streams are deleted meanwhile."""
    fill(tmp_path, hours=1)
    before = everything(tmp_path)
    compact(LocalStorage(tmp_path), "hyperliquid", now_ms=NEXT_DAY)
    (merged,) = tmp_path.rglob("bbo-*merged*.parquet")
    damage(merged, -1)
    age(tmp_path, GRACE_MS / 1e3 + 1, NEXT_DAY)
    compact(LocalStorage(tmp_path), "hyperliquid", now_ms=NEXT_DAY)
    assert len(list(tmp_path.rglob("bbo-*.parquet"))) == 7
    assert len(list(tmp_path.rglob("trades-*.parquet"))) == 1
    merged.unlink()
    assert everything(tmp_path) == before


def test_a_segment_whose_times_are_not_those_of_its_name_is_not_merged(tmp_path, caplog):
    """Damage that is a number still must not give the merged segment a name under which nobody looks for it."""
    first, second, *_ = two_hours(tmp_path)
    other = second.with_name(second.name.replace(f"{MORNING + 60_000}", f"{MORNING + 60_001}"))
    second.rename(other)
    compact(LocalStorage(tmp_path), "hyperliquid", now_ms=NEXT_DAY)
    assert f"{other.name} is damaged: its rows are from {MORNING + 60_000}" in caplog.text
    assert len(list(first.parent.glob("*merged*"))) == 1


def run_until_killed(work: str, root: Path, step: int) -> subprocess.CompletedProcess:
    """Do some work in a process that kills itself before its write of this number."""
    command = [sys.executable, "-c", DIE_AT_STEP + work, str(root), str(step)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_a_writer_killed_at_any_step_has_lost_nothing_acknowledged_and_shows_nothing_torn(tmp_path):
    """kill −9 before every write: acknowledged batches are whole, others absent or whole, none twice."""
    for step in range(100):
        root = tmp_path / str(step)
        result = run_until_killed(WRITE, root, step)
        acknowledged = result.stdout.count("acknowledged")
        batches = TickStore(root).read("ETH", Stream.BBO, 0, 2**42)["local_ms"].to_pylist()
        values, counts = np.unique(batches, return_counts=True)
        assert set(counts) <= {5}
        assert len(values) >= acknowledged
        if result.returncode == 0:
            break
        assert result.returncode == -signal.SIGKILL, result.stderr
    assert acknowledged == 2
    assert step > 5


@pytest.mark.slow
def test_a_compaction_killed_at_any_step_leaves_a_store_that_reads_the_same(tmp_path):
    """kill −9 before every write and every deletion, and the next pass finishes the work."""
    fill(tmp_path, hours=1, per_hour=2)
    expected = everything(tmp_path)
    for passes in range(2):
        for step in range(100):
            result = run_until_killed(COMPACT, tmp_path, step)
            assert everything(tmp_path) == expected
            if result.returncode == 0:
                break
            assert result.returncode == -signal.SIGKILL, result.stderr
        assert step > 3, passes
        age(tmp_path, GRACE_MS / 1e3 + 1, NEXT_DAY)
    assert len(list(tmp_path.rglob("*.parquet"))) == 3


def test_what_a_crash_left_behind_is_removed_but_not_present_work(tmp_path):
    """Old temporary files go, young ones stay."""
    fill(tmp_path, hours=1)
    folder = next(tmp_path.glob("hyperliquid/ETH/*"))
    for name, seconds in ((".bbo-old.parquet.tmp", 1000), (".bbo-young.parquet.tmp", 1)):
        (folder / name).write_bytes(b"torn")
        stamp = int((NEXT_DAY / 1e3 - seconds) * 1e9)
        os.utime(folder / name, ns=(stamp, stamp))
    assert remove_leftovers(LocalStorage(tmp_path), "hyperliquid", now_ms=NEXT_DAY) == 1
    assert [path.name for path in folder.glob(".*")] == [".bbo-young.parquet.tmp"]


def fill_days(root: Path, days: int) -> None:
    """One row of two coins on each day."""
    for coin in ("BTC", "ETH"):
        writer = SegmentWriter(root, "hyperliquid", coin)
        for day in range(days):
            time = MORNING + day * DAY_MS
            writer.write(Stream.BBO, table_of(Stream.BBO, [(time, time, 1.0, 1.0, 2.0, 1.0)]))


def test_days_beyond_the_limit_are_removed_whole(tmp_path):
    """Three days are kept: today and the two before."""
    fill_days(tmp_path, 5)
    now_ms = MORNING + 4 * DAY_MS + HOUR_MS
    removed = remove_old_days(LocalStorage(tmp_path), "hyperliquid", now_ms=now_ms, keep_days=3)
    assert len(removed) == 4
    assert TickStore(tmp_path).days("ETH") == ["2024-10-06", "2024-10-07", "2024-10-08"]


class Stubborn(LocalStorage):
    """A disk that keeps the folders of one coin."""

    def remove_folder(self, folder: str) -> None:
        """Remove, or refuse."""
        if "/BTC/" in folder:
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        super().remove_folder(folder)


def test_a_folder_that_cannot_be_removed_costs_no_other_more_or_less(tmp_path):
    """The days of the other coin go and stay as if it had been removed."""
    fill_days(tmp_path, 4)
    one = next(tmp_path.rglob("*.parquet")).stat().st_size
    removed = remove_old_days(Stubborn(tmp_path), "hyperliquid", now_ms=MORNING + 3 * DAY_MS, keep_bytes=4 * one)
    assert [folder.split("/")[1] for folder in removed] == ["ETH", "ETH"]
    assert len(TickStore(tmp_path).days("BTC")) == 4


def test_a_limit_of_size_removes_the_oldest_first_and_never_today(tmp_path):
    """Whatever the limit, what is recorded today stays."""
    fill_days(tmp_path, 4)
    storage = LocalStorage(tmp_path)
    now_ms = MORNING + 3 * DAY_MS
    one = next(tmp_path.rglob("*.parquet")).stat().st_size
    remove_old_days(storage, "hyperliquid", now_ms=now_ms, keep_bytes=5 * one)
    assert sum(len(TickStore(tmp_path).days(coin)) for coin in ("BTC", "ETH")) == 5
    remove_old_days(storage, "hyperliquid", now_ms=now_ms, keep_bytes=0)
    assert TickStore(tmp_path).days("ETH") == TickStore(tmp_path).days("BTC") == ["2024-10-07"]
