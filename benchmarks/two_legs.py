"""Two stock bots on two accounts rest both sides: sampled at the venue five times a second, each figure with its bound.

Usage: ``python benchmarks/two_legs.py [--minutes M] [--seed S] [--recording ROOT] [--coins C…] [--calm]``. The local
exchange, collector, calibrator, two stock Freqtrade processes and `mm guard` run. Unless ``--calm``, a leg is stopped
and started again, leaves by its stop-loss and by `/forceexit`, and is paused while the run goes on. What a leg does
on purpose is left out of the shares of time with both sides, and counted in everything about safety. So is the time in
which by the legs' own word only one side may rest: at the inventory bound, or while a risk rule pauses one.

A recording of one coin may be too short for half an hour. Several coins are played one after the other, each by two new
bots, and what goes wrong on purpose is shared out among them; the figures are those of all of them together. On a
recording the bots quote 2 bps from mid (``--half-spread``): as near as `mm demo` stands, they lose so often that the
rule for losing fills leaves one side to them for most of the time.
"""

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import requests

from market_making.market.errors import DataError
from market_making.market.names import perpetual_names
from market_making.ops.demo.command import schedule_of
from market_making.ops.demo.leg_samples import LegSamples, self_trades
from market_making.ops.demo.processes import Programs
from market_making.ops.demo.run import DemoOptions
from market_making.ops.demo.two_sided import Leg, TwoSidedDemo
from market_making.trading.decision_log import read_decisions
from market_making.trading.legs.leg_file import leg_path, read_leg
from market_making.trading.legs.sides import LegRoom, shared_sides

_RECOVERY_S = 5.0
_STOP_LOSS = -0.00005
_PATIENCE_S = 120.0
ONE_SIDED = "only one side may rest"
INCIDENTS = ("a paused leg", "/forceexit", "a stopped leg", "a stop-loss")
_SHARES = (0.1, 0.3, 0.5, 0.65)


class Bound(NamedTuple):
    """A figure, how it reads, and what it must be."""

    name: str
    value: float | None
    text: str
    holds: bool
    wanted: str


class Incident(NamedTuple):
    """What goes wrong on purpose, and after which share of the run it begins."""

    share: float
    play: Callable[[Programs], Iterator[str]]


class Outcome(NamedTuple):
    """What a run has come to; `audits` are the venue's last accounts of the legs, a pair for each run."""

    samples: LegSamples
    audits: tuple[Mapping[str, Mapping[str, Any]], ...]
    happened: tuple[str, ...]
    asked: frozenset[str]
    weight: float
    starts: int


class DisturbedRun(TwoSidedDemo):
    """Two legs, and what goes wrong with them on purpose.

    Parameters
    ----------
    options : DemoOptions
        What to play.
    wanted : sequence of str
        What goes wrong on purpose.
    half_spread_bps : float
        How far from mid the bots stand on a recording at most [bps].
    """

    def __init__(self, options: DemoOptions, wanted: Sequence[str], half_spread_bps: float) -> None:
        super().__init__(options, lambda text, share: print(f"{share:4.0%}  {text}", flush=True))
        self._half_spread_bps = half_spread_bps
        self.weight, self.starts = 0.0, 0
        self.happened: list[str] = []
        plays = (self._paused, self._forced, self._stopped, self._stop_loss)
        known = {name: Incident(share, play) for name, share, play in zip(INCIDENTS, _SHARES, plays, strict=True)}
        self._incidents = iter([known[name] for name in INCIDENTS if name in wanted])
        self._next = next(self._incidents, None)
        self._step: Iterator[str] | None = None
        self._until_s = 0.0

    def outcome(self) -> Outcome:
        """Sum up when the run is over."""
        asked = frozenset(market_orders(self))
        return Outcome(self.samples, (self.audits,), tuple(self.happened), asked, self.weight, self.starts)

    def _changes(self) -> dict[str, Any]:
        changes = super()._changes()
        return changes and changes | {"quote": {"maximum_half_spread_bps": self._half_spread_bps}}

    def _start_leg(self, programs: Programs, leg: Leg, *more: Path) -> None:
        self.starts += 1
        super()._start_leg(programs, leg, *more)

    def _during(self, programs: Programs, elapsed_s: float) -> None:
        """Go on with what goes wrong; between two incidents there is a quiet time."""
        statistics = requests.get(f"{self._url}/statistics", timeout=10).json()["weight"]["addresses"]
        self.weight = max(self.weight, *(usage["weight_in_worst_minute"] for usage in statistics.values()), 0.0)
        share = elapsed_s / (self.options.schedule.minutes * 60)
        if self._step is None:
            self.samples.during = self._ruled()
            if self._next is None or share < self._next.share:
                return
            self._step, self._until_s = self._next.play(programs), time.monotonic() + _PATIENCE_S
            self._next = next(self._incidents, None)
        name = next(self._step, None)
        if name == "":  # until the market brings the moment that an incident needs, its time does not run
            self._until_s = max(self._until_s, time.monotonic() + _PATIENCE_S)
        if name is None or time.monotonic() > self._until_s:
            self.happened.append(self.samples.during if name is None else f"{self.samples.during}: not finished")
            self._step, self.samples.during = None, self._ruled()
        else:
            self.samples.during = name or self._ruled()

    def _ruled(self) -> str:
        """Whether a rule leaves one side only; empty if both may rest."""
        return "" if all(map(self._both_may_rest, self.options.coins)) else ONE_SIDED

    def _paused(self, _: Programs) -> Iterator[str]:
        """The short leg may open nothing for 20 s while the long leg holds something."""
        yield from self._while(lambda: self._coins("long") == 0, "")
        with self.legs[1].api() as api:
            self._lock_all(api)
            yield from self._for(20.0, "a paused leg")
            api.unlock_all()
        yield from self._for(_RECOVERY_S, "a paused leg")

    def _forced(self, _: Programs) -> Iterator[str]:
        """`/forceexit` of a leg while its addition rests beside a position."""
        yield from self._while(lambda: self._adding() is None, "")
        leg = self._adding()
        assert leg is not None
        with leg.api() as api:
            api.force_exit()
        yield from self._while(lambda: self._coins(leg.name) != 0, "/forceexit")
        yield from self._for(_RECOVERY_S, "/forceexit")

    def _stopped(self, programs: Programs) -> Iterator[str]:
        """The long leg is stopped as by `docker stop` and started again."""
        yield "a stopped leg"
        self._stop(programs, self.legs[0].program)
        yield from self._for(15.0, "a stopped leg")
        self._start_leg(programs, self.legs[0])
        yield from self._until_quoted(self.legs[0], "a stopped leg")

    def _stop_loss(self, programs: Programs) -> Iterator[str]:
        """The short leg is started anew with a stop-loss so near that it acts; then it may open nothing for an hour."""
        self._until_s = inf  # when it acts is up to the market
        leg, tight = self.legs[1], self.files.folder / "tight.json"
        tight.write_bytes(orjson.dumps({"stoploss": _STOP_LOSS}))
        yield "a stop-loss"
        self._stop(programs, leg.program)
        before = self.audits[leg.name]["taker_fills"]
        self._start_leg(programs, leg, tight)
        yield from self._while(lambda: self.audits[leg.name]["taker_fills"] == before, "a stop-loss")
        self.happened.append("a stop-loss")
        self._stop(programs, leg.program)
        self._start_leg(programs, leg)
        while True:  # Freqtrade's own protection keeps the leg from opening for an hour
            yield "a stop-loss"

    def _both_may_rest(self, coin: str) -> bool:
        """Whether the rules of both legs, as they tell each other, leave a side to each; not known, they do."""
        now_ms = int(time.time() * 1e3)
        with contextlib.suppress(DataError):
            told = [read_leg(leg_path(self.files.folder / "legs", coin, leg.name), now_ms=now_ms) for leg in self.legs]
            return None not in shared_sides(*(LegRoom(leg.coins, leg.sides, leg.order) for leg in told))
        return True

    def _until_quoted(self, leg: Leg, name: str) -> Iterator[str]:
        yield from self._while(lambda: not self.audits[leg.name]["orders"], name)
        yield from self._for(_RECOVERY_S, name)

    def _while(self, holds: Callable[[], bool], name: str) -> Iterator[str]:
        while holds():
            yield name

    def _for(self, seconds: float, name: str) -> Iterator[str]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            yield name

    def _lock_all(self, api: Any) -> None:
        for coin in self.options.coins:
            api.lock(perpetual_names(coin).pair, "a pause on purpose")

    def _coins(self, leg: str) -> float:
        return sum(map(abs, self.audits[leg]["positions"].values()))

    def _adding(self) -> Leg | None:
        """The leg whose order would enlarge its position."""
        for leg in self.legs:
            audit = self.audits[leg.name]
            for order in audit["orders"]:
                held = audit["positions"].get(order["coin"], 0.0)
                if held and (held > 0) == (order["side"] == "B"):
                    return leg
        return None


def market_orders(run: TwoSidedDemo) -> set[str]:
    """Orders that leave at the market on purpose: by a stop-loss, `/forceexit`, or the end of the run."""
    lines = read_decisions(*sorted(run.files.decisions.glob("*.jsonl")))
    return {str(line.get("order_id")) for line in lines if line.get("tag") in ("stop_loss", "force_exit")}


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Several runs, each of another coin, as if they were one."""
    samples = LegSamples()
    samples.samples = [sample for outcome in outcomes for sample in outcome.samples.samples]
    samples.fills_s = sorted(fill for outcome in outcomes for fill in outcome.samples.fills_s)
    return Outcome(
        samples,
        tuple(audits for outcome in outcomes for audits in outcome.audits),
        tuple(name for outcome in outcomes for name in outcome.happened),
        frozenset[str]().union(*(outcome.asked for outcome in outcomes)),
        max(outcome.weight for outcome in outcomes),
        sum(outcome.starts for outcome in outcomes),
    )


def bounds(run: Outcome, wanted: Sequence[str]) -> Iterator[Bound]:
    """Every figure of the run with its bound."""
    if wanted:
        done = sum(name in run.happened for name in wanted)
        text = ", ".join(run.happened) or "nothing"
        yield Bound("on purpose", done, text, done == len(wanted), ", ".join(wanted))
    all_time, calm = run.samples.figures(), run.samples.figures(undisturbed=True)
    yield Bound("both sides, > 3 s after a fill", calm.settled, f"{calm.settled:.1%}", calm.settled >= 0.97, "≥ 97 %")
    rate = f"{calm.both:.1%} at {calm.fills_per_minute:.1f} fills a minute"
    yield Bound("both sides", calm.both, rate, calm.both >= 0.75 or calm.fills_per_minute > 10, "≥ 75 % (≤ 10 a min)")
    ruled = run.samples.share_during(ONE_SIDED)
    yield Bound("only one side may rest", ruled, f"{ruled:.1%}", True, "–")
    yield Bound("one side, none", calm.one, f"{calm.one:.1%}, {calm.none:.1%}", True, "–")
    back = calm.back_s
    text = "–" if back is None else f"{back:.2f} s"
    yield Bound("back on both sides after a fill", back, text, back is not None and back <= 2, "≤ 2 s median")
    yield Bound("both on one side", all_time.same, f"{all_time.same:.2%}", all_time.same <= 0.03, "≤ 3 %")
    longest = all_time.same_longest_s
    yield Bound("both on one side, longest", longest, f"{longest:.1f} s", longest <= 2, "≤ 2 s")
    yield Bound("gross > |net| + 2 lots", 0, f"{all_time.gross_beyond} samples", all_time.gross_beyond == 0, "0")
    yield Bound("legs cross each other", 0, f"{all_time.crossings} samples", all_time.crossings == 0, "0")
    yield Bound("two orders on a leg", 0, f"{all_time.double_orders} samples", all_time.double_orders == 0, "0")
    traded = sum(map(self_trades, run.audits))
    yield Bound("self-trades", traded, str(traded), traded == 0, "0")
    takers = [fill for audit in _legs(run) for fill in audit["fills"] if fill["is_taker"]]
    stray = [fill for fill in takers if str(fill["oid"]) not in run.asked]
    yield Bound(
        "taker fills", len(stray), f"{len(stray)} (and {len(takers) - len(stray)} asked for)", not stray, "0 unasked"
    )
    idle = all_time.idle_capital
    yield Bound("gross ≥ 2 with net 0", idle, f"{idle:.1%}", idle <= 0.25, "≤ 25 %")
    yield Bound("weight in a minute, both legs", run.weight, f"{run.weight:.0f}", run.weight <= 1200, "≤ 1,200")
    yield from _actions(run)


def _legs(run: Outcome) -> list[Mapping[str, Any]]:
    return [audit for audits in run.audits for audit in audits.values()]


def _actions(run: Outcome) -> Iterator[Bound]:
    audits = _legs(run)
    placed, cancels = (sum(audit[name] for audit in audits) for name in ("orders_placed", "cancels"))
    kinds: dict[str, int] = {}
    for audit in audits:
        for kind, number in audit["actions_by_type"].items():
            kinds[kind] = kinds.get(kind, 0) + number
    actions = sum(audit["actions"] for audit in audits)
    mean = actions / placed if placed else 0.0
    yield Bound("actions per order", mean, f"{mean:.2f} ({actions} for {placed})", mean <= 1.7, "≤ 1.7")
    rejected = sum(audit["rejected"] for audit in audits)
    leverage, most = kinds.get("UpdateLeverage", 0), 2 * run.starts
    gone = actions - placed - cancels - rejected - leverage
    text = f"{leverage} leverage settings; {placed} placed, {cancels} cancelled, {rejected} rejected, {gone} were gone"
    yield Bound("a re-quote is cancel and place", leverage, text, leverage <= most, f"≤ {most}, two a start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long the bots trade, of each coin")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recording", type=Path)
    parser.add_argument("--coins", nargs="+", default=["ETH"], metavar="COIN")
    parser.add_argument("--half-spread", type=float, default=2.0, metavar="BPS")
    parser.add_argument("--calm", action="store_true")
    given = parser.parse_args()
    if len(set(given.coins)) < len(given.coins):
        parser.error(f"each coin is played once, got {' '.join(given.coins)}")
    wanted = () if given.calm else INCIDENTS
    outcomes, failures = [], []
    for number, coin in enumerate(given.coins):
        outcome, failed = play(given, coin, wanted[number :: len(given.coins)])
        outcomes.append(outcome)
        failures += failed
    run = together(outcomes)
    missed = 0
    for bound in bounds(run, wanted):
        missed += not bound.holds
        print(f"{'pass' if bound.holds else 'FAIL'}  {bound.name:32s} {bound.text:40s} {bound.wanted}")
    print(f"failures of the run: {failures or 'none'}")
    raise SystemExit(1 if missed or failures else 0)


def play(given: argparse.Namespace, coin: str, wanted: Sequence[str]) -> tuple[Outcome, list[str]]:
    """Play one coin; return what it came to, and what went wrong with the programs."""
    schedule = schedule_of(given.recording, (coin,), given.minutes)
    print(schedule.shortened)
    run = DisturbedRun(DemoOptions(schedule, (coin,), given.seed, given.recording), wanted, given.half_spread)
    seen = run.run()
    run.samples.write(run.files.folder / "samples.jsonl")
    print(f"\n{coin}: {seen.traded_s / 60:.1f} minutes, {len(run.samples.samples)} samples; {run.files.folder}")
    calm = run.samples.figures(undisturbed=True)
    ruled = run.samples.share_during(ONE_SIDED)
    print(
        f"on purpose: {run.happened or 'nothing'}; both sides > 3 s after a fill {calm.settled:.1%}; ruled {ruled:.1%}"
    )
    for leg, audit in run.audits.items():
        print(f"{leg}: net {audit['net_pnl']:+.4f}, fees {audit['fees']:.4f}, {len(audit['fills'])} fills", flush=True)
    return run.outcome(), list(seen.failures)


if __name__ == "__main__":
    main()
