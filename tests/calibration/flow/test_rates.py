"""Arrival rate, clustering and activity."""

import numpy as np
import pytest
from scipy.stats import chi2

from calibration.estimators.activity import (
    Activity,
    Sign,
    Span,
    order_activity,
    order_sign,
    tail_activity,
    volatility_sign,
)
from calibration.estimators.arrival import RatePrior, arrival_rate, bucket_counts, fano_factor, level_variance
from calibration.estimators.coverage import observed_before
from calibration.estimators.estimate import Estimate
from calibration.estimators.fill_decay import Walk, tail_decay
from calibration.estimators.pooling import prior_worth
from calibration.estimators.seconds import Seconds
from calibration.flow.rates import _decays
from market_making.market.errors import NotEnoughData
from market_making.market.sides import Directions
from market_making.market.tape import IntArray

NO_GAPS = np.empty((0, 2), dtype=np.int64)
WINDOW_MS = 1_800_000


def poisson_times(rate: float, seed: int, end_ms: int = WINDOW_MS) -> IntArray:
    """Times of a Poisson process [ms]."""
    random = np.random.default_rng(seed)
    return np.sort(random.integers(0, end_ms, random.poisson(rate * end_ms / 1e3)))


def clustered_times(seed: int) -> IntArray:
    """Clusters of eight orders within two seconds, a cluster every ten seconds."""
    random = np.random.default_rng(seed)
    return np.sort(np.repeat(poisson_times(0.1, seed), 8) + random.integers(0, 2_000, 8)[0])


def fano(times: IntArray, observed_ms: int = WINDOW_MS) -> float:
    """Variance over mean of the counts."""
    return fano_factor(bucket_counts(times, observed_ms))


@pytest.mark.parametrize("n", [0, 1, 30, 1000])
def test_without_a_prior_in_the_way_the_interval_is_garwoods(n):
    """The bounds are the χ² quantiles of the counts, prior included."""
    rate = arrival_rate(n, 1800.0, RatePrior(0.5, 10.0))
    orders, time_s = n + 10, 1800 + 10 / 0.5
    assert rate.value == pytest.approx(orders / time_s)
    assert rate.low == pytest.approx(chi2.ppf(0.025, 2 * orders) / 2 / time_s)
    assert rate.high == pytest.approx(chi2.ppf(0.975, 2 * orders + 2) / 2 / time_s)


def test_clusters_widen_the_interval_by_the_root_of_their_size():
    """Four orders a cluster make the interval twice as wide, and leave the value alone."""
    single, fourfold = (arrival_rate(4000, 1800.0, RatePrior(2.0, 10.0), fano) for fano in (1.0, 4.0))
    assert fourfold.value == single.value
    assert (fourfold.high - fourfold.low) / (single.high - single.low) == pytest.approx(2, rel=0.02)


def test_directions_that_agree_share_a_prior_and_others_hardly_any():
    """Within chance the prior has its full worth; of rates five times apart it is worth less than an order."""
    assert prior_worth(1.0, 1.1, (100, 100), 10.0) == 10.0
    assert prior_worth(1.0, 3.0, (2, 3), 10.0) == 10.0
    assert prior_worth(1.0, 5.0, (1000, 1000), 10.0) == pytest.approx(2 / np.log(5) ** 2, rel=0.01)


def test_a_rate_needs_observed_time():
    """The message says how many orders were seen in which time."""
    with pytest.raises(NotEnoughData, match="3 market orders in 0 s"):
        arrival_rate(3, 0.0, RatePrior(0.1, 10.0))


def test_fano_is_one_for_chance_and_the_size_of_the_clusters_otherwise():
    """Poisson counts vary by chance alone; clusters of eight vary eight times as much."""
    chance = [fano(poisson_times(1.0, seed)) for seed in range(30)]
    clusters = [fano(clustered_times(seed)) for seed in range(30)]
    assert 1.0 <= np.mean(chance) < 1.35
    assert np.mean(clusters) == pytest.approx(8, rel=0.25)


def test_fano_does_not_see_a_gap():
    """A hole of ten minutes in a steady flow is no clustering."""
    gaps = np.array([[600_000, 1_200_000]])
    times = poisson_times(1.0, 3)
    times = times[(times <= 600_000) | (times > 1_200_000)]
    assert fano(observed_before(gaps, 0, times), 1_200_000) < 1.6 < fano(times)


def activity(times: IntArray, gaps: IntArray, start_ms: int, end_ms: int, fano: float) -> float:
    """Activity of all orders."""
    return order_activity(order_sign(times, Span(start_ms, end_ms, gaps), fano), 0.0).factor


def walk_of(scale: IntArray, seed: int) -> Seconds:
    """Mid that takes a normal step of this size in each second."""
    steps = np.random.default_rng(seed).normal(size=len(scale)) * scale
    ones = np.ones(len(scale))
    mid = 100 + np.cumsum(steps)
    return Seconds(0, mid, 0.1 * ones, ones, np.tile(mid[:, np.newaxis, np.newaxis], (4, 3)))


def test_in_a_steady_market_activity_is_one():
    """Where the counts vary by chance only, the recent past says no more than the window."""
    assert activity(poisson_times(1.0, 0), NO_GAPS, 0, WINDOW_MS, fano=1.2) == 1.0
    assert activity(np.empty(0, dtype=np.int64), NO_GAPS, 0, WINDOW_MS, fano=9.0) == 1.0


def test_activity_rises_with_a_burst_and_decays_back():
    """After a burst that stops, the factor falls from cycle to cycle to that of a market without one."""
    burst = np.sort(np.r_[poisson_times(0.5, 1, WINDOW_MS + 1_200_000), 1_790_000 + np.arange(200) * 50])
    factors = []
    for now in range(WINDOW_MS, WINDOW_MS + 900_001, 60_000):
        times = burst[(burst > now - WINDOW_MS) & (burst <= now)]
        factors.append(activity(times, NO_GAPS, now - WINDOW_MS, now, fano=5.0))
    assert factors[0] > 2.5
    assert factors[3] < 1.2
    assert 0.6 < np.mean(factors[8:]) < 1.0


def test_activity_ignores_time_that_was_not_observed():
    """A collector that was off for the last five minutes does not make the market quiet."""
    gaps = np.array([[1_500_000, WINDOW_MS]])
    times = poisson_times(1.0, 2)
    times = times[times <= 1_500_000]
    assert activity(times, gaps, 0, WINDOW_MS, fano=10.0) == pytest.approx(1.0, abs=0.1)
    assert activity(times, NO_GAPS, 0, WINDOW_MS, fano=10.0) < 0.6


def test_moves_of_mid_tell_as_far_as_volatility_varies():
    """Ten minutes that went up and down: the last seconds count, in both directions. A steady walk says little."""
    storm = np.tile(np.repeat([1.0, 4.0], 60), 10)
    excited, calm = (volatility_sign(walk_of(storm[:n], 5), n * 1000) for n in (1200, 1140))
    assert excited.log_ratio > 0.2
    assert calm.log_ratio < -0.5
    assert min(excited.weight, calm.weight) > 0.4
    steady = [volatility_sign(walk_of(np.ones(1200), seed), 1_200_000).heeded for seed in range(20)]
    assert float(np.sqrt(np.mean(np.square(steady)))) < 0.1
    assert volatility_sign(walk_of(np.zeros(1200), 1), 1_200_000) == (0.0, 0.0)


def test_moves_weigh_as_much_as_orders_and_all_together_one():
    """Three signs that agree that the market is twice as busy make it so."""
    twice = Sign(float(np.log(2)), 1.0)
    nothing = Sign(0.0, 1.0)
    assert tail_activity(twice, twice, twice, 0.0).factor == pytest.approx(2)
    assert tail_activity(twice, twice, nothing, 0.0).factor == tail_activity(nothing, nothing, twice, 0.0).factor


def test_the_next_minute_is_as_uncertain_as_the_level_was_variable():
    """A rate that is the mean of a steady window keeps its interval; one whose level varies has that of the level."""
    rate = Estimate(2.0, 1.9, 2.1, 400)
    same = Activity.of(0.0, 0.0).on(rate)
    assert (same.value, same.low, same.high) == pytest.approx((2.0, 1.9, 2.1))
    wide = Activity.of(np.log(3), 0.25).on(rate)
    spread = 1.96 * np.sqrt(np.log(1.25))
    assert wide.value == pytest.approx(6.0)
    assert np.log(wide.high / wide.value) == pytest.approx(np.hypot(spread, np.log(1.05)))
    # A burst may end at once: then the next minute is one of the mean rate.
    assert np.log(wide.value / wide.low) == pytest.approx(np.hypot(np.log(3) + spread, np.log(2 / 1.9)))


def test_an_activity_can_be_that_of_a_rate_that_varies_otherwise():
    """The factor stays; its interval is that of the other level."""
    now = Activity.of(np.log(1.5), 0.25)
    assert now.varying(0.04) == pytest.approx(Activity.of(np.log(1.5), 0.04))
    assert now.varying(0.0) == pytest.approx((1.5, 1.0, 1.5, 0.0))


def test_the_variance_of_the_level_is_found():
    """Counts around a level that doubles and halves from minute to minute vary by more than chance."""
    random = np.random.default_rng(4)
    level = np.repeat(np.exp(0.5 * random.normal(size=25_000)), 4)
    assert level_variance(random.poisson(20 * level)) == pytest.approx(np.exp(0.25) - 1, rel=0.1)
    assert level_variance(random.poisson(20, size=120)) < 0.03


def test_of_the_next_minute_only_the_variance_of_minutes_counts():
    """What comes and goes within a minute is a quarter of it; a window of few minutes has its quarters only."""
    random = np.random.default_rng(4)
    level = np.exp(0.5 * random.normal(size=100_000))
    assert level_variance(random.poisson(20 * level)) == pytest.approx((np.exp(0.25) - 1) / 4, rel=0.2)
    assert level_variance(random.poisson(200 * level[:36])) == pytest.approx(np.exp(0.25) - 1, rel=0.4)


def test_few_counts_vary_as_expected_and_enough_of_them_as_they_do():
    """An order every ten minutes says nothing; four a minute would show a usual variance, if it were there."""
    random = np.random.default_rng(4)
    assert level_variance(np.zeros(120, dtype=np.int64)) == 0.25
    few = random.poisson(0.02, size=120)
    assert level_variance(few) == pytest.approx(0.25, abs=0.01)
    assert level_variance(few, usual=0.01) < 0.02
    assert np.mean([level_variance(random.poisson(1.1, size=120)) for _ in range(100)]) < 0.02


def test_a_variance_within_chance_counts_for_nothing():
    """A steady market says so in most half hours, and hardly any variance in the others."""
    random = np.random.default_rng(5)
    found = [level_variance(random.poisson(20, size=120)) for _ in range(200)]
    assert np.median(found) < 1e-3
    assert max(found) < 0.05


def test_the_other_direction_draws_the_value_and_less_trust_in_it_widens_the_interval():
    """Ten buys walk twice as far as forty sells: that may be chance or not, and the interval holds both."""
    tick, default = 0.1, 5.0
    few, many = Walk(walked=40.0, stopped=10.0, effect=1.0, n=10), Walk(walked=80.0, stopped=40.0, effect=1.0, n=40)
    alone = tail_decay(few, tick, default, 1.0)
    decay = _decays(Directions(buy=few, sell=many), tick, default).buy
    centre = tail_decay(many, tick, default, 6.0)
    trusting = tail_decay(few, tick, centre.value, 1 / (1 / 20 + 1 / centre.stopped))
    assert decay.value == pytest.approx(trusting.value)
    assert alone.value < decay.value
    assert decay.estimate.high - decay.estimate.low > trusting.estimate.high - trusting.estimate.low
    assert decay.estimate.low < alone.value < decay.estimate.high


def test_directions_that_agree_are_taken_together_for_the_value_and_not_for_the_interval():
    """Ten orders beside two hundred alike: what twenty orders would make it is narrower than what is published."""
    tick, default = 0.1, 5.0
    few, many = Walk(walked=20.0, stopped=10.0, effect=1.0, n=10), Walk(walked=400.0, stopped=200.0, effect=1.0, n=200)
    decay = _decays(Directions(buy=few, sell=many), tick, default).buy
    certain = tail_decay(few, tick, decay.value, 20.0).estimate
    assert decay.value == pytest.approx(np.log1p(0.5) / tick, rel=0.03)
    assert decay.estimate.high - decay.estimate.low > 1.2 * (certain.high - certain.low)
