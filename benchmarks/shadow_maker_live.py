"""Claim: the shadow maker has the fills and the net per fill of the real bot.

Stock `freqtrade trade` three times at once on one local exchange, as far away as the real one: without the edge, with
it, and with edge and guard. All stand 3.5 bps from mid in a simulated market that wanders by 1.5 bps/√s, one side at a
time. Afterwards the recorded market is replayed by the shadow maker at the same depth, with the timing that each bot's
own decision log tells. Printed for each bot: fills an hour and net per fill one second on, before the fee, of both,
and their difference with its 95 % interval, from what both did in the same 15 s; * where that does not hold 0. Then the
same for all runs of a kind of bot together, which see what no single run does. Status 1 if more lie outside than chance
explains, one by one or together.

    python benchmarks/shadow_maker_live.py [--minutes N] [--keep FOLDER] [SEED…]
    python benchmarks/shadow_maker_live.py --kept FOLDER    # compare again what was kept
"""

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.stats import binom

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from calibration.estimators.adverse_selection import CLUSTER_MS  # noqa: E402
from calibration.estimators.estimate import Estimate  # noqa: E402
from calibration.estimators.shadow_maker import Fills, age_cost, shadow_fills  # noqa: E402
from calibration.estimators.shadow_quote import Timing  # noqa: E402
from calibration.flow.shadow import rules_of, share_of_both  # noqa: E402
from calibration.observation.increments import infer_increments  # noqa: E402
from calibration.observation.observations import ObservedWindow, observe  # noqa: E402
from market_making.market.sides import Direction  # noqa: E402
from market_making.market.tape import QuoteTape  # noqa: E402
from market_making.ops.demo.comparison import Comparison, Lane  # noqa: E402
from market_making.ops.demo.run import DemoOptions  # noqa: E402
from market_making.ops.demo.schedule import Schedule  # noqa: E402
from market_making.ops.demo.signals import ended_by_signals  # noqa: E402
from market_making.recording.store.tick_store import TickStore  # noqa: E402
from market_making.replay.reconciliation.logged import find_logs, read_run  # noqa: E402
from market_making.settings.settings import Settings  # noqa: E402
from market_making.trading.timing import recorded_timing  # noqa: E402

COIN, DEPTH_BPS, VOLATILITY_BPS = "ETH", 3.5, 1.5
HORIZON_MS = 1_000
_HOUR_MS = 3_600_000
_95 = 1.96
NOTE = "shadow.json"


class Timed(Comparison):
    """A comparison that remembers when it was traded [ms]."""

    start_ms = end_ms = 0

    def _trade(self, programs: Any) -> None:
        self.start_ms = time.time_ns() // 1_000_000
        super()._trade(programs)
        self.end_ms = time.time_ns() // 1_000_000

    def noted(self) -> dict[str, Any]:
        """Everything that is needed to compare."""
        lanes = [self._lane_noted(lane) for lane in self.lanes]
        return {"start_ms": self.start_ms, "end_ms": self.end_ms, "lanes": lanes}

    @staticmethod
    def _lane_noted(lane: Lane) -> dict[str, Any]:
        return {"name": lane.variant.name, "edge": lane.variant.edge, "slug": lane.slug, "fills": lane.fills}


def trade(seed: int, minutes: float, root: Path) -> Path:
    """Let the bots trade one market, and note what they did in its folder."""
    bounds = {"minimum_half_spread_bps": DEPTH_BPS, "maximum_half_spread_bps": DEPTH_BPS}
    with ended_by_signals():
        options = DemoOptions(Schedule(minutes), (COIN,), seed, root=root)
        run = Timed(options, lambda *_: None, volatility_bps=VOLATILITY_BPS, quote=bounds)
        for failure in run.run().failures:
            print(f"seed {seed}: {failure}")
    folder = run.files.folder
    (folder / NOTE).write_text(json.dumps(run.noted()))
    return folder


def filled(fills: list[dict[str, Any]], quotes: QuoteTape, start_ms: int, end_ms: int) -> Fills:
    """The orders of a bot that were filled: the first part of each, and what it made a second later [price]."""
    first = {fill["oid"]: fill for fill in reversed(fills) if start_ms <= fill["time_ms"] <= end_ms}
    times = np.array([fill["time_ms"] for fill in first.values()], dtype=np.int64)
    order = np.argsort(times, kind="stable")
    sign = np.array([1.0 if fill["side"] == "sell" else -1.0 for fill in first.values()])
    price = np.array([fill["price"] for fill in first.values()])
    later = quotes.mid[np.searchsorted(quotes.time_ms, times + HORIZON_MS, side="right") - 1]
    return Fills(times[order], (sign * (price - later))[order])


class Outcome(NamedTuple):
    """Fills an hour and net per fill [bps] of the bot, of its shadow, and the difference with its interval."""

    name: str
    rates: tuple[float, float, Estimate]
    nets: tuple[float, float, Estimate]


def rate_difference(bot: Fills, shadow: Fills, share: float, hours: float) -> Estimate:
    """How many more fills an hour the bot had; what both did in the same 15 s is one observation."""
    if not len(bot.time_ms) + len(shadow.time_ms):
        return Estimate(0.0, 0.0, 0.0, 0)
    origin = min(int(fills.time_ms.min()) for fills in (bot, shadow) if len(fills.time_ms)) // CLUSTER_MS
    size = max(int(fills.time_ms.max()) for fills in (bot, shadow) if len(fills.time_ms)) // CLUSTER_MS - origin + 1
    counts = [np.bincount(fills.time_ms // CLUSTER_MS - origin, minlength=size) for fills in (bot, shadow)]
    each = counts[0] - share * counts[1]
    value, width = float(each.sum()) / hours, _95 * float(np.std(each, ddof=1)) * np.sqrt(size) / hours
    return Estimate(value, float(value - width), float(value + width), len(bot.time_ms))


def settings_of(decisions: Path) -> Settings:
    """The settings that a bot traded with, as far as its shadow needs them: from the begin of its own log."""
    traded = read_run(find_logs(decisions)).header["settings"]
    return Settings(edge=traded["edge"], quote=traded["quote"])


class Bot(NamedTuple):
    """What one bot did, and how."""

    name: str
    fills: Fills
    settings: Settings
    timing: Timing | None


def compare(observed: ObservedWindow, tick: float, bot: Bot) -> Outcome:
    """Replay the market with one bot's rules and timing."""
    bps = observed.mid / 1e4
    rules = rules_of(bot.settings, observed.mid, bot.timing)
    sides = [shadow_fills(observed.seconds, observed.orders, way, DEPTH_BPS * bps, tick, rules) for way in Direction]
    shadow, share = sides[0].followed_by(sides[1]), share_of_both(sides, rules)
    hours = (observed.end_ms - observed.start_ms) / _HOUR_MS
    more = rate_difference(bot.fills, shadow, share, hours)
    net = age_cost(bot.fills, shadow) or Estimate(0.0, -np.inf, np.inf, 0)
    better = Estimate(net.value / bps, net.low / bps, net.high / bps, net.n)
    rates = len(bot.fills.time_ms) / hours, share * len(shadow.time_ms) / hours
    return Outcome(bot.name, (*rates, more), (bot.fills.mean.value / bps, shadow.mean.value / bps, better))


def judge(folder: Path) -> list[Outcome]:
    """All bots of one run."""
    note = json.loads((folder / NOTE).read_text())
    start_ms, end_ms = note["start_ms"], note["end_ms"]
    tape = TickStore(folder / "market_data").tape(COIN, start_ms, end_ms)
    tick = infer_increments(tape.quotes).tick
    observed, found = observe(tape, tick), []
    for lane in note["lanes"]:
        decisions = folder / lane["slug"] / "decisions"
        settings = settings_of(decisions)
        timing = recorded_timing(decisions, settings.edge)
        fills = filled(lane["fills"], tape.quotes, start_ms, end_ms)
        found.append(compare(observed, tick, Bot(lane["name"], fills, settings, timing)))
        show(found[-1], "usual timing" if timing is None else "timing [ms] " + " ".join(f"{ms:.0f}" for ms in timing))
    return found


def show(outcome: Outcome, told: str) -> None:
    """Print a line."""
    cells = []
    for unit, digits, (bot, shadow, more) in (("/h", 0, outcome.rates), (" bps", 2, outcome.nets)):
        holds = "" if more.low <= 0 <= more.high else " *"
        width = (more.high - more.low) / 2
        cells.append(
            f"{bot:7.{digits}f} {shadow:7.{digits}f}{unit}, {more.value:+.{digits}f} ± {width:.{digits}f}{holds}"
        )
    print(f"{outcome.name:15s} fills bot, shadow {cells[0]:38s} net {cells[1]:36s} {told}", flush=True)


def main() -> int:
    """Trade, compare, and count what lies outside."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--keep", type=Path, help="Folder in which the runs stay")
    parser.add_argument("--kept", type=Path, help="Folder with runs that were kept")
    parser.add_argument("seeds", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    logging.getLogger("freqtrade").setLevel(logging.ERROR)
    found: list[Outcome] = []
    if options.kept:
        for note in sorted(options.kept.rglob(NOTE)):
            print(note.parent)
            found += judge(note.parent)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            for seed in options.seeds:
                print(f"seed {seed}")
                found += judge(trade(seed, options.minutes, (options.keep or Path(temporary)) / f"seed-{seed}"))
    return summed_up(found)


def together(runs: Sequence[Outcome]) -> Outcome:
    """All runs of one kind of bot, each its own market; the errors of their mean are those of independent runs."""

    def mean(which: Literal["rates", "nets"]) -> tuple[float, float, Estimate]:
        bots, shadows, mores = zip(*(getattr(outcome, which) for outcome in runs), strict=True)
        more = float(np.mean([each.value for each in mores]))
        width = float(np.linalg.norm([(each.high - each.low) / 2 for each in mores])) / len(runs)
        return float(np.mean(bots)), float(np.mean(shadows)), Estimate(more, more - width, more + width, len(runs))

    return Outcome(runs[0].name, mean("rates"), mean("nets"))


def outside(found: Sequence[Outcome], what: str) -> bool:
    """Print how many differences lie outside their interval, and tell whether they are more than chance explains."""
    every = [more for outcome in found for *_, more in (outcome.rates, outcome.nets)]
    count = sum(not more.low <= 0 <= more.high for more in every)
    allowed = int(binom.ppf(0.95, len(every), 0.05))
    print(f"{len(found)} {what}: {count} of {len(every)} differences outside their interval, allowed {allowed}")
    return count > allowed


def summed_up(found: list[Outcome]) -> int:
    """Say how many differences lie outside, and what all runs say together."""
    if not found:
        print("no run was kept there")
        return 1
    is_off = outside(found, "runs of a bot")
    kinds = [together([one for one in found if one.name == name]) for name in dict.fromkeys(one.name for one in found)]
    for kind in kinds:
        show(kind, f"{kind.rates[2].n} runs together")
    return int(outside(kinds, "kinds of bots") or is_off)


if __name__ == "__main__":
    raise SystemExit(main())
