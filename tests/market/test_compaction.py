"""Upkeep of the store: it reads the same before, during and after, whatever happens in between."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from market.compaction import GRACE_MS, HOUR_MS, compact, remove_leftovers, remove_old_days
from market.rows import gap_row, table_of
from market.segments import SegmentName, SegmentWriter
from market.storage import LocalStorage
from market.store import TickStore
from market.streams import Stream

DAY_MS = 24 * HOUR_MS
MORNING = 20_000 * DAY_MS
NEXT_DAY = MORNING + DAY_MS + GRACE_MS

# Runs `work` in a fork for each line it reads, "root step", and kills the fork before its write of that number.
KILLER = """
import os, signal, sys
from pathlib import Path
import pandas  # pyarrow would import it in every fork
from market.compaction import compact
from market.rows import table_of
from market.segments import SegmentWriter
from market.storage import LocalStorage
from market.streams import Stream

{work}

def count_down(root, left):
    def hook(event, arguments):
        nonlocal left
        writes = event in ("os.mkdir", "os.rename", "os.remove") or (event == "open" and arguments[1] in ("w", "wb"))
        if writes and str(arguments[0]).startswith(root):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    return hook

for line in sys.stdin:
    root, step = line.split()
    fork = os.fork()
    if not fork:
        sys.addaudithook(count_down(root, int(step)))
        work(Path(root))
        os._exit(0)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]), flush=True)
"""

WRITE = f"""
def work(root):
    writer = SegmentWriter(root, "hyperliquid", "ETH", session="one")
    for batch in range(3):
        start = {MORNING} + batch * 1000
        rows = [(start + row, start, 100.0 + row, 1.0, 101.0 + row, 1.0) for row in range(5)]
        writer.write(Stream.BBO, table_of(Stream.BBO, rows))
        print("acknowledged", batch, flush=True)
"""

COMPACT = f"""
def work(root):
    compact(LocalStorage(root), "hyperliquid", now_ms={NEXT_DAY})
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


class Killer:
    """A process that does some work again and again, and dies at a chosen write each time."""

    def __init__(self, work: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", KILLER.replace("{work}", work)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> "Killer":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=10)

    def run(self, root: Path, step: int) -> tuple[int, int]:
        """Exit status of a run that dies before this write, and the batches it had acknowledged."""
        self._process.stdin.write(f"{root} {step}\n")
        for acknowledged, line in enumerate(self._process.stdout):
            word, number = line.split()
            if word == "ended":
                return int(number), acknowledged
        raise AssertionError("the process has ended")


def test_a_writer_killed_at_any_step_has_lost_nothing_acknowledged_and_shows_nothing_torn(tmp_path):
    """kill −9 before every write: acknowledged batches are whole, others absent or whole, none twice."""
    with Killer(WRITE) as killer:
        for step in range(100):
            root = tmp_path / str(step)
            status, acknowledged = killer.run(root, step)
            batches = TickStore(root).read("ETH", Stream.BBO, 0, 2**42)["local_ms"].to_pylist()
            values, counts = np.unique(batches, return_counts=True)
            assert set(counts) <= {5}
            assert len(values) >= acknowledged
            if status == 0:
                break
            assert status == -signal.SIGKILL
    assert acknowledged == 3
    assert step > 5


def test_a_compaction_killed_at_any_step_leaves_a_store_that_reads_the_same(tmp_path):
    """kill −9 before every write and every deletion, and the next pass finishes the work."""
    fill(tmp_path, hours=1, per_hour=3)
    expected = everything(tmp_path)
    with Killer(COMPACT) as killer:
        for passes in range(2):
            for step in range(100):
                status, _ = killer.run(tmp_path, step)
                assert everything(tmp_path) == expected
                if status == 0:
                    break
                assert status == -signal.SIGKILL
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
