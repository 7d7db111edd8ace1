"""Claim: the record of a bot is the truth: its fills are the venue's, its places come from the plans they name.

Each run is the whole product on the local venue: collector, calibrator, stock `freqtrade trade`. Afterwards the log is
held against the venue's own account, and every plan in it is made again.
"""

import argparse
import logging
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.ops.demo.audit import decisions_in, unrecorded  # noqa: E402
from market_making.ops.demo.files import ApiAccess, showy, write_config  # noqa: E402
from market_making.ops.demo.run import Demo, DemoOptions  # noqa: E402
from market_making.ops.demo.schedule import Schedule  # noqa: E402
from market_making.trading.decision_log import Event  # noqa: E402
from market_making.trading.freqtrade.logged_model import LoggedModels  # noqa: E402
from market_making.trading.remade import remade  # noqa: E402
from tests.record_laws import disordered, miscounted, misplaced, mistimed  # noqa: E402

RECORDINGS = ROOT.parent / "shared" / "data"
EVENTS = (Event.PLACE, Event.PLACED, Event.REFUSED, Event.CANCELLED, Event.FILL)
COLUMNS = (*EVENTS, "venue's fills", "orders in parts", "plans", "plans equal")


class Run(NamedTuple):
    """One run: strategy, seed of the simulated market or none for the recording, value of an order [USDC]."""

    strategy: str
    seed: int | None
    notional: float

    def __str__(self) -> str:
        market = "recorded" if self.seed is None else f"seed {self.seed}"
        return f"{self.strategy}, {market}, {self.notional:g} USDC"


RUNS = (
    Run("MarketMaking", 1, 100.0),
    Run("MarketMaking", 2, 3000.0),  # larger than most market orders, so that it is filled in parts
    Run("AvellanedaStoikov", 3, 1000.0),
    Run("DepthAware", 4, 100.0),
    Run("LadderCurve", 5, 1000.0),
    Run("TrendSkew", 6, 100.0),
    Run("AvellanedaStoikov", None, 100.0),
    Run("LadderCurve", None, 3000.0),
)


class SizedDemo(Demo):
    """A demo with an order size of its own."""

    notional = 100.0

    def _write_config(self) -> None:
        changes = showy(self.options.schedule.minimum_exposure_s) if self.options.recording else {}
        changes |= {"model": changes.get("model", {}) | {"order_notional": self.notional}}
        write_config(self.files, self.credentials, self.options.coins, ApiAccess(self._url, self.api_port), changes)


def main() -> None:
    """Make the runs, print a row each and what differs; status 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--runs", type=int, nargs="*", default=range(len(RUNS)), help="Numbers of the runs, from 0.")
    arguments = parser.parse_args()
    known = [RUNS[each] for each in arguments.runs if RUNS[each].seed is not None or RECORDINGS.is_dir()]
    print("| run |", " | ".join(COLUMNS), "|\n|---|" + "---|" * len(COLUMNS), flush=True)
    good = [_run(run, arguments.minutes) for run in known]
    raise SystemExit(not all(good))


def _run(run: Run, minutes: float) -> bool:
    """Make one run and print its row."""
    with tempfile.TemporaryDirectory() as folder:
        recording = None if run.seed is not None else RECORDINGS
        root, seed = Path(folder), run.seed or 1
        options = DemoOptions(Schedule(minutes), ("ETH",), seed, recording, root=root, strategy=run.strategy)
        demo = SizedDemo(options, lambda *_: None)
        demo.notional = run.notional
        seen = demo.run()
        lines = decisions_in(demo.files.decisions)
    plans = list(remade(lines, LoggedModels(ROOT / "user_data")))
    equal = sum(plan.is_equal for plan in plans)
    wrong = [*seen.failures, *unrecorded(lines, seen.fills), *disordered(lines), *misplaced(lines), *mistimed(lines)]
    wrong += [*miscounted(lines, seen.audit), *([] if equal == len(plans) else ["a plan made again is another"])]
    counts = Counter(line["event"] for line in lines)
    parts = Counter(line["order_id"] for line in lines if line["event"] is Event.FILL)
    several = sum(number > 1 for number in parts.values())
    cells = [*(counts[event] for event in EVENTS), len(seen.fills), several, len(plans), equal]
    print(f"| {run} |", " | ".join(map(str, cells)), "|", "; ".join(wrong), flush=True)
    return not wrong


if __name__ == "__main__":
    logging.getLogger("freqtrade").setLevel(logging.ERROR)
    main()
