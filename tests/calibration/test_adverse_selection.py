"""Adverse selection: means without drift, honest errors, shrinkage, slope."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.estimators.adverse_selection import Mean, Trend, depth_slope, mean_markout, pooled, shrink
from calibration.estimators.seconds import Seconds
from market.errors import NotEnoughData

SECONDS = 1800


def random_walk(seed: int, drift: float = 0.0) -> Seconds:
    """A driftless walk of σ = 1 by the second, with a drift added."""
    mid = np.cumsum(np.random.default_rng(seed).normal(size=SECONDS)) + drift * np.arange(SECONDS)
    return Seconds(0, mid, np.ones(SECONDS), np.ones(SECONDS))


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
