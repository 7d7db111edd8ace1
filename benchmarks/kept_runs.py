"""Runs of the whole product on the local venue, kept with all that they leave: for `replay_equals_life.py`."""

import logging
from collections.abc import Sequence
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from market_making.ops.demo.command import schedule_of
from market_making.ops.demo.run import Demo, DemoOptions, Observations
from market_making.ops.demo.signals import ended_by_signals
from market_making.ops.demo.two_sided import TwoSidedDemo

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data"
FILLS = "venue-fills.json"


class Run(NamedTuple):
    """One run: strategy, seed of the simulated market or the recorded coin, value of an order [USDC]."""

    strategy: str
    market: int | str
    notional: float = 100.0
    two_sided: bool = False

    @property
    def name(self) -> str:
        """As in the table."""
        legs = " two legs" if self.two_sided else ""
        return f"{self.strategy}{legs}, {'seed ' if isinstance(self.market, int) else ''}{self.market}"

    def folder(self, root: Path) -> Path:
        """Where it is kept: without the commas, at which `mm guard` parts the files of a bot."""
        return root / self.name.replace(",", "")


RUNS = (
    Run("MarketMaking", 1),
    Run("AvellanedaStoikov", 2),
    Run("Glft", 3),
    Run("DepthAware", 4),
    Run("MarketMaking", 6),
    Run("AvellanedaStoikov", 7),
    Run("MarketMaking", "ETH"),
    Run("AvellanedaStoikov", "SOL"),
    Run("MarketMaking", 5, two_sided=True),
    Run("MarketMaking", "BTC", two_sided=True),
)


class _Sized(Demo):
    """With an order size of its own."""

    notional = 100.0

    def _changes(self) -> dict[str, Any]:
        changes = super()._changes()
        return changes | {"model": changes.get("model", {}) | {"order_notional": self.notional}}


class SizedDemo(_Sized):
    """One bot."""


class SizedLegs(TwoSidedDemo, _Sized):
    """Two legs."""

    def _wind_down(self, *arguments: Any) -> None:
        super()._wind_down(*arguments)
        self.seen.fills = [fill for audit in self.audits.values() for fill in audit["fills"]]


def play(run: Run, minutes: float, root: Path) -> None:
    """Let it happen, and keep everything."""
    logging.getLogger("freqtrade").setLevel(logging.ERROR)
    recorded = isinstance(run.market, str)
    coins = (str(run.market),) if recorded else ("ETH",)
    recording = RECORDINGS if recorded else None
    seed = 1 if isinstance(run.market, str) else run.market
    schedule = schedule_of(recording, coins, minutes)
    options = DemoOptions(schedule, coins, seed, recording, root=run.folder(root), strategy=run.strategy)
    demo = (SizedLegs if run.two_sided else SizedDemo)(options, lambda *_: None)
    demo.notional = run.notional
    with ended_by_signals():
        seen: Observations = demo.run()
    (demo.files.folder / FILLS).write_bytes(orjson.dumps(seen.fills))
    for failure in seen.failures:
        print(f"{run.name}: {failure}", flush=True)


def play_all(runs: Sequence[Run], minutes: float, at_once: int, root: Path) -> None:
    """Play some at once, the next when all of them have ended."""
    rest, context = iter(runs), get_context("spawn")
    while batch := list(islice(rest, at_once)):
        started = [context.Process(target=play, args=(run, minutes, root)) for run in batch]
        for process in started:
            process.start()
        try:
            for process in started:
                process.join()
        finally:
            for process in started:
                process.terminate()
        print("played:", "; ".join(run.name for run in batch), flush=True)
