"""Decay and intensity of the chance to be filled."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from calibration.estimators.diagnostics import hill_index, tail_fit
from calibration.estimators.estimate import Estimate
from calibration.estimators.fill_decay import TailDecay, Walk, fill_intensity, tail_decay, tail_range, walk
from market_making.market.errors import InvalidFlow, NotEnoughData


def geometric(decay_per_tick: float, n: int, seed: int) -> np.ndarray:
    """Ticks walked by n orders."""
    return np.random.default_rng(seed).geometric(1 - np.exp(-decay_per_tick), n) - 1


def test_the_posterior_is_that_of_the_beta_law():
    """Mean and quantiles of −ln p / tick agree with draws from the Beta distribution."""
    decay = TailDecay(tick=0.5, walked=40.0, stopped=25.0, n=25)
    draws = -np.log(beta.rvs(40, 25, size=400_000, random_state=0)) / 0.5
    estimate = decay.estimate
    assert estimate.value == pytest.approx(draws.mean(), rel=2e-3)
    assert decay.error == pytest.approx(draws.std(), rel=5e-3)
    assert [estimate.low, estimate.high] == pytest.approx(np.quantile(draws, [0.025, 0.975]), rel=5e-3)


def test_the_true_decay_lies_in_the_interval_as_often_as_stated():
    """In 400 samples of 60 orders the 95 % interval holds the truth 91 to 99 times of a hundred."""
    hits = 0
    for seed in range(400):
        ticks = geometric(0.3, 60, seed)
        estimate = tail_decay(walk(ticks, np.arange(60) * 20_000, 100), 0.1, 3.0, 1e-3).estimate
        hits += estimate.low <= 3.0 <= estimate.high
    assert 0.91 <= hits / 400 <= 0.99


def test_a_fit_that_disagrees_widens_the_interval_and_leaves_the_value():
    """The interval holds both, and an intensity extrapolated with it is as uncertain as that makes it."""
    alone = TailDecay(tick=0.5, walked=400.0, stopped=250.0, n=250)
    other = TailDecay(tick=0.5, walked=900.0, stopped=250.0, n=250).estimate
    doubted = replace(alone, elsewhere=other)
    assert doubted.value == alone.value
    assert doubted.estimate.low == other.low < alone.estimate.low
    assert doubted.estimate.high == alone.estimate.high
    assert doubted.error > 2 * alone.error
    rate = Estimate(1.0, 0.9, 1.1, 250)
    assert fill_intensity(rate, doubted, 2.0).high > fill_intensity(rate, alone, 2.0).high


def test_censoring_does_not_bias_the_decay():
    """Orders cut off at five ticks give the same decay as orders seen to their end."""
    ticks, times = geometric(0.2, 20_000, 1), np.arange(20_000) * 20_000
    cut, whole = (tail_decay(walk(ticks, times, limit), 1.0, 0.2, 1e-3).value for limit in (5, 10_000))
    assert cut == pytest.approx(whole, rel=0.03)
    assert whole == pytest.approx(0.2, rel=0.03)


@given(scale=st.floats(1e-6, 1e6))
def test_decay_scales_with_the_unit_of_price(scale):
    """Prices times c give decay over c; the fill chance at a depth is a pure number."""
    seen = Walk(walked=70.0, stopped=30.0, effect=1.0, n=30)
    one, other = tail_decay(seen, 0.1, 5.0, 10.0), tail_decay(seen, 0.1 * scale, 5.0 / scale, 10.0)
    assert other.value * scale == pytest.approx(one.value)


def test_without_orders_the_decay_is_near_the_prior():
    """Nothing seen: the prior's mean within a tenth, and an interval that says how little is known."""
    estimate = tail_decay(Walk(0.0, 0.0, 1.0, 0), 0.1, 2.0, 10.0).estimate
    assert estimate.value == pytest.approx(2.0, rel=0.1)
    assert estimate.high / estimate.low > 3


def test_orders_that_reach_alike_count_for_fewer():
    """Five copies of every order within one cluster carry the information of one."""
    ticks = geometric(0.3, 2000, 5)
    times = np.arange(2000) * 20_000
    alone, copies = walk(ticks, times, 100), walk(np.repeat(ticks, 5), np.repeat(times, 5), 100)
    assert alone.effect < 1.2
    assert copies.effect == pytest.approx(5, rel=0.15)


def test_intensity_reaches_the_rate_at_the_start_of_the_tail():
    """A exp(−κ d₀) is the rate of orders that reach d₀, and A's interval widens with d₀."""
    decay = TailDecay(0.1, 300.0, 100.0, 100)
    rate = Estimate(0.2, 0.16, 0.25, 100)
    near, far = fill_intensity(rate, decay, 0.1), fill_intensity(rate, decay, 1.0)
    assert near.value * np.exp(-decay.value * 0.1) == pytest.approx(0.2)
    assert far.high / far.value > near.high / near.value > rate.high / rate.value


def test_a_decay_is_not_steeper_than_can_be_extrapolated():
    """The bound moves the value and what of the interval lies above it stays."""
    free = TailDecay(0.1, 5.0, 100.0, 100)
    bound = TailDecay(0.1, 5.0, 100.0, 100, steepest=free.value / 2)
    assert bound.value == free.value / 2
    assert bound.estimate.low <= bound.value <= bound.estimate.high == free.estimate.high


@pytest.mark.parametrize(
    ("mid", "half_spread", "tick", "start"),
    [(4000.0, 0.05, 0.1, 0.25), (4000.0, 0.062, 0.1, 0.25), (2.0, 0.005, 0.01, 0.015), (0.18, 2.9e-5, 1e-5, 4e-5)],
)
def test_the_tail_starts_beyond_the_touch_on_its_grid(mid, half_spread, tick, start):
    """Half a basis point and at least one tick beyond the touch, which is a multiple of half a tick away from mid."""
    depths = tail_range(mid, half_spread, tick)
    assert depths.start == pytest.approx(start)
    assert depths.ticks(np.array([start, start + 3 * tick])).tolist() == [0, 3]
    assert depths.holds(np.array([start - tick, start])).tolist() == [False, True]


@pytest.mark.parametrize("numbers", [(np.nan, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, 0.0)])
def test_a_market_without_price_or_tick_has_no_depths(numbers):
    """Nonsense is refused, not clamped."""
    with pytest.raises(InvalidFlow):
        tail_range(*numbers)


def test_goodness_of_fit_accepts_the_law_and_rejects_another():
    """Geometric depths pass nineteen times of twenty; a law with two scales does not."""
    passed = [not tail_fit(geometric(0.3, 200, seed), 0.3).is_rejected for seed in range(200)]
    assert np.mean(passed) > 0.9
    mixture = np.r_[geometric(3.0, 400, 1), geometric(0.05, 100, 2)]
    assert tail_fit(mixture, float(np.log1p(1 / mixture.mean()))).is_rejected
    with pytest.raises(NotEnoughData):
        tail_fit(np.empty(0, dtype=np.int64), 0.3)


@pytest.mark.parametrize("index", [1.5, 3.0])
def test_hill_recovers_the_index_of_a_power_law(index):
    """Pareto sizes have the index they were drawn with, whatever their unit."""
    sizes = np.random.default_rng(0).pareto(index, 20_000) + 1
    assert hill_index(sizes) == pytest.approx(index, rel=0.1)
    assert hill_index(7 * sizes) == pytest.approx(hill_index(sizes))
    with pytest.raises(NotEnoughData):
        hill_index(sizes[:50])
