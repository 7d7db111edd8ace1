"""A ladder collapsed to one level, as the bot rests it, beside all of its levels: what that changes, in replays.

Each ladder and the tiers of `DepthAware` are replayed over the same tapes with the same calibrations, latencies and
rules, as the bot does and with all levels on both sides (`mm replay --all-levels`): both from the shipped budget of
actions, and both free to send 1,200 actions per minute, which an address may send for long only where it trades as many
USDC. Over the recordings, and over independent hours of the default simulated market of ETH. Per row: fills, orders and
cancellations per minute, what a fill earned, net per hour; and what all levels earned more than one in the same five
minutes, from the same budget, with its 95 % interval over the blocks of all coins or hours. Blocks of several coins at
one time are not independent: over the recordings that interval is too narrow.

    python benchmarks/ladder_levels.py [../shared/data] [--hours 2] [--step-bps 5]
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.replay.accounts.accounts import Accounts  # noqa: E402
from market_making.replay.accounts.blocks import BLOCK_S  # noqa: E402
from market_making.replay.accounts.intervals import batch_means  # noqa: E402
from market_making.replay.bot.run import ReplaySetup, replay  # noqa: E402
from market_making.replay.engines.exchange import ExchangeEngine, WholeFillExchange  # noqa: E402
from market_making.replay.engines.hftbacktest import HftbacktestEngine  # noqa: E402
from market_making.replay.levels.run import replay_levels  # noqa: E402
from market_making.replay.preparation import Prepared, calibrations_for, prepare  # noqa: E402
from market_making.replay.result import Outcome  # noqa: E402
from market_making.settings.settings import Settings  # noqa: E402
from market_making.trading.freqtrade.strategy_model import load_model  # noqa: E402
from tests.replay.markets import record, simulated_events  # noqa: E402

LADDERS, TIERS = ("LadderSpot", "LadderCurve", "LadderBidAsk", "LadderAuto"), "DepthAware"
COINS = ("ETH", "BTC", "SOL", "WLFI")
FIRST_MS = 1_757_015_000_000  # the long session of 2025-09-04
ENGINES = {kind.name: kind for kind in (ExchangeEngine, WholeFillExchange, HftbacktestEngine)}
FREE_ACTIONS = 1200.0  # per minute
Market = tuple[Settings, Prepared]
ROWS = (("one level", "all levels"), ("one, free", "all, free"))


def settings_of(data: Path, options: argparse.Namespace) -> Settings:
    """The shipped settings for both sides, whatever the flow."""
    section: dict[str, Any] = {
        "market_data": str(data),
        "sides": "alternate",
        "model": {"order_notional": options.notional, "widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
        "calibration": {"minimum_exposure_s": 120.0},
    }
    if options.fee is not None:
        section["model"]["maker_fee"] = options.fee
    return Settings.from_section(section)


def recorded(options: argparse.Namespace, cache: Path) -> Iterator[Market]:
    """The recording of each coin."""
    settings = settings_of(options.data, options)
    for coin in COINS:
        yield settings, prepare(settings, coin, cache, start_ms=FIRST_MS)


def simulated(options: argparse.Namespace, folder: Path) -> Iterator[Market]:
    """Independent hours of the default market of ETH."""
    for seed in range(options.hours):
        root = record(folder / f"{seed}", "ETH", simulated_events("ETH", 3600.0, seed))
        settings = settings_of(root, options)
        yield settings, prepare(settings, "ETH", folder / f"{seed}-cache")


def free(settings: Settings) -> Settings:
    """The same with as many actions as a ladder wants."""
    quote = settings.quote.model_copy(update={"actions_per_minute": FREE_ACTIONS})
    return settings.model_copy(
        update={"quote": quote, "edge": settings.edge.model_copy(update={"address_budget": False})}
    )


def runs_of(
    name: str, market: Market, options: argparse.Namespace, cache: Path, *, is_free: bool
) -> tuple[Accounts, Accounts]:
    """Accounts of one strategy, collapsed and with all levels."""
    settings, prepared = market
    parameters, history = {"step_bps": options.step_bps} if name in LADDERS else {}, calibrations_for(*market, cache)
    model = load_model(name, free(settings) if is_free else settings, parameters, ROOT / "user_data")
    setup = ReplaySetup(model, prepared.instrument, history, ENGINES[options.engine])
    return Accounts(replay(setup, prepared.tapes)), Accounts(replay_levels(setup, prepared.tapes))


def row(accounts: Sequence[Accounts]) -> str:
    """What a maker did and earned over all runs."""
    hours = sum(each.seconds for each in accounts) / 3600
    fills = sum(each.fill_count for each in accounts)
    net, volume = sum(each.result.net for each in accounts), sum(each.volume for each in accounts)
    outcomes = [session.orders.outcome for each in accounts for session in each.result.sessions]
    actions = sum(len(found) + np.count_nonzero(found == Outcome.CANCELLED) for found in outcomes)
    per_fill, bps = (net / fills, 1e4 * net / volume) if fills else (np.nan, np.nan)
    return f"{fills:6d} {actions / hours / 60:9.0f} {per_fill:+10.4f} {bps:+9.2f} {net / hours:+9.3f}"


def difference(others: Sequence[Accounts], ones: Sequence[Accounts]) -> str:
    """What one maker earned more than another per hour, and its 95 % interval over blocks."""
    moves = [other.blocks.net - one.blocks.net for other, one in zip(others, ones, strict=True)]
    whole = np.concatenate([move[one.blocks.whole] for move, one in zip(moves, ones, strict=True)])
    hours = sum(one.seconds for one in ones) / 3600
    value, half = sum(float(move.sum()) for move in moves) / hours, batch_means(whole) / BLOCK_S * 3600
    return f"{value:+9.3f} ± {half:.3f} ({len(whole)} blocks)"


def measured(markets: Sequence[Market], options: argparse.Namespace, cache: Path) -> None:
    """Print a table over these markets."""
    heads = zip(("fills", "actions/m", "net/fill", "net bps", "net/h"), (6, 9, 10, 9, 9), strict=True)
    print(f"{'strategy':14s} {'rests':10s} {' '.join(head.rjust(width) for head, width in heads)}    more per hour")
    for name in (*LADDERS, TIERS):
        for is_free, (one, full) in enumerate(ROWS):
            pairs = [runs_of(name, market, options, cache, is_free=bool(is_free)) for market in markets]
            ones, fulls = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            print(f"{name:14s} {one:10s} {row(ones)}")
            print(f"{name:14s} {full:10s} {row(fulls)}   {difference(fulls, ones)}", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", default=ROOT.parent / "shared" / "data")
    parser.add_argument("--hours", type=int, default=2, help="simulated; 0 for none")
    parser.add_argument("--step-bps", type=float, default=5.0, help="between the levels of a ladder")
    parser.add_argument("--notional", type=float, default=100.0, help="value of a lot [USDC]")
    parser.add_argument("--fee", type=float, help="maker fee  [default: the base fee]")
    parser.add_argument("--engine", choices=ENGINES, default="exchange")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if options.data.exists():
            print(f"recorded: 22 minutes of {', '.join(COINS)}, levels {options.step_bps:g} bps apart")
            measured(list(recorded(options, root / "tapes")), options, root / "tapes")
        else:
            print(f"not measured: there are no recordings in {options.data}")
        if options.hours:
            print(f"simulated: {options.hours} hours of ETH, levels {options.step_bps:g} bps apart")
            measured(list(simulated(options, root)), options, root / "tapes")


if __name__ == "__main__":
    main()
