"""The default running penalty."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.quoting.value.cartea_jaimungal import Fills, ValueProblem
from market_making.quoting.value.penalty import default_running_penalty, quote_move
from market_making.quoting.value.stationary import stationary


def flows(seed: int, maximum_inventory: int, coins: int = 50) -> ValueProblem:
    """Many coins whose sides differ by up to ten times in rate and seven times in decay."""
    rng = np.random.default_rng(seed)
    intensity = np.exp(rng.uniform(np.log(0.01), np.log(10), coins)) * 10 ** rng.uniform(-0.5, 0.5, (2, coins))
    decay = np.exp(rng.uniform(np.log(0.01), np.log(1e4), coins) + rng.uniform(-1, 1, (2, coins)))
    cost, floor = rng.uniform(-0.3, 2.0, (2, coins)) / decay, rng.uniform(0, 2, (2, coins)) / decay
    floor[:, ::2] = -np.inf
    return ValueProblem(
        *(Fills(intensity[side], decay[side], cost[side], floor[side]) for side in range(2)), maximum_inventory
    )


@given(seed=st.integers(0, 10**9), maximum_inventory=st.sampled_from([1, 2, 3, 5, 10, 20]))
@settings(max_examples=25)
def test_the_quote_moves_by_one_to_two_half_spreads(seed, maximum_inventory):
    """From inventory zero to the bound, for a broad range of flows."""
    problem = flows(seed, maximum_inventory)
    solution = stationary(problem.with_penalty(default_running_penalty(problem))).required()
    sides = [side.arrays(problem.coins) for side in (problem.ask, problem.bid)]
    depths = [np.maximum(side.floor, 1 / side.decay + np.maximum(side.cost, 0)) for side in sides]
    moves = quote_move(solution.value) / np.mean(depths, axis=0)
    assert moves.min() >= 1.0
    assert moves.max() <= 2.0


def test_the_move_is_what_the_reducing_quotes_do():
    """Without a floor it is the mean way of the ask up to the maximum and of the bid down to the minimum."""
    problem = ValueProblem(Fills(0.4, 8.0, 0.05), Fills(0.2, 4.0, 0.05), 4, 1e-3)
    solution = stationary(problem)
    ask, bid = solution.depths.ask[0], solution.depths.bid[0]
    assert quote_move(solution.value)[0] == pytest.approx((ask[4] - ask[8] + bid[4] - bid[0]) / 2)


def test_drift_and_a_given_penalty_do_not_matter():
    """The default is a property of the flow alone."""
    problem = ValueProblem(Fills(0.4, 8.0, 0.05), Fills(0.2, 4.0, 0.05), 4)
    other = replace(problem, running_penalty=3.0, drift=-0.2)
    assert default_running_penalty(problem) == default_running_penalty(other)


def test_it_follows_the_unit_of_price_and_of_time():
    """Prices times c: φ times c; a flow twice as fast: φ times two."""
    base = default_running_penalty(ValueProblem(Fills(0.4, 8.0, 0.05), Fills(0.2, 4.0, 0.05), 4))
    in_cents = default_running_penalty(ValueProblem(Fills(0.4, 0.08, 5.0), Fills(0.2, 0.04, 5.0), 4))
    faster = default_running_penalty(ValueProblem(Fills(0.8, 8.0, 0.05), Fills(0.4, 4.0, 0.05), 4))
    np.testing.assert_allclose(in_cents, 100 * base, rtol=1e-6)
    np.testing.assert_allclose(faster, 2 * base, rtol=1e-6)


def test_a_coin_without_usable_fills_gets_the_approximation_and_spoils_no_other():
    """No fills on a side, or costs of hundreds of mean depths: a number, and the others' numbers do not change."""
    ask = Fills([0.4, 0.4, 0.4, 0.0], 8.0, [0.0, 0.0, 100.0, 0.0])
    bid = Fills([0.0, 0.2, 0.2, 0.0], 4.0, [0.0, 0.0, 100.0, 0.0])
    penalty = default_running_penalty(ValueProblem(ask, bid, 4))
    assert np.isfinite(penalty).all()
    assert (penalty[:2] > 0).all()
    assert penalty[1] == default_running_penalty(ValueProblem(Fills(0.4, 8.0), Fills(0.2, 4.0), 4))[0]


@given(seed=st.integers(0, 10**9))
@settings(max_examples=10)
def test_the_penalty_of_a_coin_does_not_depend_on_its_company(seed):
    """Solved with others or alone, it settles at the very same number."""
    problem = flows(seed, 3)
    together = default_running_penalty(problem)
    for coin in (0, 17, 49):
        assert default_running_penalty(problem.of(np.array([coin])))[0] == together[coin]
