"""What a window shows without a fit, on a market whose law is known."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.observation.observations import observe
from calibration.plots.evidence import HORIZONS_S, Means, impact_by_depth, impact_by_horizon, reach_curve
from market_making.market.sides import Direction, Directions
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape

SLOPE = 0.3
TRUTH = replace(default_truths(["ETH"])[0], adverse_selection_slope=Directions(SLOPE, SLOPE))


@pytest.fixture(scope="module")
def seen():
    """Two hours of the market, as arrays and as observations."""
    tape = simulate_tape(TRUTH, seed=11, seconds=7_200.0)
    return observe(tape, TRUTH.tick), tape


@pytest.mark.parametrize("direction", Direction)
def test_orders_reach_a_depth_at_their_rate(seen, direction):
    """Beyond the touch the observed curve is A exp(−κ d), within its counting error."""
    observed, _ = seen
    curve = reach_curve(observed.orders.of(direction), observed.exposure_s)
    assert (np.diff(curve.depth) > 0).all()
    assert (np.diff(curve.rate) < 0).all()
    assert curve.rate[0] == pytest.approx(len(observed.orders.of(direction)) / observed.exposure_s)
    beyond = curve.depth > TRUTH.half_spread + TRUTH.tick / 2
    intensity, decay = TRUTH.fill_intensity.of(direction), TRUTH.fill_decay.of(direction)
    expected = intensity * np.exp(-decay * curve.depth[beyond]) * observed.exposure_s
    counted = curve.rate[beyond] * observed.exposure_s
    enough = expected > 30
    assert (np.abs(counted - expected)[enough] < 4.5 * np.sqrt(expected[enough])).all()


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("fills_only", [True, False])
def test_impact_that_comes_at_once_does_not_grow_with_the_horizon(seen, direction, fills_only):
    """Every interval holds the true mean move, at each horizon, give or take chance."""
    observed, tape = seen
    means = impact_by_horizon(observed, tape, direction, fills_only=fills_only)
    np.testing.assert_array_equal(means.at, HORIZONS_S)
    flow = TRUTH.order_flow()
    truth = (flow.adverse_selection_on_fill if fills_only else flow.adverse_selection).of(direction)
    error = (means.high - means.low) / 4
    assert (np.abs(means.value - truth) < 4 * error).all()
    assert (np.diff(means.high - means.low) > 0).all()


@pytest.mark.parametrize("direction", Direction)
def test_impact_grows_with_depth_by_its_slope(seen, direction):
    """E[J | reach ≥ d] = ε + θ (d − first depth beyond the touch) within the interval of each depth."""
    observed, _ = seen
    means = impact_by_depth(observed, direction)
    assert len(means.at) >= 8
    truth = TRUTH.adverse_selection_on_fill.of(direction) + SLOPE * (means.at - TRUTH.half_spread - TRUTH.tick)
    assert (np.abs(means.value - truth) < (means.high - means.low)).all()
    assert np.polyfit(means.at[:10], means.value[:10], 1)[0] == pytest.approx(SLOPE, abs=0.15)


def test_too_few_orders_show_nothing(seen):
    """Nine orders are no mean."""
    observed, tape = seen
    few = replace(observed, orders=observed.orders.where(slice(0, 9)))
    assert len(impact_by_depth(few, Direction.BUY).at) == 0
    assert len(impact_by_horizon(few, tape, Direction.BUY, fills_only=False).at) == 0


def test_means_in_other_units():
    """Depth and move are scaled each by its own factor."""
    means = Means.of([]).scaled(2.0, 3.0)
    assert [len(column) for column in means] == [0, 0, 0, 0]
