"""What a quote of the bot's own age makes less than one that follows mid at once, and how well half a session tells it.

Each session of a tick store is replayed at a few depths beyond its mean half-spread: looking once a second, moving an
order that is off by more than 0.5 bp and older than 2 s, 0.1 s on its way, back a second after a fill. Printed in bp:
fills and net per fill one second on, before the fee, of the quote without age and of the bot's; their difference over
the session and over each half; and the processor time of both sides.

    python benchmarks/shadow_maker.py STORE
"""

import sys
import time

from forecast_skill import sessions

from calibration.estimators.estimate import Estimate
from calibration.estimators.shadow_maker import Fills, QuoteRules, age_cost, instant_fills, shadow_fills
from calibration.observation.increments import infer_increments
from calibration.observation.observations import ObservedWindow, observe
from market_making.market.clock import utc_text
from market_making.market.sides import Direction
from market_making.recording.store.tick_store import TickStore

DEPTHS_BPS = (0.5, 1.0, 2.0)
FEWEST_QUOTES = 1500


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


def report(name: str, observed: ObservedWindow, tick: float) -> None:
    """Print a line a depth."""
    bp, half = observed.mid / 1e4, observed.seconds.mean_half_spread
    rules = QuoteRules(0.5 * bp)
    middle = (observed.start_ms + observed.end_ms) // 2000 * 1000
    halves = observed.between(observed.start_ms, middle), observed.between(middle, observed.end_ms)
    for bps in DEPTHS_BPS:
        began = time.process_time()
        instant, shadow = replayed(observed, half + bps * bp, tick, rules)
        spent_ms = 1e3 * (time.process_time() - began)
        first, second = (age_cost(*replayed(part, half + bps * bp, tick, rules)) for part in halves)
        print(
            f"{name} +{bps} bp: without age {told(instant.mean, bp)}, bot's {told(shadow.mean, bp)}, age costs "
            f"{told(age_cost(instant, shadow), bp)}; halves {told(first, bp)} {told(second, bp)}; {spent_ms:.1f} ms"
        )


def main() -> None:
    store = TickStore(sys.argv[1])
    for coin in store.coins():
        for tape in sessions(store, coin):
            if len(tape.quotes.time_ms) >= FEWEST_QUOTES:
                tick = infer_increments(tape.quotes).tick
                report(f"{coin:5s} {utc_text(tape.start_ms)}", observe(tape, tick), tick)


if __name__ == "__main__":
    main()
