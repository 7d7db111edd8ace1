"""Claim: a study tells its cost within 25 % before it starts, and two workers take no more processor time than one.

Usage: ``python benchmarks/study_cost.py [--minutes 20] [--trials 40]``. A study of `MarketMaking` over two simulated
days, with one worker process and with two, each from its own folder. Printed: the estimate beside the processor time
of the first tenth of the trials times ten and beside that of the whole study; processor time and wall time of both
runs; the largest memory of a worker after the first batch and at the end; and whether both found the same.
"""

import argparse
import logging
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from market_making.recording.store.segments import DAY_MS
from market_making.recording.store.tick_store import TickStore
from market_making.replay.study.cluster import connected
from market_making.replay.study.spec import StudySpec
from market_making.replay.study.study import Study
from market_making.replay.study.trials import ReplayRunner
from market_making.replay.study.units import units_of
from market_making.settings.settings import Settings
from tests.replay.markets import START_MS, record, simulated_events
from tests.replay.study.conftest import DIMENSIONS, model_of

SHARE = 10  # a tenth


class Cost(NamedTuple):
    """Of a whole study: estimate, tenth, whole [core-seconds], wall time [s], memory of the workers [MB], findings."""

    estimate_s: float
    tenth_s: float
    whole_s: float
    wall_s: float
    memory_mb: tuple[float, float]
    found: list[Any]


def largest_mb() -> float:
    """Memory of the largest child process [MB]."""
    children = psutil.Process().children(recursive=True)
    return max(child.memory_info().rss for child in children) / 1e6


def run(study: Study, workers: int) -> Cost:
    """Run a study on so many processes."""
    memory: list[float] = []
    with connected(None, workers) as cluster:
        study = study.prepared(cluster, lambda *_: None).study
        estimate_s = study.estimate(cluster) * 3600
        began = time.monotonic()
        judged = list(study.run(cluster, lambda *_: memory.append(largest_mb())))
        wall_s = time.monotonic() - began
    tried = [each for fold in judged for each in fold.tried]
    tenth = tried[: len(tried) // SHARE]
    spent = [sum(each.notes["processor_s"] for each in part) for part in (tenth, tried)]
    found = [(each.setting, each.value) for each in tried]
    at = (memory[study.spec.batch - 1], memory[-1])
    return Cost(estimate_s, spent[0] * SHARE, study.spent_s(), wall_s, at, found)


def main() -> None:
    """Print both runs; status 1 if the claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--trials", type=int, default=40)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    section = {
        "sides": "alternate",
        "model": {"order_notional": 20.0, "widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
        "quote": {"maximum_half_spread_bps": 3.0},
        "calibration": {"minimum_exposure_s": 60.0},
    }
    spec = StudySpec(coins=("ETH",), trials=options.trials, batch=10)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for day in range(2):
            start_ms = START_MS + day * DAY_MS
            record(folder / "data", "ETH", simulated_events("ETH", options.minutes * 60, seed=day, start_ms=start_ms))
        settings = Settings.from_section(section | {"market_data": str(folder / "data")})
        units = units_of(TickStore(folder / "data"), spec.coins)
        runner = ReplayRunner(settings, model_of, folder / "cache")
        study = Study(spec, DIMENSIONS, units, runner, folder / "one")
        costs = {workers: run(replace(study, folder=folder / str(workers)), workers) for workers in (1, 2)}
    for workers, cost in costs.items():
        ratios = cost.estimate_s / cost.tenth_s, cost.estimate_s / cost.whole_s
        print(
            f"{workers} worker(s): estimate {cost.estimate_s:.1f} core-s, {ratios[0]:.2f} of ten times the tenth, "
            f"{ratios[1]:.2f} of the whole {cost.whole_s:.1f}; wall {cost.wall_s:.1f} s; largest worker "
            f"{cost.memory_mb[0]:.0f} MB after a batch, {cost.memory_mb[1]:.0f} MB at the end"
        )
    one, two = costs[1], costs[2]
    print(f"processor time of two over one: {two.whole_s / one.whole_s:.2f}; same findings: {one.found == two.found}")
    within = all(abs(cost.estimate_s / cost.whole_s - 1) <= 0.25 for cost in costs.values())
    raise SystemExit(not (within and one.found == two.found and two.whole_s / one.whole_s <= 1.1))


if __name__ == "__main__":
    main()
