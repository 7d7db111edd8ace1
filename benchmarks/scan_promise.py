"""Claim: what `mm scan` promises of the ten best of 200 simulated markets, the bot earns there afterwards.

    python benchmarks/scan_promise.py [--markets 200] [--seed 5] [--hours 2] [--best 10]

Every market of benchmarks/scan_kinds.py is scanned from its first half hour, at its own fee. Each of the ten best goes
on, and the shipped bot is replayed in it with the default configuration: one order at a time, calibrated anew every
minute, an exchange 100 ms away at which an action takes effect after 300 ms; the scan knows that timing. Printed per
market: the promise with its 95 % interval, what the bot earned with the interval of five-minute blocks, filled orders
of both; and * where the interval of the difference does not hold 0. Status 1 if more lie outside than chance explains.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scan_kinds import SEED_OF_MARKET, with_terms
from scipy.stats import binom

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from calibration.backfill import backfill  # noqa: E402
from calibration.estimators.shadow_quote import Timing  # noqa: E402
from calibration.publication.history import read_history  # noqa: E402
from calibration.scanning.prospect import Figures, Prospect  # noqa: E402
from calibration.scanning.scan import scan  # noqa: E402
from market_making.market.events import BookSnapshot, Trade  # noqa: E402
from market_making.replay.accounts.accounts import Accounts  # noqa: E402
from market_making.replay.accounts.intervals import batch_means  # noqa: E402
from market_making.replay.bot.lags import LagProfile, Lags  # noqa: E402
from market_making.replay.bot.run import ReplaySetup, replay  # noqa: E402
from market_making.replay.engines.exchange import ExchangeEngine  # noqa: E402
from market_making.replay.preparation import prepare  # noqa: E402
from market_making.settings.settings import Settings  # noqa: E402
from market_making.simulation.presets import coin_universe  # noqa: E402
from market_making.simulation.simulation import SimulatedSource  # noqa: E402
from market_making.simulation.truth import MarketTruth  # noqa: E402
from market_making.trading.freqtrade.strategy_model import load_model  # noqa: E402
from tests.calibration.scanning.conftest import HALF_HOUR_S, calibrated  # noqa: E402
from tests.replay.markets import START_MS, record  # noqa: E402

CALIBRATED_EVERY_S = 60.0
FAR_AWAY = Lags(feed_ms=50, decide_ms=50, entry_ms=350, response_ms=50)
# Woken: a cancellation arrives 450 ms after the move, its answer and the next order as long after it again.
TIMING = Timing(loop_ms=0.0, cancel_ms=450.0, place_ms=900.0, pause_ms=450.0, aim_ms=450.0, known_ms=0.0)


class Earned(NamedTuple):
    """What the bot earned per hour [quote currency], half the 95 % interval of it, and its filled orders per hour."""

    net: float
    width: float
    fills: float


def events(truth: MarketTruth, hours: float) -> Iterator[BookSnapshot | Trade]:
    """The half hour that was scanned, and some hours more of the same market."""
    for event in SimulatedSource([truth], SEED_OF_MARKET).events(START_MS):
        if event.time_ms > START_MS + (HALF_HOUR_S + hours * 3600) * 1e3:
            return
        yield event


def traded(truth: MarketTruth, settings: Settings, hours: float) -> Earned:
    """Replay the bot in the hours after the scan."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        made = {"market_data": record(root / "data", truth.coin, events(truth, hours)), "parameters": root / "files"}
        settings = settings.model_copy(update=made)
        coin, start_ms = truth.coin, START_MS + round(HALF_HOUR_S * 1e3)
        prepared = prepare(settings, coin, root / "cache", start_ms=start_ms)
        backfill(coin, settings, every_s=CALIBRATED_EVERY_S, start_ms=start_ms, end_ms=prepared.end_ms)
        history = read_history(root / "files", coin, start_ms, prepared.end_ms)
        model = load_model("MarketMaking", settings, {}, ROOT / "user_data")
        setup = ReplaySetup(model, truth.instrument, history, ExchangeEngine, lambda: LagProfile(FAR_AWAY))
        result = replay(setup, prepared.tapes)
    accounts = Accounts(result)
    blocks = accounts.blocks
    passed = sum(session.end_ms - session.start_ms for session in result.sessions) / 3.6e6
    whole = blocks.net[blocks.whole]
    filled = sum(len(np.unique(session.fills.order)) for session in result.sessions)
    return Earned(float(np.sum(blocks.net)) / passed, 12 * batch_means(whole), filled / passed)


def shown(prospect: Prospect, figures: Figures, earned: Earned) -> bool:
    """Print a line; whether the promise was kept."""
    below, above = figures.net_per_hour - figures.low, figures.high - figures.net_per_hour
    more = earned.net - figures.net_per_hour
    kept = abs(more) <= np.hypot(above if more > 0 else below, earned.width)
    print(
        f"{prospect.coin:5s} {figures.maker_fee_bps:4.2f} bps  promised {figures.net_per_hour:6.2f} "
        f"({figures.low:6.2f} … {figures.high:6.2f})  earned {earned.net:6.2f} ± {earned.width:5.2f}  "
        f"fills {figures.fills_per_hour:4.0f}, {earned.fills:4.0f}{'' if kept else ' *'}",
        flush=True,
    )
    return bool(kept)


def main() -> int:
    """Scan, trade, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--markets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--best", type=int, default=10)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    usual = Settings()
    settings = usual.model_copy(update={"calibration": usual.calibration.model_copy(update={"valid_for_s": 120.0})})
    truths = {truth.coin: truth for truth in coin_universe(options.markets, options.seed)}
    found = [
        with_terms(calibrated(truth, SEED_OF_MARKET, TIMING), number) for number, truth in enumerate(truths.values())
    ]
    best = [each for each in scan(found, settings) if not each.refused][: options.best]
    promised, outcomes, kept = [], [], []
    for prospect in best:
        figures = prospect.figures
        if figures is None:
            continue
        fee = figures.maker_fee_bps / 1e4
        outcomes.append(traded(truths[prospect.coin], settings.with_maker_fee(fee), options.hours))
        promised.append(figures.net_per_hour)
        kept.append(shown(prospect, figures, outcomes[-1]))
    total, width = sum(each.net for each in outcomes), float(np.hypot.reduce([each.width for each in outcomes]))
    print(f"together: promised {sum(promised):.1f} per hour, earned {total:.1f} ± {width:.1f}")
    print(f"{sum(kept)} of {len(kept)} promises were kept")
    return int(len(kept) - sum(kept) > binom.ppf(0.95, len(kept), 0.05))


if __name__ == "__main__":
    raise SystemExit(main())
