"""What a quote of the bot's own age makes less than one that follows mid at once, and how well half a session tells it.

Each session of a tick store is replayed at a few depths beyond its mean half-spread, with the usual timing of a bot
that is woken (`calibration/flow/shadow.py`). Printed in bp: fills and net per fill one second on, before the fee, of
the quote without age and of the bot's; their difference over the session; what the bot's made in each half; and the
processor time of both sides. At the end, over all sessions of each depth: Spearman's correlation of the net of the
first halves with that of the second, with the share of all orders of the second halves that correlate as well.

    python benchmarks/shadow_maker.py STORE
"""

import itertools
import sys
import time
from collections import defaultdict

import numpy as np
from forecast_skill import sessions
from scipy.stats import rankdata

from calibration.estimators.estimate import Estimate
from calibration.estimators.shadow_maker import Fills, age_cost, instant_fills, shadow_fills
from calibration.estimators.shadow_quote import QuoteRules
from calibration.flow.shadow import rules_of
from calibration.observation.increments import infer_increments
from calibration.observation.observations import ObservedWindow, observe
from market_making.market.clock import utc_text
from market_making.market.sides import Direction
from market_making.recording.store.tick_store import TickStore
from market_making.settings.settings import Settings

DEPTHS_BPS = (0.5, 1.0, 2.0)
FEWEST_QUOTES = 1500
FEWEST_FILLS = 3  # of each half


def replayed(observed: ObservedWindow, depth: float, tick: float, rules: QuoteRules) -> tuple[Fills, Fills]:
    """Fills without age and with it, both sides."""
    instant = [instant_fills(observed.orders, way, depth, tick) for way in Direction]
    shadow = [shadow_fills(observed.seconds, observed.orders, way, depth, tick, rules) for way in Direction]
    return instant[0].followed_by(instant[1]), shadow[0].followed_by(shadow[1])


def told(estimate: Estimate | None, bp: float) -> str:
    """Value, half its interval and the number of fills."""
    if estimate is None:
        return f"{'-':>18s}"
    return f"{estimate.value / bp:+6.2f} ± {(estimate.high - estimate.value) / bp:4.2f} ({estimate.n:3d})"


def report(name: str, observed: ObservedWindow, tick: float) -> dict[float, tuple[float, float]]:
    """Print a line a depth; return what the halves made at each that has enough fills in both [bp]."""
    bp, half, found = observed.mid / 1e4, observed.seconds.mean_half_spread, {}
    rules = rules_of(Settings(), observed.mid, None)
    middle = (observed.start_ms + observed.end_ms) // 2000 * 1000
    halves = observed.between(observed.start_ms, middle), observed.between(middle, observed.end_ms)
    for bps in DEPTHS_BPS:
        began = time.process_time()
        instant, shadow = replayed(observed, half + bps * bp, tick, rules)
        spent_ms = 1e3 * (time.process_time() - began)
        first, second = (replayed(part, half + bps * bp, tick, rules)[1].mean for part in halves)
        if min(first.n, second.n) >= FEWEST_FILLS:
            found[bps] = first.value / bp, second.value / bp
        print(
            f"{name} +{bps} bp: without age {told(instant.mean, bp)}, bot's {told(shadow.mean, bp)}, age costs "
            f"{told(age_cost(instant, shadow), bp)}; bot's in halves {told(first, bp)} {told(second, bp)}; "
            f"{spent_ms:.1f} ms"
        )
    return found


def rank_correlation(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Spearman's, and the share of all orders of the second halves that give as much."""
    first, second = (rankdata(column) for column in zip(*pairs, strict=True))
    seen = float(np.corrcoef(first, second)[0, 1])
    centred = first - first.mean()
    scale = float(np.std(first) * np.std(second) * len(pairs))
    others = [float(centred @ np.array(order)) / scale for order in itertools.permutations(second)]
    return seen, float(np.mean(np.array(others) >= seen - 1e-9))


def main() -> None:
    store, found = TickStore(sys.argv[1]), defaultdict(list)
    for coin in store.coins():
        for tape in sessions(store, coin):
            if len(tape.quotes.time_ms) >= FEWEST_QUOTES:
                tick = infer_increments(tape.quotes).tick
                halves = report(f"{coin:5s} {utc_text(tape.start_ms)}", observe(tape, tick), tick)
                for bps, pair in halves.items():
                    found[bps].append(pair)
    for bps, pairs in found.items():
        rank, chance = rank_correlation(pairs)
        alike = sum(one * other > 0 for one, other in pairs)
        print(
            f"+{bps} bp, {len(pairs)} sessions: net of the first half and of the second correlate by {rank:+.2f} "
            f"(by chance {chance:.1%}), {alike} have the same sign"
        )


if __name__ == "__main__":
    main()
