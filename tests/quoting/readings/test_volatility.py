"""Volatility estimates and units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import NotEnoughData
from market_making.quoting.readings.rolling_volatility import RollingVolatility
from market_making.quoting.readings.volatility import (
    annualised,
    average_true_range,
    bps_per_root_minute,
    exponential_average,
    price_volatility,
    realised_volatility,
    relative_over,
    wilder_average,
)
from tests.quoting.readings.whole_volatility import effective_volatility, unbroken_returns


def walk(seed: int, n: int, sigma: float) -> np.ndarray:
    """Mid of a random walk with relative σ per step, from 100."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, sigma, n)))


@given(seed=st.integers(0, 10**6), spacing_s=st.sampled_from([1, 5]))
def test_a_random_walk_gives_its_own_volatility(seed, spacing_s):
    """Within sampling error, whatever the spacing of the updates."""
    time_ms = np.arange(601) * spacing_s * 1000
    returns = unbroken_returns(time_ms, walk(seed, 601, 1e-4 * spacing_s**0.5), longest_gap_ms=5_000)
    estimate = effective_volatility(*returns)
    assert estimate.long == pytest.approx(1e-4, rel=0.15)
    assert estimate.short == pytest.approx(1e-4, rel=0.5)
    assert estimate.weighted == pytest.approx(1e-4, rel=0.8)
    assert estimate.mixed == pytest.approx(0.3 * estimate.short + 0.4 * estimate.weighted + 0.3 * estimate.long)


def test_the_weighted_estimate_is_the_recursion():
    """v² ← 0.94 v² + 0.06 r² for every return, seeded with the long variance."""
    returns = np.random.default_rng(1).normal(0, 1e-4, 200)
    variance = returns.var()
    for value in returns:
        variance = 0.94 * variance + 0.06 * value**2
    for elapsed_s in (4.0, np.full(200, 4.0)):
        estimate = effective_volatility(returns, elapsed_s)
        assert estimate.weighted == pytest.approx(np.sqrt(variance) / 2)
        assert estimate.long == pytest.approx(returns.std() / 2)
        assert estimate.short == pytest.approx(returns[-60:].std() / 2)


def test_a_move_within_a_short_time_counts_no_more_than_its_square():
    """The same moves in uneven steps of the same time in all are the same volatility."""
    returns = np.tile([1e-4, -1e-4], 30)
    uneven = effective_volatility(returns, np.tile([0.01, 0.01, 3.99, 3.99], 15))
    assert uneven.long == pytest.approx(1e-4 / 2**0.5)
    assert uneven.short == pytest.approx(1e-4 / 2**0.5)


def test_returns_across_a_gap_do_not_exist():
    """A jump during an outage is no volatility."""
    time_ms = np.concatenate([np.arange(100), np.arange(400, 500)]) * 1000
    mid = np.concatenate([np.full(100, 100.0), np.full(100, 110.0)])
    returns = unbroken_returns(time_ms, mid, longest_gap_ms=2000)
    assert np.abs(returns.moves).max() == 0
    assert len(returns.moves) == returns.elapsed_s.sum() == 198
    assert len(unbroken_returns(time_ms[:1], mid[:1], longest_gap_ms=2000).moves) == 0


@pytest.mark.parametrize("seed", range(6))
def test_what_is_carried_on_is_what_whole_arrays_give(seed):
    """Over half an hour of uneven updates with gaps, of which some forget everything, and a jump that must leave."""
    random, rolling, mids = np.random.default_rng(seed), RollingVolatility(), []
    steps_ms = random.choice([1_000, 1_300, 2_700, 11_000, 700_000], 1_500, p=[0.6, 0.3, 0.09, 0.0095, 0.0005])
    sizes = random.normal(0, 1e-4, 1_500)
    sizes[random.integers(1_500)] = 0.02
    known = 0
    for time_ms, mid in zip(np.cumsum(steps_ms).tolist(), (3_000 * np.exp(np.cumsum(sizes))).tolist(), strict=True):
        mids = [(t, m) for t, m in mids if t >= time_ms - 600_000] + [(time_ms, mid)]
        returns = unbroken_returns(*map(np.array, zip(*mids, strict=True)), longest_gap_ms=10_000)
        seen = rolling.seen(time_ms, mid)
        if len(returns.moves) < 60 or returns.elapsed_s.sum() < 60:
            assert seen is None
            continue
        assert seen == pytest.approx(effective_volatility(*returns).mixed, rel=1e-9)
        known += 1
    assert list(rolling.mids) == mids
    assert known > 500


def test_realised_volatility_of_uneven_updates():
    """√(Σ Δmid² / Σ Δt): moves of 3 and 4 within 25 s are 1 per √s."""
    assert realised_volatility(np.array([0, 5_000, 25_000]), np.array([100.0, 103.0, 99.0])) == pytest.approx(1.0)


def test_too_little_is_refused():
    """With the count."""
    with pytest.raises(NotEnoughData, match="1 updates"):
        realised_volatility(np.array([5]), np.array([1.0]))


def test_thresholds_of_the_ladders_are_the_annual_ones_meant():
    """5 and 25 bps per √minute are 36 % and 181 % a year."""
    for bps, share in ((5.0, 0.3625), (25.0, 1.8124)):
        relative = bps / 1e4 / np.sqrt(60)
        assert bps_per_root_minute(relative) == pytest.approx(bps)
        assert annualised(relative) == pytest.approx(share, abs=1e-3)
    assert price_volatility(1.5e-4, 3337.0) == pytest.approx(0.50055)
    assert relative_over(1e-4, 100.0) == pytest.approx(1e-3)


def test_true_range_of_wilder():
    """A gap counts; the first average is a plain mean, later ones take a fourteenth of the new range."""
    high, low, close = np.full(20, 101.0), np.full(20, 99.0), np.full(20, 100.0)
    assert average_true_range(high, low, close)[-1] == pytest.approx(2.0)
    high[19], low[19] = 116.0, 115.0
    result = average_true_range(high, low, close)
    assert result[-1] == pytest.approx(2.0 + (16.0 - 2.0) / 14)
    assert np.isnan(result[:14]).all()
    assert np.isfinite(result[14])
    assert np.isnan(average_true_range(high[:5], low[:5], close[:5])).all()


def test_averages_wait_for_their_seed():
    """Leading NaN are skipped, and a series shorter than the seed has no average."""
    values = np.array([np.nan, 1.0, 3.0, 5.0])
    np.testing.assert_allclose(wilder_average(values, 2), [np.nan, np.nan, 2.0, 3.5])
    assert np.isnan(exponential_average(values, 0.5, 4)).all()
    assert len(wilder_average(np.empty(0), 3)) == 0
