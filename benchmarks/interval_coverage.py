"""The 95 % intervals hold the truth 90 to 99 times of a hundred, in steady and in bursting simulated markets.

200 independent half hours of each kind of market, the last one whose spread moves, where they fail; for each estimate
the share of intervals that hold the true value, the mean error of the value, its spread, and the mean half width of the
interval, all relative to the truth.
"""

import sys
from collections import defaultdict
from dataclasses import replace

import numpy as np

from calibration.flow.calibrate import calibrate
from calibration.observation.increments import Increments
from market_making.market.sides import Direction, Directions
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe, default_truths
from market_making.simulation.regimes import Bursts, Widening
from market_making.simulation.simulation import simulate_tape
from market_making.simulation.truth import MarketTruth

RUNS = 200
DRIFT = 0.1  # price/s, six times the standard error of the mean drift of half an hour
NAMES = ("arrival_rate", "fill_decay", "fill_intensity", "adverse_selection", "adverse_selection_on_fill")


def table(title: str, truths: list[MarketTruth]) -> None:
    """Print coverage, bias, spread and width over half hours of these markets."""
    holds, errors, widths = defaultdict(list), defaultdict(list), defaultdict(list)
    for seed, truth in enumerate(truths):
        tape = simulate_tape(truth, seed=10_000 + seed, seconds=1800)
        result = calibrate(tape, Increments(truth.tick, float(truth.instrument.lot)), Settings())
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


def main() -> None:
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


if __name__ == "__main__":
    main()
