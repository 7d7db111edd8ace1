r"""Trend bias from closed candles: a Kalman filter of level and slope, and the QQE indicator, half of each.

Kalman filter on y = ln close with state (level, slope), F = [[1, 1], [0, 1]] and noises in proportion to the running
variance V of Δy, R = V and Q = diag(0.05, 0.0005)·V, so that neither the unit of price nor the coin's volatility
changes the gain. Its bias is tanh(slope / (2·standard error)).

QQE: smoothed RSI M with trailing bands M ± 4.236·(twice smoothed mean of \|ΔM\|); the trend turns when M crosses the
band of the *previous* candle. Its bias is ½ trend + ½ clip((M − 50)/20).

Everything is a function of the closes up to a candle: nothing is lost at a restart and nothing looks ahead.
"""

from math import sqrt, tanh
from typing import NamedTuple

import numpy as np

from market_making.market.tape import FloatArray
from market_making.quoting.readings.volatility import exponential_average, wilder_average

WARM_UP = 60
_LEVEL_NOISE, _SLOPE_NOISE = 0.05, 0.0005
_VARIANCE_DECAY = 0.97
_VARIANCE_SEED = 20
_SLOPE_SCALE = 2.0
_RSI_LENGTH, _RSI_SMOOTHING, _BAND_FACTOR = 14, 5, 4.236


def trend_bias(closes: FloatArray, strength: float = 0.5) -> FloatArray:
    """Bias at the close of each candle, from −strength (falling) to +strength; NaN for the first 59. Shape (n,)."""
    bias = strength * np.clip(kalman_bias(closes) / 2 + qqe_bias(closes) / 2, -1, 1)
    bias[: WARM_UP - 1] = np.nan
    return np.asarray(bias)


def kalman_bias(closes: FloatArray) -> FloatArray:
    """Bias of the filtered slope, from −1 to 1; NaN until the variance is seeded with 20 returns. Shape (n,)."""
    result = np.full(len(closes), np.nan)
    if len(closes) <= _VARIANCE_SEED:
        return result
    prices = np.log(closes)
    moves = np.diff(prices) ** 2
    variance = float(moves[:_VARIANCE_SEED].mean())
    state = _Filter(float(prices[_VARIANCE_SEED]), 0.0, variance, 0.0, variance)
    result[_VARIANCE_SEED] = state.bias
    for index in range(_VARIANCE_SEED + 1, len(closes)):
        variance = _VARIANCE_DECAY * variance + (1 - _VARIANCE_DECAY) * float(moves[index - 1])
        state = state.after(float(prices[index]), variance)
        result[index] = state.bias
    return result


class _Filter(NamedTuple):
    """Level, slope and the entries of their covariance."""

    level: float
    slope: float
    level_variance: float
    covariance: float
    slope_variance: float

    def after(self, price: float, variance: float) -> "_Filter":
        """Predict one candle and update with its close; noises are shares of `variance`."""
        if variance <= 0:
            return self._replace(level=price, slope=0.0)
        level_variance = self.level_variance + 2 * self.covariance + self.slope_variance + _LEVEL_NOISE * variance
        covariance = self.covariance + self.slope_variance
        slope_variance = self.slope_variance + _SLOPE_NOISE * variance
        total = level_variance + variance
        level_gain, slope_gain = level_variance / total, covariance / total
        surprise = price - self.level - self.slope
        # Joseph's form with measurement noise R = V: a sum of squares, so rounding never makes it negative.
        kept = 1 - level_gain
        return _Filter(
            self.level + self.slope + level_gain * surprise,
            self.slope + slope_gain * surprise,
            kept**2 * level_variance + level_gain**2 * variance,
            kept * (covariance - slope_gain * level_variance) + level_gain * slope_gain * variance,
            slope_variance - 2 * slope_gain * covariance + slope_gain**2 * total,
        )

    @property
    def bias(self) -> float:
        return tanh(self.slope / (_SLOPE_SCALE * sqrt(self.slope_variance))) if self.slope_variance > 0 else 0.0


def relative_strength(closes: FloatArray, length: int = _RSI_LENGTH) -> FloatArray:
    """Wilder's RSI from 0 to 100; 50 where nothing moved; NaN before `length` changes. Shape (n,)."""
    changes = np.diff(closes, prepend=np.nan)
    rises = wilder_average(np.where(np.isnan(changes), np.nan, np.maximum(changes, 0)), length)
    falls = wilder_average(np.where(np.isnan(changes), np.nan, np.maximum(-changes, 0)), length)
    moved = rises + falls
    usual = np.where(np.isnan(moved), np.nan, 50.0)
    strength: FloatArray = np.divide(100 * rises, moved, out=usual, where=moved > 0)
    return strength


class Qqe(NamedTuple):
    """Smoothed RSI and the trend (−1, 0 before the first crossing, +1) at each candle; shape (n,)."""

    momentum: FloatArray
    trend: FloatArray


def qqe(closes: FloatArray, factor: float = _BAND_FACTOR) -> Qqe:
    """The QQE indicator of closed candles; NaN and 0 until its bands exist."""
    momentum = exponential_average(relative_strength(closes), 2 / (_RSI_SMOOTHING + 1), _RSI_SMOOTHING)
    length = 2 * _RSI_LENGTH - 1
    width = factor * wilder_average(wilder_average(np.abs(np.diff(momentum, prepend=np.nan)), length), length)
    return Qqe(momentum, _band_trend(momentum, width))


def _band_trend(momentum: FloatArray, width: FloatArray) -> FloatArray:
    trend = np.zeros(len(momentum))
    known = np.flatnonzero(np.isfinite(width))
    if not len(known):
        return trend
    first = known[0]
    below, above, before, direction = momentum[first] - width[first], momentum[first] + width[first], momentum[first], 0
    for index in known[1:]:
        now = momentum[index]
        if before <= above < now:
            direction = 1
        elif before >= below > now:
            direction = -1
        new_below, new_above = now - width[index], now + width[index]
        # A band only follows towards M while M stays on its side of it.
        below = max(below, new_below) if min(before, now) > below else new_below
        above = min(above, new_above) if max(before, now) < above else new_above
        before, trend[index] = now, direction
    return trend


def qqe_bias(closes: FloatArray) -> FloatArray:
    """Half the trend and half the distance of the smoothed RSI from 50; NaN until it exists. Shape (n,)."""
    indicator = qqe(closes)
    return np.asarray(indicator.trend / 2 + np.clip((indicator.momentum - 50) / 20, -1, 1) / 2)


def regime(bias: float, threshold: float = 0.15) -> str:
    """``bullish``, ``bearish`` or ``neutral``."""
    if bias > threshold:
        return "bullish"
    return "bearish" if bias < -threshold else "neutral"
