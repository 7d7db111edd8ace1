"""How far a guess from candles is from the truth of simulated markets, and from a calibration from ticks of real ones.

For each number the geometric mean of guess / truth, the factor within which two thirds lie, and the share of truths
within the stated interval: over 100 different simulated markets (one hour of 1m candles each), and given a tick store
over its sessions of five minutes and more. Then what was tried and is not used: the depth of orders from how far the
extremes of a candle overshoot a random walk. Given files of candles, the same of each, and how well windows of
different length forecast the squared move of the next five minutes.

    python benchmarks/candle_approximation.py [STORE [CANDLES ...]]
"""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from calibration.candles.from_candles import CandleEstimates, estimate_from_candles
from calibration.flow.calibrate import calibrate
from calibration.observation.increments import infer_increments
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Direction
from market_making.market.tape import FloatArray, Tape
from market_making.quoting.order_flow import OrderFlow
from market_making.recording.candles.files import period_ms, read_candles
from market_making.recording.candles.from_ticks import Candles, candles
from market_making.recording.store.tick_store import TickStore
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe
from market_making.simulation.simulation import simulate_tape
from market_making.simulation.truth import MarketTruth

MARKETS = 100
MINUTE_MS = 60_000
WINDOWS = (12, 24, 48, 60, 120, 240)
LATEST = 6_000  # forecasts that are compared
SESSION_GAP_MS = 240_000
Case = tuple[str, CandleEstimates, OrderFlow]


def guess(some: Candles, window_s: float) -> CandleEstimates:
    """Guess at the close of the last candle."""
    return estimate_from_candles(some, MINUTE_MS, some.open_ms[-1:] + MINUTE_MS, window_s)


def simulated(truths: tuple[MarketTruth, ...]) -> Iterator[tuple[Case, Candles]]:
    """One hour of each market."""
    for seed, truth in enumerate(truths):
        some = candles(simulate_tape(truth, seed=7_000 + seed, seconds=3600), MINUTE_MS)
        yield (truth.coin, guess(some, 3600.0), truth.order_flow()), some


def sessions(store: TickStore, coin: str) -> Iterator[Tape]:
    """Recorded stretches of a coin."""
    start_ms, end_ms = store.extent(coin)
    stamps = store.tape(coin, start_ms - 1, end_ms).quotes.time_ms
    ends = np.flatnonzero(np.append(np.diff(stamps) > SESSION_GAP_MS, True))
    first = 0
    for last in ends:
        if stamps[last] - stamps[first] > 5 * MINUTE_MS:
            yield store.tape(coin, int(stamps[first]) - 1, int(stamps[last]))
        first = last + 1


def recorded(store: TickStore) -> Iterator[Case]:
    """Each session: the guess from its candles, and its calibration from ticks."""
    settings = Settings.from_section({"calibration": {"minimum_exposure_s": 300}})
    for coin in store.coins():
        for tape in sessions(store, coin):
            some, length_s = candles(tape, MINUTE_MS), (tape.end_ms - tape.start_ms) / 1e3
            try:
                found = calibrate(tape, infer_increments(tape.quotes), settings)
                yield f"{coin} {length_s:.0f} s", guess(some, length_s), found.order_flow()
            except NotEnoughData as error:
                print(f"  {coin} {length_s:.0f} s is left out: {error}")


def compare(title: str, cases: list[Case], *, each: bool) -> None:
    """Print how far the guesses are off."""
    ratios, held = defaultdict(list), defaultdict(list)
    for name, estimates, flow in cases:
        seen = {"volatility": estimates.volatility[0] / flow.volatility}
        seen["half_spread"] = estimates.half_spread[0] / flow.half_spread
        for key, ratio in seen.items():
            ratios[key].append(ratio)
        for key, (value, low, high) in estimates.flow.items():
            for direction in Direction:
                true = getattr(flow, key).of(direction)
                seen[f"{key}_{direction}"] = value[0] / max(true, 1e-12)
                held[key].append(low[0] <= true <= high[0])
                if true > 0:
                    ratios[key].append(value[0] / true)
        if each:
            print(f"  {name:12s} " + " ".join(f"{key} {ratio:.2f}" for key, ratio in seen.items()))
    print(f"{title}: {len(cases)}")
    for key, values in ratios.items():
        logs = np.log(values)
        inside = f", {np.mean(held[key]):4.0%} within the interval" if key in held else ""
        worst = np.exp(np.abs(logs).max())
        print(
            f"  {key:26s} guess/truth {np.exp(logs.mean()):5.2f}, two thirds within a factor "
            f"{np.exp(np.quantile(np.abs(logs - logs.mean()), 0.67)):4.2f}, farthest {worst:5.1f}{inside}"
        )


def overshoot(some: Candles, length_ms: int = MINUTE_MS) -> tuple[float, float]:
    """Volatility from closes and, in units of it, how far extremes lie beyond those of a Brownian motion [√s].

    With a drift-free walk of variance v a candle, E[(H−O)(H−C) + (L−O)(L−C)] = v; an overshoot w on both sides adds
    4·√(2/π)·w·√v + 2 w².
    """
    variance = float(np.mean(np.diff(some.close) ** 2))
    rise, fall = some.high - some.open, some.low - some.open
    excess = float(np.mean(rise * (some.high - some.close) + fall * (some.low - some.close))) - variance
    slope = 4 * np.sqrt(2 / np.pi) * np.sqrt(variance)
    beyond = (-slope + np.sqrt(max(slope**2 + 8 * excess, 0.0))) / 4
    sigma = np.sqrt(variance / (length_ms / 1e3))
    return float(sigma), float(beyond / sigma)


def ranks(values: list[float]) -> FloatArray:
    """Place of each value among all."""
    return np.argsort(np.argsort(values)).astype(float)


def candle_file(path: Path) -> None:
    """Overshoot of extremes, and how well the mean of the last squared moves forecasts the next five minutes."""
    some = read_candles(path)
    length_ms = period_ms(some, path)
    moves = np.diff(np.log(some.close)) ** 2
    ahead = max(1, 5 * MINUTE_MS // length_ms)
    future = np.convolve(moves, np.ones(ahead) / ahead, mode="valid")
    losses = []
    for window in WINDOWS:
        past = np.convolve(moves, np.ones(window) / window, mode="valid")[: len(future) - window]
        seen, past = future[window:][-len(past) :], past[: len(future) - window]
        past = np.maximum(past[-LATEST:], 1e-12) * seen[-LATEST:].mean() / past[-LATEST:].mean()
        losses.append(f"{window}: {np.mean(np.log(past) + seen[-LATEST:] / past) - np.log(seen[-LATEST:].mean()):.3f}")
    print(f"{path.name:24s} overshoot {overshoot(some, length_ms)[1]:5.2f} √s·σ; QLIKE by candles {', '.join(losses)}")


def main() -> None:
    truths = coin_universe(MARKETS, seed=77)
    cases, beyond, reach = [], [], []
    for (case, some), truth in zip(simulated(truths), truths, strict=True):
        cases.append(case)
        sigma, excess = overshoot(some)
        beyond.append(excess * sigma / truth.volatility)
        reach.append(1 / truth.fill_decay.buy / truth.volatility)
    compare("simulated markets", cases, each=False)
    print(
        f"  overshoot of extremes: median {np.median(beyond):.1f} √s·σ, rank correlation with 1/κσ "
        f"{np.corrcoef(ranks(beyond), ranks(reach))[0, 1]:.2f}"
    )
    if len(sys.argv) > 1:
        compare("recorded sessions, against ticks", list(recorded(TickStore(sys.argv[1], "hyperliquid"))), each=True)
    for path in sys.argv[2:]:
        candle_file(Path(path))
    for days, length_ms in ((122, 5 * MINUTE_MS), (90, MINUTE_MS)):
        number = days * 86_400_000 // length_ms
        walk = 3000 + np.random.default_rng(1).normal(0, 1, number).cumsum().round(1)
        some = Candles(np.arange(number) * length_ms, walk, walk + 1, walk - 1, walk, np.full(number, 100.0))
        began = time.perf_counter()
        rows = estimate_from_candles(some, length_ms, some.open_ms + length_ms)
        print(f"{days} days of {length_ms / 6e4:g}m: {len(rows.time_ms)} rows in {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
