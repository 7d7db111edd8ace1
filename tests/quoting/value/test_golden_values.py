"""The solvers against published numbers and numbers computed elsewhere with 40 digits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market_making.quoting.value.cartea_jaimungal import Fills, ValueProblem
from market_making.quoting.value.finite_horizon import finite_horizon
from market_making.quoting.value.stationary import stationary

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "hjb.json"


def problem_of(lp, lm, kp, km, ep, em, phi, q_max, fee=0.0, b=None, dmin=-np.inf) -> ValueProblem:
    """A problem in the letters of the book: λ±, κ±, ε±; the drift is λ⁺ε⁺ − λ⁻ε⁻ unless given."""
    drift = lp * ep - lm * em if b is None else b
    return ValueProblem(Fills(lp, kp, ep + fee, dmin), Fills(lm, km, em + fee, dmin), q_max, phi, drift)


# Depths at zero inventory, 40-digit Taylor series of the equation. The first two are the book's figures 10.8 and 10.9.
AT_ZERO = [
    (dict(lp=1, lm=1, kp=100, km=100, ep=0.005, em=0.005, phi=2e-4, q_max=3), 1e-4, 30,
     0.016654401277326533, 0.016654401277326533),
    (dict(lp=2, lm=1, kp=100, km=100, ep=0.005, em=0.005, phi=5e-4, q_max=10), 1e-4, 100,
     0.038218666313450026, -0.0053937391212497455),
    (dict(lp=0.364, lm=0.17, kp=6.37, km=6.37, ep=0.07, em=0.043, phi=1e-3, q_max=3), 1e-3, 60,
     0.57756906413481559, -0.09909847891057939),
    (dict(lp=0.364, lm=0.17, kp=8.54, km=4.2, ep=0.07, em=0.043, phi=0, q_max=3), 0, 60,
     0.6163334831707364, -0.082548597680151669),
    (dict(lp=0.364, lm=0.17, kp=8.54, km=4.2, ep=0.07, em=0.043, phi=1e-3, q_max=10), 1e-3, 60,
     0.70773715400890294, -0.19657180991519412),
    (dict(lp=0.364, lm=0.17, kp=8.54, km=4.2, ep=0.07, em=0.043, phi=1e-3, q_max=10, fee=0.05, b=0), 1e-3, 1800,
     0.27628155820833491, 0.35589913721546283),
]  # fmt: skip


@pytest.mark.parametrize(("letters", "terminal_penalty", "time_left", "ask", "bid"), AT_ZERO)
def test_depths_at_zero_inventory(letters, terminal_penalty, time_left, ask, bid):
    """The quotes of a maker without inventory agree with 40-digit arithmetic."""
    solution = finite_horizon(problem_of(**letters), terminal_penalty, [time_left], tolerance=1e-9)
    centre = letters["q_max"]
    assert solution.depths.ask[0, 0, centre] == pytest.approx(ask, abs=1e-9)
    assert solution.depths.bid[0, 0, centre] == pytest.approx(bid, abs=1e-9)


def test_growth_of_the_book_example():
    """The long-run earnings of figure 10.9 are the largest eigenvalue of its matrix over κ."""
    letters: dict[str, Any] = AT_ZERO[1][0]
    assert stationary(problem_of(**letters)).growth[0] == pytest.approx(0.01758706643291, abs=1e-13)


@pytest.mark.parametrize(("penalty_times_decay", "rest"), [(0.2, 1.235), (0.1, 2.500), (0.05, 5.000)])
def test_inventory_drifts_towards_the_published_level(penalty_times_decay, rest):
    """Buys twice as frequent as sells: expected inventory rests where figure 10.9 shows it ("1", "2 to 3", "5")."""
    problem = problem_of(2, 1, 100, 100, 0.005, 0.005, penalty_times_decay / 100, 10)
    depths = finite_horizon(problem, 1e-4, [100.0], tolerance=1e-9).depths
    filled_asks, filled_bids = 2 * np.exp(-100 * depths.ask[0, 0]), np.exp(-100 * depths.bid[0, 0])
    speed = (filled_bids - filled_asks)[1:-1]
    level = np.interp(0.0, -speed, problem.inventory[1:-1])
    assert level == pytest.approx(rest, abs=1e-3)


def golden_sets(kind: str) -> list[Any]:
    """Sets of the file of check values, or one that skips where there is no such file."""
    if not GOLDEN.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no check values at {GOLDEN}"))]
    return [pytest.param(entry, id=entry["name"]) for entry in json.loads(GOLDEN.read_text())[kind]]


def letters_of(entry: dict[str, Any]) -> tuple[dict[str, Any], float, float]:
    """Problem letters, terminal penalty and time left of a set."""
    letters = {name: float(value) for name, value in entry["params"].items()}
    letters["q_max"] = int(letters["q_max"])
    return letters, letters.pop("alpha", 0.0), letters.pop("T", np.inf)


def numbers(values: list[Any]) -> np.ndarray:
    """Null becomes NaN."""
    return np.array([np.nan if value is None else float(value) for value in values])


@pytest.mark.parametrize("entry", [*golden_sets("sets"), *golden_sets("constrained_sets")])
def test_finite_horizon_check_values(entry):
    """Depths, free and with a floor, agree with the check values to 1e-9."""
    letters, terminal_penalty, time_left = letters_of(entry)
    depths = finite_horizon(problem_of(**letters), terminal_penalty, [time_left], tolerance=5e-10).depths
    np.testing.assert_allclose(depths.ask[0, 0], numbers(entry["delta_plus"]), rtol=0, atol=1e-9)
    np.testing.assert_allclose(depths.bid[0, 0], numbers(entry["delta_minus"]), rtol=0, atol=1e-9)


@pytest.mark.parametrize("entry", golden_sets("ergodic_sets"))
def test_stationary_check_values(entry):
    """Stationary depths and growth agree with the check values to 1e-10."""
    letters, _, _ = letters_of(entry)
    solution = stationary(problem_of(**letters)).required()
    np.testing.assert_allclose(solution.depths.ask[0], numbers(entry["delta_plus"]), rtol=0, atol=1e-10)
    np.testing.assert_allclose(solution.depths.bid[0], numbers(entry["delta_minus"]), rtol=0, atol=1e-10)
    assert solution.growth[0] == pytest.approx(entry["theta"], abs=1e-12)
