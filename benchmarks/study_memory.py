"""Claim: a worker of a study takes at most 500 MB of memory, and no more after a hundred tasks than after ten.

Usage: ``python benchmarks/study_memory.py [--hours 24] [--tasks 100] [--settings 10]``. A study's worker runs
`MarketMaking`, loaded by Freqtrade as `mm sweep` does, over a simulated day of ETH, so many settings in a pass; fewer
than `WORTH_COMPILING_S` says run one by one in the bot. It prints the largest resident memory that was seen while the
worker prepared the day and in every ten tasks (asked for every 0.2 s), and how much of it, at the end, is its own: the
rest are libraries that workers share.
"""

import argparse
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.ops.commands.sweep import _model  # noqa: E402
from market_making.recording.store.segments import DAY_MS  # noqa: E402
from market_making.recording.store.tick_store import TickStore  # noqa: E402
from market_making.replay.study.cluster import Cluster, Task, connected  # noqa: E402
from market_making.replay.study.trials import ReplayRunner  # noqa: E402
from market_making.replay.study.units import Unit, units_of  # noqa: E402
from market_making.settings.settings import Settings  # noqa: E402
from tests.replay.markets import record, simulated_events  # noqa: E402

FIRST_DAY_MS = 20_000 * DAY_MS
MOST_MB, GROWTH, EVERY_S, PART = 500.0, 1.05, 0.2, 10


class Watch:
    """The memory of the largest process that this one has started [MB]."""

    def __init__(self) -> None:
        self._largest_mb, self._ended = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def taken(self) -> float:
        """The largest since this was last asked [MB]."""
        found, self._largest_mb = self._largest_mb, 0.0
        return found

    def _look(self) -> None:
        while not self._ended.wait(EVERY_S):
            self._largest_mb = max(self._largest_mb, worker().memory_info().rss / 1e6)


def worker() -> psutil.Process:
    """The largest process that this one has started; the process that compiles is a child of it."""
    children = psutil.Process().children()
    return max(children, key=lambda child: child.memory_info().rss, default=psutil.Process())


def run(runner: ReplayRunner, unit: Unit, tasks: int, settings: int) -> dict[str, float]:
    """Memory of one worker in each part of the work [MB]."""
    drawn = [{"depth_factor": 0.8 + 0.4 * number / settings} for number in range(settings)]
    found: dict[str, float] = {}
    with connected(None, 1) as cluster, Watch() as watch:
        list(cluster.prepare(runner, [unit]))
        found["preparing"] = watch.taken()
        for first in range(0, tasks, PART):
            done(cluster, runner, [Task((), unit, tuple(drawn))] * min(PART, tasks - first))
            found[f"task {first + 1}"] = watch.taken()
        found["its own"] = worker().memory_full_info().uss / 1e6
    return found


def done(cluster: Cluster, runner: ReplayRunner, tasks: list[Task]) -> None:
    """Run tasks, none of which may fail."""
    for _, ran in cluster.run(runner, tasks):
        if errors := [each.error for each in ran if each.error]:
            raise SystemExit(errors[0])


def main() -> None:
    """Print it; status 1 if the claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--settings", type=int, default=10)
    options = parser.parse_args()
    section = {
        "sides": "alternate",
        "model": {"order_notional": 20.0, "widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
        "quote": {"maximum_half_spread_bps": 3.0},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record(folder / "data", "ETH", simulated_events("ETH", options.hours * 3600, seed=1, start_ms=FIRST_DAY_MS))
        settings = Settings.from_section(section | {"market_data": str(folder / "data")})
        model_of = partial(_model, "MarketMaking", ROOT / "user_data")
        runner = ReplayRunner(settings, model_of, folder / "cache")
        unit = max(units_of(TickStore(folder / "data"), ("ETH",)), key=lambda unit: unit.seconds)
        found = run(runner, unit, options.tasks, options.settings)
    print(f"{unit.seconds / 3600:.1f} h of ETH, {options.tasks} tasks of {options.settings} settings")
    for part, taken_mb in found.items():
        print(f"{part:12s} {taken_mb:6.0f} MB")
    tasks = [taken_mb for part, taken_mb in found.items() if part.startswith("task")]
    raise SystemExit(not (max(found.values()) <= MOST_MB and tasks[-1] <= tasks[0] * GROWTH))


if __name__ == "__main__":
    main()
