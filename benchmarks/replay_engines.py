"""Claim: two engines that share no code fill the same orders: the local exchange, and hftbacktest.

Every variant is replayed over the recorded sessions of each coin, with the calibrations of the time.

* Closed loop: each engine drives a bot of its own. The exchange fills an order whole as soon as it fills any of it, as
  hftbacktest does. A fill that only one engine has sends both bots on different ways, which understates the agreement.
* In parts: the same, but the exchange fills orders in parts, which hftbacktest cannot. This is what parts cost.
* Open loop: the orders of the bot on the exchange, in parts, are placed and cancelled on hftbacktest at the same times.

A fill is equal in side, price and second. Run with a folder of recordings:

    python benchmarks/replay_engines.py [../shared/data] [--coins ETH BTC] [--notional 20]
"""

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.market.sides import Side  # noqa: E402
from market_making.replay.bot.run import ReplaySetup, replay  # noqa: E402
from market_making.replay.engines.engine import EngineSettings, NewOrder  # noqa: E402
from market_making.replay.engines.exchange import ExchangeEngine, WholeFillExchange  # noqa: E402
from market_making.replay.engines.hftbacktest import HftbacktestEngine  # noqa: E402
from market_making.replay.preparation import calibrations_for, prepare  # noqa: E402
from market_making.replay.result import Outcome, ReplayResult, Session  # noqa: E402
from market_making.replay.tape.cache import SessionTape  # noqa: E402
from market_making.settings.settings import Settings  # noqa: E402
from market_making.trading.freqtrade.strategy_model import load_model  # noqa: E402

VARIANTS = (
    "MarketMaking", "AvellanedaStoikov", "Glft", "DepthAware", "LadderCurve", "LadderBidAsk", "LadderSpot",
    "LadderAuto", "TrendSkew",
)  # fmt: skip
COINS = ("ETH", "BTC", "SOL", "WLFI")
LOOPS = ("closed loop", "in parts", "open loop")
FIRST_MS = 1_757_015_000_000  # the long session of 2025-09-04


@dataclass
class Agreement:
    """Fills on both engines, and on each; what they brought [USDC]."""

    both: int = 0
    exchange: int = 0
    hftbacktest: int = 0
    net_exchange: float = 0.0
    net_hftbacktest: float = 0.0

    @property
    def share(self) -> float:
        """Of the fills of that engine which has more."""
        return self.both / max(self.exchange, self.hftbacktest, 1)

    def add(self, other: "Agreement") -> None:
        """Add the counts and the money of another one."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def keys(fills: list[tuple[int, int, float]]) -> set[tuple[int, int, float]]:
    """Side, price and second of each fill; the parts of one order within a second count once."""
    return {(time_ms // 1000, sign, price) for time_ms, sign, price in fills}


def compared(first: ReplayResult, second: ReplayResult) -> Agreement:
    """Closed loop: two results."""
    told = []
    for result in (first, second):
        columns = [(s.fills.time_ms, s.fills.sign, s.fills.price) for s in result.sessions]
        told.append(keys([row for each in columns for row in zip(*(c.tolist() for c in each), strict=True)]))
    return Agreement(len(told[0] & told[1]), len(told[0]), len(told[1]), first.net, second.net)


def open_loop(session: Session, tape: SessionTape, settings: EngineSettings) -> Agreement:
    """The orders of a session on hftbacktest."""
    engine, orders = HftbacktestEngine(tape, settings), session.orders
    moments = [
        (orders.placed_ms.item(i), 1, i) for i in range(len(orders.price)) if orders.outcome[i] != Outcome.REFUSED
    ]
    moments += [
        (orders.ended_ms.item(i), 0, i) for i in range(len(orders.price)) if orders.outcome[i] == Outcome.CANCELLED
    ]
    placed = set()
    for time_ms, is_new, place in sorted(moments):
        engine.advance(time_ms)
        if is_new:
            side = Side.BID if orders.sign[place] > 0 else Side.ASK
            if engine.place(NewOrder(place + 1, 0, side, orders.price.item(place), orders.size.item(place))):
                placed.add(place)
        elif place in placed:
            engine.cancel(place + 1)
    engine.advance(tape.span.end_ms)
    signs = orders.sign.tolist()
    there = {(fill.number - 1, fill.price): fill for fill in engine.fills}
    here: dict[tuple[int, float], int] = {}
    last = Counter[int]()
    for order, price, time_ms in zip(
        *(c.tolist() for c in (session.fills.order, session.fills.price, session.fills.time_ms)), strict=True
    ):
        here.setdefault((order, price), time_ms)
        last[order] = time_ms
    # hftbacktest fills an order whole, with its first part on the exchange or its last.
    equal = sum(
        key in there and (there[key].time_ms // 1000 in {first // 1000, last[key[0]] // 1000})
        for key, first in here.items()
    )
    net = sum(signs[fill.number - 1] * fill.size * (session.last_mid - fill.price) - fill.fee for fill in engine.fills)
    engine.close()
    return Agreement(equal, len(here), len(there), session.net, net)


def loops(setup: ReplaySetup, tapes: tuple[SessionTape, ...]) -> tuple[Agreement, ...]:
    """One variant on one coin, in the order of `LOOPS`."""
    parts, whole, other = (
        replay(replace(setup, engine=kind), tapes) for kind in (ExchangeEngine, WholeFillExchange, HftbacktestEngine)
    )
    opened, settings = Agreement(), EngineSettings(setup.instrument, setup.model.settings.model.maker_fee)
    for session, tape in zip(parts.sessions, tapes, strict=True):
        opened.add(open_loop(session, tape, settings))
    return compared(whole, other), compared(parts, other), opened


def main() -> None:
    """Print the agreement of every variant and coin."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", default=ROOT.parent / "shared" / "data")
    parser.add_argument("--coins", nargs="*", default=COINS)
    parser.add_argument("--variants", nargs="*", default=VARIANTS)
    parser.add_argument("--notional", type=float, default=20.0)
    parser.add_argument("--half-spread", type=float, default=1.5, help="largest, so that there are fills [bps]")
    options = parser.parse_args()
    if not options.data.exists():
        print(f"not measured: there are no recordings in {options.data}")
        return
    logging.disable(logging.INFO)
    section = {
        "market_data": str(options.data),
        "sides": "alternate",
        "model": {"order_notional": options.notional, "widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
        "quote": {"maximum_half_spread_bps": options.half_spread},
        "calibration": {"minimum_exposure_s": 120.0},
    }
    settings, totals = Settings.from_section(section), tuple(Agreement() for _ in LOOPS)
    print(f"{'coin':5s} {'variant':18s}" + "".join(f"{name + ': both, exch., hft':>30s}" for name in LOOPS) + "  CPU s")
    with tempfile.TemporaryDirectory() as folder:
        for coin in options.coins:
            prepared = prepare(settings, coin, Path(folder), start_ms=FIRST_MS)
            history = calibrations_for(settings, prepared, Path(folder))
            for name in options.variants:
                began = time.process_time()
                model = load_model(name, settings, {}, ROOT / "user_data")
                found = loops(ReplaySetup(model, prepared.instrument, history, ExchangeEngine), prepared.tapes)
                for total, each in zip(totals, found, strict=True):
                    total.add(each)
                shown = "".join(f"{each.both:14d} {each.exchange:7d} {each.hftbacktest:7d}" for each in found)
                print(f"{coin:5s} {name:18s}{shown}  {time.process_time() - began:.1f}", flush=True)
    for what, total in zip(LOOPS, totals, strict=True):
        most = max(total.exchange, total.hftbacktest)
        print(
            f"{what}: {total.share:.1%} of {most} fills equal in side, price and second; "
            f"net {total.net_exchange:+.3f} on the exchange, {total.net_hftbacktest:+.3f} on hftbacktest"
        )


if __name__ == "__main__":
    main()
