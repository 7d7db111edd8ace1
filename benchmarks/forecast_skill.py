"""The calibration forecasts how many market orders reach a depth better than the window's own counts do.

Walk-forward: from each window of half an hour A·exp(−κ d) says how many orders of the next minute reach 0.5, 1, 2 and
4 bps beyond the touch, rounded up to the price grid, where a quote would stand. Scored by the Poisson deviance of the
counts that came, against counting: the rate of the same window at the same depth. Below 1 is better than counting.
Given a tick store, each session of its coins is scored too, rows every 15 s from four observed minutes on, for horizons
from 15 s to 5 min; the last line is the geometric mean over the sessions. A session ends where the quotes pause for
four minutes:

    python benchmarks/forecast_skill.py [STORE]
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from calibration.flow.calibrate import Calibration, calibrate_observed
from calibration.observation.increments import Increments, infer_increments
from calibration.observation.observations import ObservedWindow, observe
from market_making.market.clock import utc_text
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray, Tape
from market_making.recording.store.tick_store import TickStore
from market_making.settings.sections import CalibrationSettings
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe, default_truths
from market_making.simulation.regimes import Bursts, Surge
from market_making.simulation.simulation import simulate_tape

DEPTHS_BPS = np.array([0.5, 1.0, 2.0, 4.0])
WINDOW_MS = 1_800_000
HORIZON_MS = 60_000
EVERY_MS = 60_000
SETTINGS = Settings()
FEWEST_QUOTES = 100
HORIZONS_MS = (15_000, 30_000, 60_000, 120_000, 300_000)
SESSION_GAP_MS = 240_000
EARLY = Settings(calibration=CalibrationSettings(minimum_exposure_s=240))


class Plan(NamedTuple):
    """Settings, time between forecasts and how far they look [ms]."""

    settings: Settings
    every_ms: int
    horizon_ms: int


def forecasts(
    known: ObservedWindow, increments: Increments, plan: Plan
) -> Iterator[tuple[Calibration, ObservedWindow, ObservedWindow]]:
    """Each calibration with the window it knew and the time that followed, if that was observed."""
    previous = None
    first = -(-known.start_ms // plan.every_ms) * plan.every_ms
    for now in range(first, known.end_ms - plan.horizon_ms, plan.every_ms):
        past = known.as_known_at(max(now - WINDOW_MS, known.start_ms), now)
        try:
            previous = calibrate_observed(past, increments, plan.settings, previous, now)
        except NotEnoughData:
            continue
        future = known.between(now, now + plan.horizon_ms)
        if future.exposure_s >= 0.99 * plan.horizon_ms / 1e3:
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


def score(tape: Tape, increments: Increments, plan: Plan) -> tuple[int, float, float]:
    """Number of forecasts, deviance of the model, deviance of counting."""
    count, model, counting = 0, 0.0, 0.0
    for calibration, past, future in forecasts(observe(tape, increments.tick), increments, plan):
        depths = on_grid(calibration)
        horizon_s = plan.horizon_ms / 1e3
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
    plan = Plan(SETTINGS, EVERY_MS, HORIZON_MS)
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
            results.append(score(tape, Increments(truth.tick, float(truth.instrument.lot)), plan))
        report(name, results)


def sessions(store: TickStore, coin: str) -> Iterator[Tape]:
    """Parts of a recording without a pause, each with nothing known before it."""
    days = [int(np.datetime64(day, "ms").astype(np.int64)) for day in store.days(coin)]
    time_ms = store.tape(coin, days[0], days[-1] + 86_400_000).quotes.time_ms
    pauses = np.flatnonzero(np.diff(time_ms) > SESSION_GAP_MS)
    for first, last in zip(np.r_[0, pauses + 1], np.r_[pauses, len(time_ms) - 1], strict=True):
        yield store.tape(coin, int(time_ms[first]) - 1, int(time_ms[last]))


def recorded(root: str) -> None:
    """Coins of a tick store, a session at a time."""
    store, table = TickStore(root), []
    for coin in store.coins():
        for tape in sessions(store, coin):
            if len(tape.quotes.time_ms) < FEWEST_QUOTES:
                continue
            increments = infer_increments(tape.quotes)
            scores = [score(tape, increments, Plan(EARLY, 15_000, horizon_ms)) for horizon_ms in HORIZONS_MS]
            ratios = [model / counting if count else np.nan for count, model, counting in scores]
            told = "  ".join(f"{h // 1000} s {x:.3f}" for h, x in zip(HORIZONS_MS, ratios, strict=True))
            if scores[2][0]:
                print(f"{coin:6s} {utc_text(tape.start_ms)} {scores[2][0]:4d} forecasts  {told}")
                table.append(ratios)
    means = np.exp(np.nanmean(np.log(table), axis=0))
    print("geometric mean  " + "  ".join(f"{h // 1000} s {x:.3f}" for h, x in zip(HORIZONS_MS, means, strict=True)))


def main() -> None:
    simulated()
    if len(sys.argv) > 1:
        recorded(sys.argv[1])


if __name__ == "__main__":
    main()
