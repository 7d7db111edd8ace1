"""The 95 % intervals hold the truth 93 to 98 times of a hundred, in steady, bursting and sparse simulated markets.

1000 independent half hours of each kind of market; for each estimate the share of intervals that hold the true value,
the mean error of the value, its spread, and the mean half width of the interval, all relative to the truth. λ and A are
the rates of the next minute, so their intervals hold the long-run rates of bursting markets more often than that; the
last line of each kind says how often the orders of the next minute were as many as they allow. Given a tick store, the
same of each recorded session, rows every 15 s.

    python benchmarks/interval_coverage.py [RUNS [STORE]]
"""

import sys
from collections import defaultdict
from dataclasses import replace

import numpy as np
from forecast_skill import EARLY, FEWEST_QUOTES, Plan, forecasts, sessions
from numpy.typing import NDArray
from scipy.stats import nbinom

from calibration.estimators.estimate import Estimate
from calibration.estimators.fill_decay import tail_range
from calibration.flow.calibrate import Calibration, calibrate_observed
from calibration.observation.increments import Increments, infer_increments
from calibration.observation.observations import ObservedWindow, observe
from market_making.market.clock import utc_text
from market_making.market.sides import Direction, Directions
from market_making.recording.store.tick_store import TickStore
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe, default_truths
from market_making.simulation.regimes import Bursts, Widening
from market_making.simulation.simulation import simulate_tape
from market_making.simulation.truth import MarketTruth

RUNS = 1000
SECONDS = 1800
NEXT_S = 60
DRIFT = 0.1  # price/s, six times the standard error of the mean drift of half an hour
NAMES = ("arrival_rate", "fill_decay", "fill_intensity", "adverse_selection", "adverse_selection_on_fill")


def expected(result: Calibration, future: ObservedWindow) -> NDArray[np.float64]:
    """Whether the orders of the next minute are as many as the intervals allow, shape (2, 2): buys and sells, λ and A.

    A count varies by chance around a rate, and the rate within its interval: a negative binomial law. A whole number
    covers a range of its probabilities; what of that lies within the 95 % counts, so that of few orders, too, 95 % are
    right.
    """
    start = tail_range(result.mid, result.half_spread, result.increments.tick).start

    def within(rate: Estimate, share: float, count: int) -> float:
        mean = rate.value * share * NEXT_S
        variation = np.expm1((np.log(rate.high / max(rate.low, 1e-3 * rate.value)) / (2 * 1.96)) ** 2)
        below, upto = nbinom.cdf([count - 1, count], 1 / variation, 1 / (1 + variation * mean))
        inside = min(upto, 0.975) - max(below, 0.025)
        return max(float(inside), 0.0) / max(float(upto - below), 1e-300)

    found = []
    for direction in Direction:
        flow, orders = result.flows.of(direction), future.orders.of(direction)
        beyond = float(np.exp(-flow.fill_decay.value * start))
        deep = int(np.count_nonzero(orders.reach >= start - 1e-6 * result.increments.tick))
        found.append([within(flow.arrival_rate, 1.0, len(orders)), within(flow.fill_intensity, beyond, deep)])
    return np.array(found)


def next_minute(coming: list[NDArray[np.float64]]) -> str:
    """How often the next minute was as expected."""
    every, deep = np.mean(coming, axis=(0, 1))
    return f"orders of the next minute: as λ allows {every:6.1%}, beyond the touch as A allows {deep:6.1%}"


def recorded(root: str) -> None:
    """The next minute of recorded sessions, and of all together."""
    store, every = TickStore(root), []
    for coin in store.coins():
        for tape in sessions(store, coin):
            if len(tape.quotes.time_ms) >= FEWEST_QUOTES:
                increments = infer_increments(tape.quotes)
                rows = forecasts(observe(tape, increments.tick), increments, Plan(EARLY, 15_000, 1000 * NEXT_S))
                coming = [expected(result, future) for result, _, future in rows]
                if coming:
                    print(f"{coin:6s} {utc_text(tape.start_ms)} {len(coming):4d} minutes, {next_minute(coming)}")
                    every += coming
    if every:
        print(f"all sessions {len(every):4d} minutes, {next_minute(every)}")


def table(title: str, truths: list[MarketTruth]) -> None:
    """Print coverage, bias, spread and width over half hours of these markets."""
    holds, errors, widths = defaultdict(list), defaultdict(list), defaultdict(list)
    coming = []
    for seed, truth in enumerate(truths):
        tape = simulate_tape(truth, seed=10_000 + seed, seconds=SECONDS + NEXT_S)
        seen, now_ms = observe(tape, truth.tick), tape.start_ms + 1000 * SECONDS
        past, future = seen.as_known_at(tape.start_ms, now_ms), seen.between(now_ms, tape.end_ms)
        result = calibrate_observed(past, Increments(truth.tick, float(truth.instrument.lot)), Settings())
        coming.append(expected(result, future))
        flow = truth.order_flow()
        for direction in Direction:
            for name in NAMES:
                estimate, true = getattr(result.flows.of(direction), name), getattr(flow, name).of(direction)
                holds[name].append(estimate.low <= true <= estimate.high)
                errors[name].append(estimate.value / true - 1)
                widths[name].append((estimate.high - estimate.low) / 2 / true)
    print(f"{title}: {len(truths)} half hours")
    for name in NAMES:
        print(
            f"  {name:26s} holds {np.mean(holds[name]):6.1%}  error {np.mean(errors[name]):+6.1%} ± "
            f"{np.std(errors[name]):5.1%}  half width {np.mean(widths[name]):5.1%}"
        )
    print("  " + next_minute(coming))


def main() -> None:
    if len(sys.argv) > 2:
        recorded(sys.argv[2])
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    steady = default_truths(["ETH"])[0]
    bursting = replace(steady, bursts=Bursts(share=0.15, spell_s=20.0, ratio=6.0))
    slope = Directions(buy=0.5, sell=0.5)
    adverse = replace(bursting, adverse_selection_slope=slope, drift=DRIFT)
    moving = replace(steady, widening=Widening(share=0.3, spell_s=7.0, extra_ticks=4))
    table("one steady market", [steady] * runs)
    table("one market with bursts", [bursting] * runs)
    table("one market with bursts, drift and impact that grows with depth", [adverse] * runs)
    table("as many different markets", list(coin_universe(runs, seed=11)))
    table("one market with a moving spread", [moving] * runs)
    sparse = replace(steady, arrival_rate=Directions(90 / SECONDS, 45 / SECONDS))
    table("a sparse coin with unequal sides, 90 and 45 orders", [sparse] * runs)
    far = sparse.fill_decay.map(lambda decay: decay / 4)
    table("the same where orders walk four times as far", [replace(sparse, fill_decay=far)] * runs)
    apart = Directions(sparse.fill_decay.buy, sparse.fill_decay.sell / 2.3)
    table("the same with sides that walk differently", [replace(sparse, fill_decay=apart)] * runs)
    table("as many sparse coins", [replace(coin, arrival_rate=sparse.arrival_rate) for coin in coin_universe(runs, 12)])


if __name__ == "__main__":
    main()
