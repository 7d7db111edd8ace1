"""Claim: a replay costs little enough to search with: seconds of processor time for a day of one coin.

* Bare: the market's book alone, row by row, in the compiled desk and in hftbacktest.
* Compiled desk: one setting, and many in one pass over the market; tables and reading included, and without.
* Compiled desk with `DepthAware`, whose tiers are of no table, in the same way.
* The bot itself in Python, over hftbacktest and over the local exchange.

A recording of minutes stands for a day in proportion to its length; times are of this process, after compilation. With
`--equal N`, N random settings of each of the two models are run by both and compared order by order. Run with a folder
of recordings:

    python benchmarks/replay_speed.py [../shared/data] [--coin ETH] [--settings 1 10 50 200] [--equal 48]
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from calibration.publication.history import History  # noqa: E402
from market_making.replay.bot.run import ReplaySetup, replay  # noqa: E402
from market_making.replay.engines.engine import EngineSettings  # noqa: E402
from market_making.replay.engines.exchange import ExchangeEngine  # noqa: E402
from market_making.replay.engines.hftbacktest import HftbacktestEngine  # noqa: E402
from market_making.replay.fast_desk import run as fast  # noqa: E402
from market_making.replay.fast_desk.run import FastSetup, fast_replay  # noqa: E402
from market_making.replay.preparation import Prepared, calibrations_for, prepare  # noqa: E402
from market_making.settings.settings import Settings  # noqa: E402
from market_making.trading.freqtrade.strategy_model import load_model  # noqa: E402
from market_making.trading.strategy_model import StrategyModel  # noqa: E402
from tests.replay.fast_desk.random_settings import random_lags, random_model, random_tiers, said  # noqa: E402

FIRST_MS = 1_757_015_000_000  # the long session of 2025-09-04
DAY_S = 86_400.0
REPEATS = 5
TOGETHER = 8


@dataclass
class Recording:
    """What is replayed, and how much of a day it is."""

    prepared: Prepared
    history: History

    @property
    def rows(self) -> int:
        """Rows of all its sessions."""
        return sum(tape.rows for tape in self.prepared.tapes)

    @property
    def of_a_day(self) -> float:
        """Its share of a day."""
        return sum(tape.span.end_ms - tape.span.start_ms for tape in self.prepared.tapes) / 1e3 / DAY_S


def least(function: Callable[[], object], repeats: int = REPEATS) -> float:
    """Least processor time of some runs [s]: what others of this machine add, they only add."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        function()
        times.append(time.process_time() - began)
    return min(times)


class PassClock:
    """Processor time within the compiled pass [s]."""

    def __init__(self) -> None:
        self.spent_s = 0.0
        self._go_on = fast.go_on
        fast.go_on = self

    def __call__(self, *arguments: object) -> None:
        """Go on, and take the time."""
        began = time.process_time()
        self._go_on(*arguments)  # type: ignore[arg-type]
        self.spent_s += time.process_time() - began

    def least(self, setup: FastSetup, recording: Recording) -> tuple[float, float]:
        """Least time of the pass, and of everything, of some runs [s]."""
        passes, wholes = [], []
        for _ in range(REPEATS):
            self.spent_s = 0.0
            wholes.append(least(lambda: fast_replay(setup, recording.prepared.tapes), repeats=1))
            passes.append(self.spent_s)
        return min(passes), min(wholes)


def bare_hftbacktest(recording: Recording) -> float:
    """Its engine from the first row to the last, without a bot [s]."""
    settings = EngineSettings(recording.prepared.instrument)

    def through() -> None:
        for tape in recording.prepared.tapes:
            engine = HftbacktestEngine(tape, settings)
            engine.advance(tape.span.end_ms)
            engine.close()

    return least(through)


def show_compiled(recording: Recording, model: StrategyModel, counts: Sequence[int], clock: PassClock) -> None:
    """One setting, and many in one pass."""
    day = recording.of_a_day
    instrument, history = recording.prepared.instrument, recording.history
    print(f"compiled desk of {model.name}")
    sleeper = FastSetup((model,), instrument, history, phase_ms=10**10)  # it begins after the end
    fast_replay(replace(sleeper, phase_ms=0), recording.prepared.tapes)  # compiles
    bare_s = clock.least(sleeper, recording)[0]
    print(
        f"bare book, compiled desk      {bare_s / day:8.2f} s a coin-day, {recording.rows / bare_s / 1e6:5.1f} M rows/s"
    )
    library_s = bare_hftbacktest(recording)
    print(f"bare engine, hftbacktest      {library_s / day:8.2f} s a coin-day, reading the files included")
    for count in counts:
        models = tuple(replace(model, depth_factor=0.8 + 0.4 * number / count) for number in range(count))
        pass_s, whole_s = clock.least(FastSetup(models, instrument, history), recording)
        print(
            f"compiled desk, {count:4d} settings  {pass_s / day / count:8.3f} s a coin-day and setting in the pass, "
            f"{whole_s / day / count:7.3f} s in all; {recording.rows * count / pass_s / 1e6:5.1f} M rows x settings/s; "
            f"bare / one pass {bare_s / pass_s:.2f}"
        )


def show_bot(recording: Recording, model: StrategyModel) -> None:
    """The bot itself."""
    for kind in (HftbacktestEngine, ExchangeEngine):
        setup = ReplaySetup(model, recording.prepared.instrument, recording.history, kind)
        spent_s = least(lambda setup=setup: replay(setup, recording.prepared.tapes), repeats=2)  # type: ignore[misc]
        print(f"the bot, {model.name:13s} {kind.name:12s} {spent_s / recording.of_a_day:6.1f} s a coin-day")


def show_equal(recording: Recording, wanted: int, random_model: Callable[[Random], StrategyModel]) -> None:
    """Random settings by both."""
    model = random_model(Random(0))
    equal = orders = fills = done = 0
    random, instrument, history = Random(7), recording.prepared.instrument, recording.history
    while done < wanted:
        lags, models = random_lags(random), tuple(random_model(random) for _ in range(TOGETHER))
        results = fast_replay(FastSetup(models, instrument, history, lags), recording.prepared.tapes)
        for model, result in zip(models, results, strict=True):
            slow = replay(ReplaySetup(model, instrument, history, HftbacktestEngine, lags), recording.prepared.tapes)
            done, equal = done + 1, equal + (said(result) == said(slow))
            orders += sum(len(session.orders.price) for session in slow.sessions)
            fills += sum(len(session.fills.price) for session in slow.sessions)
    print(f"{model.name} equal to the bot: {equal} of {done} random settings, {orders} orders, {fills} fills")


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", default=ROOT.parent / "shared" / "data")
    parser.add_argument("--coin", default="ETH")
    parser.add_argument("--settings", type=int, nargs="*", default=(1, 10, 50, 200))
    parser.add_argument("--bots", nargs="*", default=("MarketMaking", "DepthAware"))
    parser.add_argument("--equal", type=int, default=0)
    options = parser.parse_args()
    if not options.data.exists():
        print(f"not measured: there are no recordings in {options.data}")
        return
    logging.disable(logging.INFO)
    section = {
        "market_data": str(options.data),
        "sides": "alternate",
        "model": {"order_notional": 20.0, "widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
        "quote": {"maximum_half_spread_bps": 1.5},
        "calibration": {"minimum_exposure_s": 120.0},
    }
    settings = Settings.from_section(section)
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(settings, options.coin, Path(folder), start_ms=FIRST_MS)
        recording = Recording(prepared, calibrations_for(settings, prepared, Path(folder)))
        minutes = recording.of_a_day * DAY_S / 60
        print(f"{options.coin}: {recording.rows} rows in {minutes:.0f} min, {len(recording.history)} calibrations")
        clock = PassClock()
        for name in ("MarketMaking", "DepthAware"):
            show_compiled(recording, load_model(name, settings, {}, ROOT / "user_data"), options.settings, clock)
        for name in options.bots:
            show_bot(recording, load_model(name, settings, {}, ROOT / "user_data"))
        if options.equal:
            for random_settings in (random_model, random_tiers):
                show_equal(recording, options.equal, random_settings)


if __name__ == "__main__":
    main()
