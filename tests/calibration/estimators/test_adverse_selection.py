"""Adverse selection: means without drift, honest errors, shrinkage, slope."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.estimators.adverse_selection import Mean, Trend, depth_slope, mean_markout, pooled, shrink
from calibration.estimators.seconds import Seconds
from calibration.flow.calibrate import calibrate
from calibration.observation.increments import Increments
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Direction, Directions
from market_making.settings.settings import Settings
from market_making.simulation.regimes import Bursts
from market_making.simulation.simulation import simulate_tape

SECONDS = 1800


def grid_of(mid: np.ndarray) -> Seconds:
    """A grid with these mids."""
    return Seconds(0, mid, np.ones(len(mid)), np.ones(len(mid)), np.tile(mid[:, np.newaxis, np.newaxis], (4, 3)))


def random_walk(seed: int, drift: float = 0.0) -> Seconds:
    """A driftless walk of σ = 1 by the second, with a drift added."""
    mid = np.cumsum(np.random.default_rng(seed).normal(size=SECONDS)) + drift * np.arange(SECONDS)
    return grid_of(mid)


def moves_after(grid: Seconds, impact: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Moves of mid and an impact, after n orders at whole seconds."""
    at = np.sort(np.random.default_rng(seed).integers(0, SECONDS - 1, n))
    return grid.mid[at + 1] - grid.mid[at] + impact, (at + 1) * 1000


@given(drift=st.floats(-2, 2), sign=st.sampled_from([-1, 1]))
def test_a_trend_is_not_impact(drift, sign):
    """Adding a drift to mid changes neither the mean nor its error."""
    results = []
    for slope in (0.0, drift):
        grid = random_walk(1, slope)
        moves, when = moves_after(grid, 0.0, 600, 2)
        results.append(mean_markout(sign * moves, when, sign, Trend.of(grid)))
    assert results[1].value == pytest.approx(results[0].value, abs=1e-9)
    assert results[1].error == pytest.approx(results[0].error, rel=1e-6)


def test_the_true_impact_lies_in_the_interval_as_often_as_stated():
    """In 200 random walks the interval of the mean holds the impact 90 to 99 times of a hundred."""
    hits = []
    for seed in range(200):
        grid = random_walk(seed)
        moves, when = moves_after(grid, 0.3, 500, seed + 1)
        estimate = mean_markout(moves, when, 1, Trend.of(grid)).estimate
        hits.append(estimate.low <= 0.3 <= estimate.high)
    assert 0.90 <= np.mean(hits) <= 0.99


@pytest.mark.slow
def test_bursts_drift_and_depth_neither_bias_impact_nor_narrow_its_interval(truth):
    """In 100 half hours with all three: bias below 5 %, and the truth lies in 91 to 99 of 100 intervals."""
    steep = Directions(buy=0.5, sell=0.5)
    bursts = Bursts(share=0.15, spell_s=20.0, ratio=6.0)
    market = replace(truth, bursts=bursts, drift=0.1, adverse_selection_slope=steep)
    increments, flow = Increments(market.tick, float(market.instrument.lot)), market.order_flow()
    hits, errors = defaultdict(list), defaultdict(list)
    for seed in range(100):
        flows = calibrate(simulate_tape(market, seed=seed, seconds=1800), increments, Settings()).flows
        for direction in Direction:
            for name in ("adverse_selection", "adverse_selection_on_fill"):
                estimate, true = getattr(flows.of(direction), name), getattr(flow, name).of(direction)
                hits[name].append(estimate.low <= true <= estimate.high)
                errors[name].append(estimate.value / true - 1)
    for name in hits:
        assert abs(np.mean(errors[name])) < 0.05
        assert 0.91 <= np.mean(hits[name]) <= 0.99


def test_the_error_knows_of_neighbours_and_of_the_few_that_decide():
    """Clusters that pull together widen the error; where few hold the variance, the quantile is larger."""
    grid = grid_of(np.zeros(SECONDS))
    when = np.arange(0, SECONDS) * 1000 + 500

    def mean(by_cluster: np.ndarray) -> Mean:
        return mean_markout(np.repeat(by_cluster, 15)[: len(when)], when, 1, Trend.of(grid))

    signs = np.random.default_rng(8).choice([-1.0, 1.0], 1 + SECONDS // 15)
    alternating, pairs = mean(np.tile([1.0, -1.0], len(signs))), mean(np.repeat(signs, 2))
    assert pairs.error > 1.15 * alternating.error
    even, uneven = mean(signs), mean(np.where(np.arange(len(signs)) % 10 == 0, 10 * signs, signs))
    assert even.freedom > 0.8 * (SECONDS // 15)
    assert uneven.freedom < 0.4 * even.freedom
    assert uneven.quantile > even.quantile


def test_one_outlier_decides_nothing():
    """A thousandfold move among 500 changes the mean by less than its error."""
    grid = random_walk(4)
    moves, when = moves_after(grid, 0.3, 500, 5)
    usual = mean_markout(moves, when, 1, Trend.of(grid))
    wild = moves.copy()
    wild[0] = 1000.0
    assert abs(mean_markout(wild, when, 1, Trend.of(grid)).value - usual.value) < usual.error


def test_unknown_moves_are_left_out_and_two_clusters_are_needed():
    """NaN counts for nothing; orders of one cluster say nothing about the error."""
    grid = random_walk(6)
    moves, when = moves_after(grid, 0.0, 100, 7)
    holes = np.r_[moves, np.nan], np.r_[when, when[-1]]
    assert mean_markout(*holes, 1, Trend.of(grid)) == mean_markout(moves, when, 1, Trend.of(grid))
    with pytest.raises(NotEnoughData, match="3 market orders in 1 clusters"):
        mean_markout(np.ones(3), np.array([100, 200, 300]), 1, Trend.of(grid))


@given(value=st.floats(-5, 5), error=st.floats(0.01, 10), centre=st.floats(-5, 5))
def test_shrinkage_lies_between_the_mean_and_its_expectation(value, error, centre):
    """The posterior is between both, nearer to the mean the smaller its error, and inside its interval."""
    posterior = shrink(Mean(value, error, 50, 100), centre, 1.0)
    assert min(value, centre) - 1e-9 <= posterior.value <= max(value, centre) + 1e-9
    assert posterior.low <= posterior.value <= posterior.high
    assert (
        abs(posterior.value - value) <= abs(shrink(Mean(value, 2 * error, 50, 100), centre, 1.0).value - value) + 1e-9
    )


def test_pooling_weighs_by_precision():
    """A mean ten times as precise has a hundred times the weight."""
    assert pooled(Mean(0.0, 0.1, 9, 9), Mean(1.0, 1.0, 9, 9)) == pytest.approx(1 / 101)


def test_slope_of_a_straight_line_is_found_with_its_interval():
    """Moves that grow by 0.4 with each unit of depth, plus noise, give a slope of 0.4."""
    random = np.random.default_rng(8)
    hits = []
    for _ in range(100):
        depth = random.exponential(1.0, 200)
        moves = 0.2 + 0.4 * depth + random.normal(0, 0.5, 200)
        estimate = depth_slope(moves, depth, np.arange(200) * 9_000).estimate
        hits.append(estimate.low <= 0.4 <= estimate.high)
    assert np.mean(hits) >= 0.9
    assert depth_slope(moves, depth, np.arange(200) * 9_000).value == pytest.approx(0.4, abs=0.15)
    with pytest.raises(NotEnoughData):
        depth_slope(np.ones(5), np.ones(5), np.arange(5) * 20_000)
