"""Claim: 200 coins at maximum inventory 10 get their stationary quotes in one call of a few milliseconds.

Baseline: the same equation coin by coin with scipy's stiff integrator (BDF, banded by structure but not told so), far
enough ahead to forget the end. Prints both times, their ratio and the largest difference of a depth.
"""

import time
from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from market_making.quoting.value.cartea_jaimungal import Fills, ValueProblem
from market_making.quoting.value.penalty import default_running_penalty
from market_making.quoting.value.stationary import stationary

COINS, MAXIMUM_INVENTORY, BASELINE_COINS = 200, 10, 10


def problem_of_many_coins() -> ValueProblem:
    """Rates from 0.05 to 3 per second, decays from 0.5 to 100 per price, κ·cost up to 2, floors up to 0.2/κ."""
    rng = np.random.default_rng(0)
    intensity = rng.uniform(0.05, 3, (2, COINS))
    decay = np.exp(rng.uniform(np.log(0.5), np.log(100), (2, COINS)))
    cost, floor = rng.uniform(0, 2, (2, COINS)) / decay, rng.uniform(0, 0.2, (2, COINS)) / decay
    sides = (Fills(intensity[side], decay[side], cost[side], floor[side]) for side in range(2))
    return ValueProblem(*sides, MAXIMUM_INVENTORY, 0.02 / decay.mean(axis=0))


def integrated(problem: ValueProblem, coin: int) -> np.ndarray:
    """Ask depths of one coin by integrating far ahead."""
    arrays = problem.of(np.array([coin])).arrays()

    def growth(_: float, value: np.ndarray) -> np.ndarray:
        result = arrays.flows(value[:, None]).growth[:, 0]
        return result - result[MAXIMUM_INVENTORY]

    start = np.zeros(2 * MAXIMUM_INVENTORY + 1)
    solution = solve_ivp(growth, (0, 1e6), start, method="BDF", rtol=1e-6, atol=1e-9)
    return arrays.depths(solution.y[:, -1:]).ask[:, 0]


def best_time(run: Callable[[], object], repetitions: int) -> float:
    """The fastest of several runs [s]."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    problem = problem_of_many_coins()
    ours = best_time(lambda: stationary(problem).required(), 20)
    depths = stationary(problem).required().depths.ask
    start = time.perf_counter()
    baseline = np.stack([integrated(problem, coin) for coin in range(BASELINE_COINS)])
    theirs = (time.perf_counter() - start) / BASELINE_COINS * COINS
    print(f"{COINS} coins, maximum inventory {MAXIMUM_INVENTORY}")
    print(f"all coins at once          {ours * 1e3:9.1f} ms")
    print(f"BDF coin by coin           {theirs * 1e3:9.1f} ms  (from {BASELINE_COINS} coins)")
    print(f"ratio                      {theirs / ours:9.0f}")
    print(f"largest difference         {np.nanmax(np.abs(depths[:BASELINE_COINS] - baseline)):9.1e} (price)")
    penalty = best_time(lambda: default_running_penalty(problem), 5)
    print(f"default running penalties  {penalty * 1e3:9.1f} ms")


if __name__ == "__main__":
    main()
