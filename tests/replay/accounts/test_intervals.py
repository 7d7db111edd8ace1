"""Intervals hold the truth as often as they say, also of sums that are correlated in time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from market_making.replay.accounts.intervals import (
    batch_means,
    batch_ratio,
    median_interval,
    stationary_bootstrap,
    wilson,
)

RUNS, BLOCKS, STEPS = 3000, 12, 30  # hours of 12 blocks of 30 steps of 10 s


@pytest.fixture(scope="module")
def hours():
    """Money of each 10 s, remembered for half a minute: its mean is 1."""
    random, memory = np.random.default_rng(5), 0.7
    noise = random.standard_t(5, (RUNS, BLOCKS * STEPS + 50))
    steps = np.zeros_like(noise)
    for n in range(1, noise.shape[1]):
        steps[:, n] = memory * steps[:, n - 1] + noise[:, n]
    return 1.0 + 3 * steps[:, 50:]


def held(truth, values, halves):
    return float(np.mean(np.abs(values - truth) <= halves))


def test_batch_means_hold_the_truth_93_to_97_times_of_a_hundred(hours):
    """Where an interval that takes steps for independent fails."""
    blocks = hours.reshape(RUNS, BLOCKS, STEPS).sum(axis=2)
    halves = np.array([batch_means(each) for each in blocks])
    assert 0.93 <= held(STEPS, blocks.mean(axis=1), halves) <= 0.97
    naive = 1.96 * hours.std(axis=1, ddof=1) / np.sqrt(hours.shape[1])
    assert held(1.0, hours.mean(axis=1), naive) < 0.75


def test_a_ratio_of_sums_is_held_as_often(hours):
    """Volume differs from block to block, and money goes with it."""
    volume = np.random.default_rng(6).gamma(4.0, 25.0, (RUNS, BLOCKS))
    money = 0.05 * volume + hours.reshape(RUNS, BLOCKS, STEPS).mean(axis=2)
    ratios = money.sum(axis=1) / volume.sum(axis=1)
    halves = np.array([batch_ratio(m, v) for m, v in zip(money, volume, strict=True)])
    assert 0.93 <= held(0.05 + 1 / 100, ratios, halves) <= 0.97


def test_the_bootstrap_of_independent_steps_is_scipys():
    """With blocks of one step it is the ordinary one."""
    steps = np.random.default_rng(7).normal(2.0, 1.0, 400)
    ours = stationary_bootstrap(steps, 1.0, draws=4000)
    theirs = bootstrap((steps,), np.mean, method="percentile", n_resamples=4000, random_state=1).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_longer_blocks_see_what_is_remembered(hours):
    """And cover more than the bootstrap of single steps, though less than batch means."""
    some = hours[:60]
    for length, most in ((1.0, 0.8), (30.0, 1.0)):
        ends = [stationary_bootstrap(each, length, draws=100) for each in some]
        share = np.mean([end.low <= 1.0 <= end.high for end in ends])
        assert share <= most
    assert share > 0.8


@given(st.integers(0, 300), st.integers(0, 300))
def test_wilson_holds_the_share_within_zero_and_one(made, lost):
    found = wilson(made, made + lost)
    if made + lost == 0:
        assert found is None
        return
    assert 0.0 <= found.low <= made / (made + lost) + 1e-12
    assert made / (made + lost) - 1e-12 <= found.high <= 1.0
    mirrored = wilson(lost, made + lost)
    assert mirrored == pytest.approx((1 - found.high, 1 - found.low), abs=1e-9)


def test_the_interval_of_the_median_holds_it_at_least_95_times_of_a_hundred():
    """Of any distribution; here one without a mean."""
    random = np.random.default_rng(8)
    found = [median_interval(random.standard_cauchy(40)) for _ in range(2000)]
    assert 0.94 <= np.mean([each.low <= 0.0 <= each.high for each in found]) <= 0.99
    assert median_interval(np.arange(5.0)) is None


def test_too_little_has_no_interval():
    assert np.isnan(batch_means(np.array([1.0])))
    assert np.isnan(batch_ratio(np.array([1.0, 2.0]), np.zeros(2)))
    assert stationary_bootstrap(np.array([1.0]), 2.0) is None
