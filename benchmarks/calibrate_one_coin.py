"""Half an hour of one busy coin is calibrated in milliseconds, from arrays in memory.

The baseline does the same arithmetic with pandas as one would write it down: group the prints, join the quotes as of
just before and a second after, and walk through the groups.
"""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from calibration.flow.calibrate import calibrate
from calibration.observation.increments import Increments
from market_making.market.tape import Tape
from market_making.settings.settings import Settings
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape


def with_pandas(tape: Tape, tick: float) -> dict[str, float]:
    """λ, κ, A and ε of both sides and σ, without intervals."""
    quotes = pd.DataFrame({"time": tape.quotes.time_ms, "mid": tape.quotes.mid, "half": tape.quotes.half_spread})
    prints = pd.DataFrame(tape.trades._asdict())
    far = prints.assign(far=prints.price * prints.sign).groupby(["time_ms", "sign", "order"]).far.max().reset_index()
    far = far.sort_values("time_ms")
    orders = pd.merge_asof(far, quotes, left_on="time_ms", right_on="time", allow_exact_matches=False)
    orders["later"] = orders.time_ms + 1000
    after = pd.merge_asof(orders[["later"]], quotes, left_on="later", right_on="time")
    orders["impact"] = orders.sign * (after.mid.to_numpy() - orders.mid)
    orders["ticks"] = ((orders.far - orders.sign * orders.mid - orders.half) / tick).round().clip(lower=0)
    grid = (
        quotes.assign(time=pd.to_datetime(quotes.time, unit="ms")).set_index("time").mid.resample("1s").last().ffill()
    )
    result = {"volatility": float(np.sqrt((grid.diff(5) ** 2).mean() / 5))}
    exposure = (tape.end_ms - tape.start_ms) / 1e3
    drift = (grid.iloc[-1] - grid.iloc[0]) / exposure
    for sign, side in orders.groupby("sign"):
        tail = side[side.ticks >= 1]
        decay = -np.log(1 - len(tail) / tail.ticks.sum()) / tick
        rate = len(tail) / exposure
        moves = (side.impact - sign * drift).clip(*(side.impact - sign * drift).quantile([0.01, 0.99]))
        clusters = moves.groupby(side.time_ms // 15_000).sum()
        counts = side.groupby(side.time_ms // 15_000).size()
        result |= {
            f"rate {sign}": len(side) / exposure,
            f"fano {sign}": counts.var() / counts.mean(),
            f"decay {sign}": decay,
            f"intensity {sign}": rate * np.exp(decay * (side.half.mean() + tick)),
            f"impact {sign}": moves.mean(),
            f"error {sign}": np.sqrt((clusters**2).sum()) / len(side),
        }
    return result


def median_ms(function: Callable[[], object], repeats: int) -> float:
    """Median time of a call [ms]."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


def main() -> None:
    truth = default_truths(["ETH"])[0]
    tape = simulate_tape(truth, seed=1, seconds=1800, start_ms=1_700_000_000_000)
    increments = Increments(truth.tick, float(truth.instrument.lot))
    ours = median_ms(lambda: calibrate(tape, increments, Settings()), 50)
    baseline = median_ms(lambda: with_pandas(tape, truth.tick), 10)
    events = len(tape.quotes.time_ms) + len(tape.trades.time_ms)
    print(f"{events} events of half an hour: {ours:.2f} ms with all intervals (limit 10 ms)")
    print(f"pandas, without intervals: {baseline:.2f} ms, ratio {baseline / ours:.1f}")


if __name__ == "__main__":
    main()
