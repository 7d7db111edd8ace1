"""Trend bias: Kalman filter and QQE."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.quoting.readings.bias import (
    WARM_UP,
    kalman_bias,
    qqe,
    qqe_bias,
    regime,
    relative_strength,
    trend_bias,
)


def random_closes(seed: int, n: int = 200, drift: float = 0.0, sigma: float = 0.01) -> np.ndarray:
    """Closes of a random walk."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(drift, sigma, n)))


def matrix_filter(closes: np.ndarray) -> np.ndarray:
    """The same filter in matrices, as a textbook writes it."""
    y, bias = np.log(closes), np.full(len(closes), np.nan)
    moves = np.diff(y) ** 2
    variance = moves[:20].mean()
    state, covariance = np.array([y[20], 0.0]), np.eye(2) * variance
    transition, observe = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    bias[20] = 0.0
    for t in range(21, len(y)):
        variance = 0.97 * variance + 0.03 * moves[t - 1]
        state = transition @ state
        covariance = transition @ covariance @ transition.T + np.diag([0.05, 0.0005]) * variance
        gain = covariance @ observe.T / (observe @ covariance @ observe.T + variance)
        state = state + gain[:, 0] * (y[t] - state[0])
        kept = np.eye(2) - gain @ observe
        covariance = kept @ covariance @ kept.T + gain * variance @ gain.T
        bias[t] = np.tanh(state[1] / (2 * np.sqrt(covariance[1, 1])))
    return bias


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20)
def test_the_filter_is_the_textbook_filter(seed):
    """Written out by entry or in matrices: the same bias."""
    closes = random_closes(seed)
    np.testing.assert_allclose(kalman_bias(closes), matrix_filter(closes), atol=1e-9)


@given(seed=st.integers(0, 10**6), factor=st.floats(1e-4, 1e4))
@settings(max_examples=20)
def test_the_unit_of_price_does_not_matter(seed, factor):
    """The same candles in another currency have the same bias."""
    closes = random_closes(seed)
    np.testing.assert_allclose(trend_bias(closes), trend_bias(factor * closes), atol=1e-6)


@given(seed=st.integers(0, 10**6), stretch=st.floats(0.01, 5.0))
@settings(max_examples=20)
def test_the_filter_adapts_to_volatility(seed, stretch):
    """Logarithmic moves times any factor leave its gain, and so its bias, as they were."""
    closes = random_closes(seed)
    stretched = 100 * (closes / 100) ** stretch
    np.testing.assert_allclose(kalman_bias(closes), kalman_bias(stretched), atol=1e-6)


@given(seed=st.integers(0, 10**6), cut=st.integers(WARM_UP, 199))
@settings(max_examples=30)
def test_nothing_looks_ahead(seed, cut):
    """The bias at a candle is the same when no later candle is known: also what a restart computes."""
    closes = random_closes(seed)
    np.testing.assert_array_equal(trend_bias(closes[:cut]), trend_bias(closes)[:cut])


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20)
def test_a_mirrored_market_has_the_opposite_bias(seed):
    """Turning every logarithmic move around turns the filter around; bounds hold."""
    closes = random_closes(seed)
    np.testing.assert_allclose(kalman_bias(1e4 / closes), -kalman_bias(closes), atol=1e-9)
    bias = trend_bias(closes, strength=0.5)[WARM_UP - 1 :]
    assert (np.abs(bias) <= 0.5).all()


def test_the_trend_turns_with_the_legs_of_a_market():
    """Up for a hundred candles, down, and up again: QQE and the bias follow, which an updated band would never show."""
    steps = np.concatenate([np.full(100, 0.004), np.full(100, -0.004), np.full(100, 0.004)])
    closes = 100 * np.exp(np.cumsum(steps + np.random.default_rng(3).normal(0, 0.004, 300)))
    trend, bias = qqe(closes).trend, trend_bias(closes)
    assert (trend[110:170] == -1).all()
    assert (trend[205:290] == 1).all()
    assert [regime(bias[index]) for index in (90, 150, 250)] == ["bullish", "bearish", "bullish"]
    assert regime(0.1) == "neutral"


def test_the_trend_is_decided_by_the_band_of_the_candle_before():
    """Written as a loop over the definition, the indicator gives the same trend."""
    closes = random_closes(11, 400)
    momentum, trend = qqe(closes)
    smooth = _wilder(_wilder(np.abs(np.diff(momentum, prepend=np.nan))))
    lower, upper, now = np.nan, np.nan, 0
    for t in range(1, len(closes)):
        width = 4.236 * smooth[t]
        if np.isnan(width):
            continue
        if not np.isnan(lower):
            before = momentum[t - 1]
            if before <= upper < momentum[t]:
                now = 1
            elif before >= lower > momentum[t]:
                now = -1
            follows_up = before > lower and momentum[t] > lower
            follows_down = before < upper and momentum[t] < upper
            lower = max(lower, momentum[t] - width) if follows_up else momentum[t] - width
            upper = min(upper, momentum[t] + width) if follows_down else momentum[t] + width
        else:
            lower, upper = momentum[t] - width, momentum[t] + width
        assert trend[t] == now
    assert {-1.0, 1.0} <= set(trend)


def _wilder(values: np.ndarray) -> np.ndarray:
    result = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    seed = known[26]
    result[seed] = values[known[:27]].mean()
    for t in range(seed + 1, len(values)):
        result[t] = (26 * result[t - 1] + values[t]) / 27
    return result


def test_relative_strength_at_its_ends():
    """Only rises: 100; only falls: 0; no move: 50."""
    assert relative_strength(np.arange(1.0, 31.0))[-1] == pytest.approx(100)
    assert relative_strength(np.arange(31.0, 1.0, -1.0))[-1] == pytest.approx(0)
    assert relative_strength(np.full(30, 7.0))[-1] == 50


def test_flat_and_short_series_have_no_opinion():
    """Constant closes: bias 0; fewer than the warm-up: NaN."""
    assert trend_bias(np.full(200, 7.0))[-1] == 0.0
    assert np.isnan(trend_bias(random_closes(1)[: WARM_UP - 1])).all()
    assert np.isnan(kalman_bias(random_closes(1)[:20])).all()
    assert np.isnan(qqe_bias(np.empty(0))).all()
