"""Claim: the project's Avellaneda–Stoikov formulas give the published Tables 1 to 3 within 2 standard errors.

Usage: ``python benchmarks/avellaneda_stoikov_tables.py [--paths 20000]``. The simulation of Avellaneda and Stoikov
(2008), section 3.3: mid starts at 100 and moves by ±σ√dt in every step, an order at distance d from mid is filled with
probability A exp(−k d) dt, and the day is 200 steps long. The inventory strategy quotes the half-spread around the
reservation price, the symmetric one its mean over the day around mid. Printed: mean spread, mean and standard
deviation of the profit, standard deviation of the final inventory; beside each what the paper prints. That comes from
1,000 paths and is rounded; its standard error is taken from the distribution found here.
"""

import argparse
from math import sqrt
from typing import NamedTuple

import numpy as np

from market_making.market.tape import FloatArray
from market_making.quoting.models.avellaneda_stoikov import half_spread, reservation_shift

START, HORIZON, VOLATILITY, STEP, DECAY, INTENSITY = 100.0, 1.0, 2.0, 0.005, 1.5, 140.0
PATHS_OF_THE_PAPER, ROUGH = 1_000, 0.02


class Printed(NamedTuple):
    """A row of the paper: mean spread, mean and deviation of the profit, deviation of the final inventory."""

    spread: float
    profit: float
    profit_deviation: float
    inventory_deviation: float


TABLES = {
    (0.1, True): Printed(1.49, 65.0, 6.6, 2.9),
    (0.1, False): Printed(1.49, 68.4, 12.7, 8.4),
    (0.01, True): Printed(1.35, 68.6, 8.7, 5.1),
    (1.0, True): Printed(3.02, 31.4, 5.0, 1.7),
    (1.0, False): Printed(3.02, 44.0, 11.0, 5.1),
}


def simulate(risk_aversion: float, paths: int, *, leans: bool) -> tuple[float, FloatArray, FloatArray]:
    """Mean spread, and profit and final inventory of every path, shape (paths,).

    Parameters
    ----------
    risk_aversion : float
        γ [1/price].
    paths : int
        How many.
    leans : bool
        Whether the quotes lean against the inventory.
    """
    random = np.random.default_rng(2008)
    mid, cash, held = np.full(paths, START), np.zeros(paths), np.zeros(paths)
    times_left = HORIZON - STEP * np.arange(round(HORIZON / STEP))
    halves = [half_spread(DECAY, risk_aversion, VOLATILITY, left) for left in times_left.tolist()]
    for left, leaning in zip(times_left.tolist(), halves, strict=True):
        half, shift = float(np.mean(halves)), np.zeros(paths)
        if leans:
            half, shift = leaning, reservation_shift(held, risk_aversion, VOLATILITY, left)
        asks, bids = half + shift, half - shift
        bought = random.random(paths) < INTENSITY * np.exp(-DECAY * bids) * STEP
        sold = random.random(paths) < INTENSITY * np.exp(-DECAY * asks) * STEP
        cash += sold * (mid + asks) - bought * (mid - bids)
        held += bought.astype(float) - sold
        mid += VOLATILITY * sqrt(STEP) * np.where(random.random(paths) < 0.5, -1.0, 1.0)
    return 2 * float(np.mean(halves)), cash + held * mid, held


def deviation_error(values: FloatArray, n: int) -> float:
    """Standard error of the standard deviation of `n` values of this distribution."""
    centred = values - np.mean(values)
    variance = float(np.mean(centred**2))
    return sqrt((float(np.mean(centred**4)) - variance**2) / n) / (2 * sqrt(variance))


def main() -> None:
    """Print a row for each that the paper prints; status 1 if one is further away than 2 standard errors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--paths", type=int, default=20_000)
    paths = parser.parse_args().paths
    scale, good = sqrt(1 / PATHS_OF_THE_PAPER + 1 / paths), True
    print(f"{'γ':>5s} {'strategy':10s} {'spread':>14s} {'profit':>22s} {'deviation':>22s} {'of inventory':>20s}")
    for (risk_aversion, leans), paper in TABLES.items():
        spread, profit, held = simulate(risk_aversion, paths, leans=leans)
        found = [
            (float(np.mean(profit)), paper.profit, float(np.std(profit)) * scale, 0.05),
            (float(np.std(profit)), paper.profit_deviation, deviation_error(profit, 1) * scale, 0.05),
            (float(np.std(held)), paper.inventory_deviation, deviation_error(held, 1) * scale, 0.05),
        ]
        good &= abs(spread - paper.spread) <= ROUGH  # the paper's mean of the time left is that of no steps
        cells = [f"{spread:6.3f} / {paper.spread:.2f}"]
        for ours, theirs, error, rounding in found:
            errors = max(abs(ours - theirs) - rounding, 0.0) / error
            good &= errors <= 2
            cells.append(f"{ours:6.2f} / {theirs:4.1f} ({errors:.1f} se)")
        print(f"{risk_aversion:5g} {'inventory' if leans else 'symmetric':10s} " + "  ".join(cells))
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
