"""How long an order rests, and what its moves cost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from calibration.scanning.requoting import action_cost_per_hour, actions_per_hour, rest_s

positive = st.floats(0.05, 20.0)


@given(positive, positive, positive)
def test_rest_is_the_life_and_the_mean_time_to_leave_after_it(volatility, tolerance, life):
    """Against the integral over where mid stands when the minimum life ends."""
    spread = volatility * np.sqrt(life)

    def leave(z):
        return max(tolerance**2 - (spread * z) ** 2, 0) / volatility**2 * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    edge = min(tolerance / spread, 40)
    expected = life + 2 * quad(leave, 0, edge, limit=200)[0]
    assert rest_s(volatility, tolerance, life) == pytest.approx(expected, rel=1e-6)


def test_rest_is_that_of_simulated_orders():
    """A walk in steps of 2 ms that starts anew whenever the order is moved."""
    random, step, volatility, tolerance, life = np.random.default_rng(3), 0.002, 1.0, 1.2, 0.8
    times = []
    for _ in range(400):
        path = np.cumsum(volatility * np.sqrt(step) * random.standard_normal(5_000))
        first = int(life / step)
        out = np.abs(path[first:]) > tolerance
        assert out.any()
        times.append((first + np.argmax(out)) * step)
    error = np.std(times) / 20
    assert abs(np.mean(times) - rest_s(volatility, tolerance, life)) < 4 * error + 0.03


@given(positive, positive, positive, st.floats(0.1, 10))
def test_rest_does_not_depend_on_the_unit_of_price(volatility, tolerance, life, unit):
    """Both distances in another unit: the same time."""
    assert rest_s(volatility * unit, tolerance * unit, life) == pytest.approx(rest_s(volatility, tolerance, life))


@given(positive, positive, positive)
def test_an_order_rests_at_least_its_minimum_life(volatility, tolerance, life):
    """And no longer than that and a whole passage after it."""
    rest = rest_s(volatility, tolerance, life)
    assert life <= rest * (1 + 1e-12)
    assert rest <= (life + (tolerance / volatility) ** 2) * (1 + 1e-12)


def test_limits():
    """Without a minimum life an order rests for the passage time, in a dead market for ever."""
    assert rest_s(2.0, 1.0, 0.0) == 0.25
    assert rest_s(0.0, 1.0, 2.0) == np.inf


def test_actions_are_two_a_move_on_both_sides_and_three_a_fill():
    """Never more than the bot allows itself."""
    assert actions_per_hour(10.0, 100.0, 1_000.0) == 4 * 360 + 300
    assert actions_per_hour(np.inf, 0.0, 60.0) == 0
    assert actions_per_hour(0.1, 0.0, 60.0) == actions_per_hour(0.0, 0.0, 60.0) == 3_600


def test_only_actions_beyond_the_volume_cost():
    """One action is free for each unit of turnover."""
    assert action_cost_per_hour(1_000, 2_000) == 0
    assert action_cost_per_hour(3_000, 1_000) == pytest.approx(1.0)
