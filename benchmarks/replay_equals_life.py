"""Claim: a replay of a live run comes to what the run came to: its fills, its plans, its money.

Usage: ``python benchmarks/replay_equals_life.py [--minutes 10] [--at-once 2] [--runs 0 3] [--folder FOLDER] [--kept]``.
Each run is the whole product on the local venue: collector, calibrator, stock ``freqtrade trade``; two legs are two
bots, a guard beside them. Afterwards each bot is held against the recording of its own run, without its orders:

* (a) its quotes, order by order, on both engines: filled orders that match in side and price, in size too on the
  exchange, and the money they brought;
* (b) its plans, from its log to the last bit, and from nothing but recording and history, what is held being known:
  the same side, within two ticks;
* (c) the bot on its own, replayed with the latencies that were measured, in several draws of them: filled orders,
  spread captured per volume, and net, live less replayed, with the interval that the half minutes of the run give it.
  Of runs with fewer than 30 filled orders chance alone is more than what is allowed; they count in the sum of the net.

With ``--folder`` the runs are kept; ``--kept`` holds those that were kept before against their replays once more.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from scipy.special import stdtrit
from scipy.stats import binom

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from kept_runs import FILLS, RECORDINGS, RUNS, Run, play_all  # noqa: E402

from market_making.market.errors import MarketMakingError  # noqa: E402
from market_making.market.sides import Side  # noqa: E402
from market_making.market.tape import FloatArray  # noqa: E402
from market_making.quoting.quote import MarketView  # noqa: E402
from market_making.replay.bot.as_of import CalibrationsAsOf  # noqa: E402
from market_making.replay.bot.lags import LagProfile, Lags  # noqa: E402
from market_making.replay.bot.run import ReplaySetup, replay  # noqa: E402
from market_making.replay.engines.engine import EngineSettings  # noqa: E402
from market_making.replay.engines.exchange import ExchangeEngine  # noqa: E402
from market_making.replay.engines.hftbacktest import HftbacktestEngine  # noqa: E402
from market_making.replay.preparation import Prepared, prepare, published_calibrations  # noqa: E402
from market_making.replay.reconciliation.free import in_phases  # noqa: E402
from market_making.replay.reconciliation.lags import measured_lags  # noqa: E402
from market_making.replay.reconciliation.logged import LoggedRun, find_logs, footprint_of, read_run  # noqa: E402
from market_making.replay.reconciliation.quotes import Matched, match_quotes  # noqa: E402
from market_making.replay.result import Fills, fills_of  # noqa: E402
from market_making.replay.tape.cache import SessionTape  # noqa: E402
from market_making.settings.settings import Settings  # noqa: E402
from market_making.trading.freqtrade.logged_model import LoggedModels  # noqa: E402
from market_making.trading.plan import Plan, Planner  # noqa: E402
from market_making.trading.remade import RemadePlan, remade  # noqa: E402
from market_making.trading.strategy_model import StrategyModel  # noqa: E402

AROUND_MS, DEEP, NEAR_TICKS, BLOCK_MS = 5_000, 10, 2, 30_000
MATCHED, SAME_NET, NEAR_PLANS, SAME_FILLS, SAME_SPREAD, ENOUGH_FILLS = 0.98, 0.01, 0.97, 0.15, 0.05, 500
FEWEST_FILLS, ENOUGH_RUNS = 30, 5  # with fewer, chance alone is more than what is allowed


@dataclass
class Bot:
    """One bot of a run that was kept: its log, its recording without own orders, its calibrations."""

    folder: Path
    log: Path
    cache: Path

    @cached_property
    def logged(self) -> LoggedRun:
        """The log."""
        return read_run([self.log])

    @cached_property
    def models(self) -> LoggedModels:
        """Models that the log names."""
        return LoggedModels(ROOT / "user_data")

    @cached_property
    def strategy(self) -> StrategyModel:
        """The strategy of the run, with the fee that it paid."""
        fees = [line["maker_fee"] for line in self.logged.lines if line["event"] == "basis"]
        return self.models.strategy(self.logged.header, float(fees[-1]))

    @cached_property
    def settings(self) -> Settings:
        """Settings with the folders of the run."""
        places = {"market_data": self.folder / "market_data", "parameters": self.folder / "parameters"}
        return self.strategy.settings.model_copy(update=places)

    @cached_property
    def prepared(self) -> Prepared:
        """The recording without the orders of all bots of the run."""
        bounds = {"start_ms": self.logged.start_ms - AROUND_MS, "end_ms": self.logged.end_ms + AROUND_MS}
        own = footprint_of(find_logs(self.folder / "decisions"), self.logged)
        return prepare(self.settings, self.logged.coin, self.cache, **bounds, own=own)

    @cached_property
    def measured(self) -> dict[str, Any]:
        """The latencies of the log."""
        return measured_lags(self.logged)

    @cached_property
    def setup(self) -> ReplaySetup:
        """A replay with them."""
        history = published_calibrations(self.settings.parameters, self.settings, self.prepared)
        measured = self.measured
        return ReplaySetup(
            self.strategy, self.prepared.instrument, history, ExchangeEngine, lambda: LagProfile(Lags(), measured)
        )

    @property
    def is_leg(self) -> bool:
        """Whether it is one of two."""
        return self.strategy.settings.role.leg is not None

    def matched(self) -> list[Matched]:
        """(a), on each engine."""
        fee = self.strategy.settings.model.maker_fee
        engines = ExchangeEngine, HftbacktestEngine
        return [match_quotes(self.logged, self.prepared.tapes, self.prepared.instrument, fee, kind) for kind in engines]

    def plans(self) -> Iterator[RemadePlan]:
        """Every plan of the log, made again."""
        return remade(self.logged.lines, self.models)

    def from_recording(self) -> Iterator[bool]:
        """(b): whether each plan comes out alike from recording and history."""
        known = CalibrationsAsOf(self.setup.history, self.strategy, self.prepared.instrument)
        feed_ms, plans = round(float(self.measured["feed_ms"][0])), list(self.plans())
        for tape in self.prepared.tapes:
            engine = HftbacktestEngine(tape, EngineSettings(self.prepared.instrument))
            for each in plans:
                planner = each.made.planner
                if not tape.span.start_ms < planner.now_ms - feed_ms < tape.span.end_ms:
                    continue
                engine.advance(planner.now_ms - feed_ms)
                bids, asks = (engine.levels(side, DEEP) for side in Side)
                seen = replace(planner.market.observations, bids=bids, asks=asks)
                market = MarketView(*bids[0][:2], *asks[0][:2], planner.market.time_ms, seen)
                yield self._is_near(each, replace(planner, market=market), known)
            engine.close()

    @staticmethod
    def _is_near(each: RemadePlan, planner: Planner, known: CalibrationsAsOf) -> bool:
        made, again = each.made, None
        with suppress(MarketMakingError):
            published = known.at(planner.now_ms)
            planner = replace(
                planner, flow=published.flow, quoter=published.quoter, lot=published.lot, regime=published.regime
            )
            again = planner.plan(made.holding, made.restraints)
        return again is not None and are_near(made.plan, again, planner.instrument.tick(made.plan.mid))

    def live_sums(self) -> "Sums":
        """What the venue says of the run."""
        told = orjson.loads((self.folder / FILLS).read_bytes())
        own = {order.order_id for order in self.logged.orders}
        fills = [each for each in told if str(each["oid"]) in own]
        found = []
        for tape in self.prepared.tapes:
            inside = [each for each in fills if tape.span.start_ms <= each["time_ms"] <= tape.span.end_ms]
            mids = tape.touch().mid_before(np.array([each["time_ms"] for each in inside], dtype=np.int64)).tolist()
            rows = (
                (each["time_ms"], each["oid"], 0, 1 if each["side"] == "buy" else -1, each["price"], each["size"],
                 each["fee_value"], not each["is_taker"], mid)
                for each, mid in zip(inside, mids, strict=True)
            )  # fmt: skip
            found.append(Sums.of(tape, fills_of(list(rows))))
        return Sums.together(found)

    def replayed_sums(self) -> list["Sums"]:
        """(c): the same of the bot replayed, in each draw of its latencies."""
        found = []
        for setup in in_phases(self.setup):
            pairs = zip(self.prepared.tapes, replay(setup, self.prepared.tapes).sessions, strict=True)
            found.append(Sums.together([Sums.of(tape, session.fills) for tape, session in pairs]))
        return found


def are_near(one: Plan, other: Plan, tick: float) -> bool:
    """Whether both plans want the same side within two ticks, or both nothing."""
    if one.order is None or other.order is None:
        return one.order is other.order
    return one.order.side is other.order.side and abs(one.order.price - other.order.price) < (NEAR_TICKS + 0.5) * tick


class Sums(NamedTuple):
    """Filled orders, spread captured, volume [quote currency], and net in each half minute [quote currency]."""

    fills: int
    spread: float
    volume: float
    nets: FloatArray

    @property
    def captured_bps(self) -> float:
        """Spread captured [bps of the volume]."""
        return 1e4 * self.spread / self.volume if self.volume else 0.0

    @property
    def net(self) -> float:
        """After fees, what is held valued at mid [quote currency]."""
        return float(self.nets.sum())

    @classmethod
    def of(cls, tape: SessionTape, fills: Fills) -> "Sums":
        """Of the fills of a session."""
        edges = np.arange(tape.span.start_ms, tape.span.end_ms + BLOCK_MS, BLOCK_MS)
        until, bought = fills.time_ms.searchsorted(edges, side="right"), fills.sign * fills.size
        held, cash = (np.r_[0.0, np.cumsum(each)][until] for each in (bought, -bought * fills.price - fills.fee))
        nets = np.diff(cash + np.where(held != 0, held * tape.touch().mid_before(edges), 0.0))
        spread = float((bought * (fills.mid - fills.price)).sum())
        return cls(len(set(fills.order.tolist())), spread, float((fills.price * fills.size).sum()), nets)

    @classmethod
    def together(cls, parts: Sequence["Sums"]) -> "Sums":
        """Of all sessions."""
        fills, spread, volume, _ = map(sum, zip(*(each._replace(nets=np.zeros(0)) for each in parts), strict=True))
        return cls(fills, spread, volume, np.concatenate([each.nets for each in parts]))


def bots_in(root: Path, run: Run, cache: Path) -> list[Bot]:
    """The bots of a run that was kept."""
    folder = max(run.folder(root).iterdir())
    return [Bot(folder, log, cache) for log in find_logs(folder)]


def show_quotes(found: Sequence[tuple[str, Bot]]) -> bool:
    """(a): print a row a bot and the sums; return whether they hold."""
    print("\n(a) logged quotes on both engines")
    print("| bot | engine | filled live | matched | in size | more in replay | net live | replayed | of the matched |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    sums: dict[str, np.ndarray[Any, Any]] = {}
    for name, bot in found:
        for each in bot.matched():
            cells = each.fills_live, each.fills_matched, each.sizes_equal, each.fills_extra
            nets = each.net_live, each.net_replayed, each.matched_live, each.matched_replayed
            told = f"{nets[0]:.4f} | {nets[1]:.4f} | {nets[2]:.4f}, {nets[3]:.4f} |"
            print(f"| {name} | {each.engine} | {' | '.join(map(str, cells))} | {told}")
            for cause, times in each.causes.items():
                print(f"    {times} × {cause}")
            sums[each.engine] = sums.get(each.engine, np.zeros(8)) + np.array([*cells, *nets])
    good = True
    for engine, (live, matched, in_size, extra, net, again, of_matched, matched_again) in sums.items():
        apart = abs(matched_again - of_matched) / abs(of_matched)
        holds = live >= ENOUGH_FILLS and matched >= MATCHED * live and apart <= SAME_NET
        holds = holds and (engine != ExchangeEngine.name or in_size == matched)
        print(
            f"{engine}: {matched:.0f} of {live:.0f} filled orders matched ({matched / live:.1%}), "
            f"{in_size:.0f} in size, {extra:.0f} more; net {net:.4f} and {again:.4f}, "
            f"of the matched {of_matched:.4f} and {matched_again:.4f}, {apart:.2%} apart: {_said(holds)}"
        )
        good = good and holds
    return good


def show_plans(found: Sequence[tuple[str, Bot]]) -> bool:
    """(b): print a row a bot and the sums; return whether they hold."""
    print(
        "\n(b) plans made again\n| bot | plans | equal from the log | from recording and history | within two ticks |"
    )
    print("|---|---|---|---|---|", flush=True)
    sums = np.zeros(4)
    for name, bot in found:
        exact, near = [plan.is_equal for plan in bot.plans()], list(bot.from_recording())
        print(f"| {name} | {len(exact)} | {sum(exact)} | {len(near)} | {sum(near)} |", flush=True)
        sums += len(exact), sum(exact), len(near), sum(near)
    plans, equal, tried, alike = sums
    holds = equal == plans and alike >= NEAR_PLANS * tried
    print(f"{equal:.0f} of {plans:.0f} to the last bit; {alike / tried:.1%} within two ticks: {_said(holds)}")
    return bool(holds)


def show_free(found: Sequence[tuple[str, Bot]]) -> bool:
    """(c): print a row a bot on its own; return whether all hold."""
    print("\n(c) replayed freely")
    print("| bot | fills live | replayed | spread live [bps] | replayed | net live | replayed | apart, 95 % |")
    print("|---|---|---|---|---|---|---|---|")
    good, misses, differences = [], [], []
    for name, bot in found:
        if bot.is_leg:
            continue
        live, draws = bot.live_sums(), bot.replayed_sums()
        fills, net = (float(np.mean([getattr(each, what) for each in draws])) for what in ("fills", "net"))
        captured = sum(each.spread for each in draws) / sum(each.volume for each in draws) * 1e4
        more, better = fills / live.fills - 1, captured / live.captured_bps - 1
        apart = live.nets - np.mean([each.nets for each in draws], axis=0)
        width = float(stdtrit(len(apart) - 1, 0.975) * apart.std(ddof=1) * np.sqrt(len(apart)))
        holds = None if live.fills < FEWEST_FILLS else abs(more) <= SAME_FILLS and abs(better) <= SAME_SPREAD
        good.append(holds)
        misses.append(abs(live.net - net) > width)
        differences.append((live.net - net, width))
        print(
            f"| {name} | {live.fills} | {fills:.1f} ({more:+.1%}) | {live.captured_bps:.3f} | {captured:.3f} "
            f"({better:+.1%}) | {live.net:.4f} | {net:.4f} | {live.net - net:+.4f} ± {width:.4f} | {_said(holds)}",
            flush=True,
        )
    return good.count(True) >= ENOUGH_RUNS and False not in good and _same_net(differences, sum(misses))


def _same_net(differences: Sequence[tuple[float, float]], misses: int) -> bool:
    """Whether all runs together, and as many single ones as chance leaves, lie within their intervals."""
    apart, width = sum(each for each, _ in differences), float(np.hypot.reduce([wide for _, wide in differences]))
    allowed = int(binom.ppf(0.95, len(differences), 0.05))
    holds = abs(apart) <= width and misses <= allowed
    outside = f"{misses} of {len(differences)} outside, {allowed} allowed"
    print(f"net of all, live less replayed: {apart:+.4f} ± {width:.4f}; {outside}: {_said(holds)}")
    return holds


def _said(holds: object) -> str:
    return "too few fills to tell" if holds is None else "holds" if holds else "does not hold"


def main() -> None:
    """Play and hold against; status 1 if anything does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--runs", type=int, nargs="*", default=range(len(RUNS)), help="Numbers of the runs, from 0.")
    parser.add_argument("--folder", type=Path, help="Keep the runs here.")
    parser.add_argument("--kept", action="store_true", help="Play nothing.")
    options = parser.parse_args()
    logging.getLogger("freqtrade").setLevel(logging.ERROR)
    runs = [RUNS[each] for each in options.runs if isinstance(RUNS[each].market, int) or RECORDINGS.is_dir()]
    with tempfile.TemporaryDirectory() as made:
        root = options.folder or Path(made)
        if not options.kept:
            play_all(runs, options.minutes, options.at_once, root)
        found = [(_named(run, bot), bot) for run in runs for bot in bots_in(root, run, Path(made) / "cache")]
        good = [show(found) for show in (show_quotes, show_plans, show_free)]
    raise SystemExit(not all(good))


def _named(run: Run, bot: Bot) -> str:
    leg = bot.strategy.settings.role.leg
    return run.name if leg is None else f"{run.name}, {leg}"


if __name__ == "__main__":
    main()
