"""The calibration forecasts how many market orders reach a depth better than the window's own counts do.

Walk-forward: from each window of half an hour A·exp(−κ d) says how many orders of the next minute reach 0.5, 1, 2 and
4 bps beyond the touch, rounded up to the price grid, where a quote would stand. Scored by the Poisson deviance of the
counts that came, against counting: the rate of the same window at the same depth. Below 1 is better than counting.
Given a tick store, its coins are scored too:

    python benchmarks/forecast_skill.py [STORE]
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from calibration.flow.calibrate import Calibration, calibrate_observed
from calibration.observation.increments import Increments, infer_increments
from calibration.observation.observations import ObservedWindow, observe
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray, Tape
from market_making.recording.store.tick_store import TickStore
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe, default_truths
from market_making.simulation.regimes import Bursts, Surge
from market_making.simulation.simulation import simulate_tape

DEPTHS_BPS = np.array([0.5, 1.0, 2.0, 4.0])
WINDOW_MS = 1_800_000
HORIZON_MS = 60_000
EVERY_MS = 60_000
SETTINGS = Settings()


def forecasts(
    known: ObservedWindow, increments: Increments
) -> Iterator[tuple[Calibration, ObservedWindow, ObservedWindow]]:
    """Each calibration with the window it knew and the minute that followed, if that was observed."""
    previous = None
    first = -(-known.start_ms // EVERY_MS) * EVERY_MS
    for now in range(first, known.end_ms - HORIZON_MS, EVERY_MS):
        past = known.as_known_at(max(now - WINDOW_MS, known.start_ms), now)
        try:
            previous = calibrate_observed(past, increments, SETTINGS, previous, now)
        except NotEnoughData:
            continue
        future = known.between(now, now + HORIZON_MS)
        if future.exposure_s >= 0.99 * HORIZON_MS / 1e3:
            yield previous, past, future


def on_grid(calibration: Calibration) -> FloatArray:
    """Depths beyond the touch at which a quote can stand [price]."""
    tick = calibration.increments.tick
    touch = max(1, round(2 * calibration.half_spread / tick)) * tick / 2
    return touch + np.ceil(DEPTHS_BPS * calibration.mid / 1e4 / tick) * tick - 1e-6 * tick


def reached(observed: ObservedWindow, direction: Direction, depths: FloatArray) -> FloatArray:
    """How many orders reached each depth."""
    return (observed.orders.of(direction).reach[:, None] >= depths).sum(axis=0).astype(float)


def deviance(seen: FloatArray, expected: FloatArray) -> float:
    """Poisson deviance, summed."""
    ratio = np.where(seen > 0, seen * np.log(np.maximum(seen, 1) / expected), 0.0)
    return float(2 * (ratio - (seen - expected)).sum())


def score(tape: Tape, increments: Increments) -> tuple[int, float, float]:
    """Number of forecasts, deviance of the model, deviance of counting."""
    count, model, counting = 0, 0.0, 0.0
    for calibration, past, future in forecasts(observe(tape, increments.tick), increments):
        depths = on_grid(calibration)
        horizon_s = HORIZON_MS / 1e3
        for direction in Direction:
            flow = calibration.flows.of(direction)
            expected = flow.fill_intensity.value * np.exp(-flow.fill_decay.value * depths) * horizon_s
            counted = (reached(past, direction, depths) + 0.5) / past.exposure_s * horizon_s
            seen = reached(future, direction, depths)
            model, counting = model + deviance(seen, expected), counting + deviance(seen, counted)
            count += 1
    return count, model, counting


def report(name: str, results: list[tuple[int, float, float]]) -> None:
    """Print the ratio over some tapes."""
    count, model, counting = (sum(column) for column in zip(*results, strict=True))
    ratio = f"{model / counting:.3f}" if counting else "-"
    print(f"{name:34s} {count:5d} forecasts, model/counting {ratio}")


def simulated() -> None:
    """Markets whose truth is known."""
    steady = default_truths(["ETH"])[0]
    markets = {
        "steady": [steady] * 5,
        "bursts of 20 s": [replace(steady, bursts=Bursts(share=0.15, spell_s=20.0, ratio=6.0))] * 5,
        "bursts of 5 min": [replace(steady, bursts=Bursts(share=0.2, spell_s=300.0, ratio=5.0))] * 5,
        "a surge that dies down in 2 min": [replace(steady, surge=Surge(2400.0, 120.0, arrival=8.0))] * 5,
        "different coins": list(coin_universe(10, seed=2)),
    }
    for name, truths in markets.items():
        results = []
        for seed, truth in enumerate(truths):
            tape = simulate_tape(truth, seed=500 + seed, seconds=3600)
            results.append(score(tape, Increments(truth.tick, float(truth.instrument.lot))))
        report(name, results)


def recorded(root: str) -> None:
    """Coins of a tick store, a day at a time."""
    store = TickStore(root)
    for coin in store.coins():
        results = []
        for day in store.days(coin):
            start_ms = int(np.datetime64(day, "ms").astype(np.int64))
            tape = store.tape(coin, start_ms, start_ms + 86_400_000)
            if len(tape.quotes.time_ms):
                results.append(score(tape, infer_increments(tape.quotes)))
        report(f"{coin}, {len(results)} days", results)


def main() -> None:
    simulated()
    if len(sys.argv) > 1:
        recorded(sys.argv[1])


if __name__ == "__main__":
    main()
