"""Claim: what `mm scan` promises of a market, stock Freqtrade earns there on the local exchange, settings as shipped.

    python benchmarks/scan_promise_live.py [--markets 200] [--seed 5] [--best 3] [--minutes 8] [--keep FOLDER]

The best perpetuals of benchmarks/scan_kinds.py are scanned from their first half hour and played on: one local
exchange 100 ms away at which an action takes effect after 300 ms, collector, calibrator, and one `freqtrade trade` over
all of them. Then they are scanned again at the timing that the bot's own decision log tells, as `mm scan` does where a
bot runs. Printed: both timings; per market the promise with its 95 % interval, what the bot made by the exchange's
fills, fees and all, positions valued at mid, with the interval of half minutes; filled orders of both; and * where the
interval of the difference does not hold 0. Status 1 if more lie outside than chance explains.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scan_kinds import KINDS, SEED_OF_MARKET
from scan_promise import Earned, events, shown
from scipy.stats import binom

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from calibration.estimators.shadow_quote import Timing  # noqa: E402
from calibration.flow.shadow import USUAL_TIMINGS  # noqa: E402
from calibration.scanning.prospect import Prospect  # noqa: E402
from calibration.scanning.scan import scan  # noqa: E402
from market_making.market.tape import FloatArray, QuoteTape  # noqa: E402
from market_making.ops.demo.comparison import Comparison, Variant  # noqa: E402
from market_making.ops.demo.run import DemoOptions  # noqa: E402
from market_making.ops.demo.schedule import Schedule  # noqa: E402
from market_making.recording.store.tick_store import TickStore  # noqa: E402
from market_making.replay.accounts.intervals import batch_means  # noqa: E402
from market_making.settings.settings import Settings  # noqa: E402
from market_making.simulation.presets import coin_universe  # noqa: E402
from market_making.simulation.truth import MarketTruth  # noqa: E402
from market_making.trading.timing import recorded_timing  # noqa: E402
from tests.calibration.scanning.conftest import HALF_HOUR_S, calibrated  # noqa: E402
from tests.replay.markets import record  # noqa: E402

BLOCK_MS, HOUR_MS = 30_000, 3_600_000


class Unchanged(Comparison):
    """One bot with everything on, on recorded markets, with the settings of a user."""

    start_ms = 0

    def _changes(self) -> dict[str, Any]:
        return {}

    def _trade(self, programs: Any) -> None:
        self.start_ms = time.time_ns() // 1_000_000
        super()._trade(programs)


def ranked(truths: Sequence[MarketTruth], timing: Timing | None = None) -> list[Prospect]:
    """Perpetuals of the main dex, best first, for a bot that takes so long."""
    found = [calibrated(truth, SEED_OF_MARKET, timing) for truth in truths]
    return [each for each in scan(found, Settings(sides="alternate")) if not each.refused]


def earned(fills: Sequence[dict[str, Any]], quotes: QuoteTape, start_ms: int) -> Earned:
    """What fills of one coin made from a time on, in blocks of half a minute, positions valued at mid."""
    edges = np.arange(start_ms, quotes.time_ms[-1] + 1, BLOCK_MS)
    worth: FloatArray = np.zeros(len(edges))
    mid = quotes.mid[np.maximum(np.searchsorted(quotes.time_ms, edges, side="right") - 1, 0)]
    for fill in fills:
        signed = fill["size"] if fill["side"] == "buy" else -fill["size"]
        after = edges >= fill["time_ms"]
        worth[after] += signed * (mid[after] - fill["price"]) - fill["fee"]
    blocks, per_hour = np.diff(worth), HOUR_MS / BLOCK_MS
    orders = len({fill["oid"] for fill in fills})
    return Earned(per_hour * float(blocks.mean()), per_hour * batch_means(blocks), orders * per_hour / len(blocks))


def main() -> int:
    """Scan, trade, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--markets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--best", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--keep", type=Path, help="Folder in which everything stays")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    truths = coin_universe(options.markets, options.seed)
    perpetuals = [truth for number, truth in enumerate(truths) if number % len(KINDS) == 0]
    best = ranked(perpetuals)[: options.best]
    coins, schedule = tuple(each.coin for each in best), Schedule(options.minutes, past_s=HALF_HOUR_S)
    with tempfile.TemporaryDirectory() as temporary:
        root = options.keep or Path(temporary)
        for truth in truths:
            if truth.coin in coins:
                record(root / "data", truth.coin, events(truth, (schedule.live_s + 60) / 3600))
        played = DemoOptions(schedule, coins, recording=root / "data", root=root / "runs")
        run = Unchanged(played, lambda *_: None, (Variant("edge"),))
        failures = run.run().failures
        store, end_ms = TickStore(run.files.market_data), time.time_ns() // 1_000_000
        quotes = {coin: store.tape(coin, run.start_ms - BLOCK_MS, end_ms).quotes for coin in coins}
        (lane,) = run.lanes
        fills, timing = lane.fills, recorded_timing(lane.files.decisions, Settings().edge)
    print(f"timing [ms]: usual {tuple(USUAL_TIMINGS[0])}, this bot's {None if timing is None else tuple(timing)}")
    kept = []
    for each in ranked([truth for truth in truths if truth.coin in coins], timing):
        if each.figures is not None:
            own = [fill for fill in fills if fill["coin"] == each.coin]
            kept.append(shown(each, each.figures, earned(own, quotes[each.coin], run.start_ms)))
    print("\n".join([*failures, f"{sum(kept)} of {len(kept)} promises were kept"]))
    return int(bool(failures) or len(kept) - sum(kept) > binom.ppf(0.95, len(kept), 0.05))


if __name__ == "__main__":
    raise SystemExit(main())
