r"""A forecast of the next five minutes' volatility from how volatility was over several spans.

.. math:: \log RV_{t, t+5} = c + b_5 \log RV_{t-5, t} + b_{15} \log RV_{t-15, t} + b_{25} \log RV_{t-25, t} + u

with RV the mean square of one-minute log returns; the forecast of the variance is exp(·) times the mean of exp(u).
Source: Corsi (2009), "A simple approximate long-memory model of realized volatility", with minutes in the place of
days. Compared by QLIKE, Patton (2011), which ranks forecasts of variance correctly even against a noisy proxy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray

SPANS = (5, 15, 25)  # minutes looked back; a calibration's half hour holds them
AHEAD = 5  # minutes forecast
LARGEST_WEIGHT = 0.5  # of the forecast in the blend with the statistical estimate
_CLIP = (0.5, 2.0)  # of the statistical volatility
_EWMA_WEIGHT = 0.94
_LEAST_ROWS = 500
_SMALLEST_VARIANCE = 1e-12  # of a one-minute return: a tenth of a thousandth of a basis point


@dataclass(frozen=True)
class VolatilityModel:
    """Coefficients of the regression; `correction` is the mean of exp(u)."""

    constant: float
    weights: tuple[float, float, float]
    correction: float

    def variance(self, past: FloatArray) -> FloatArray:
        """Variance of a one-minute log return over the next five minutes, shape (n,).

        Parameters
        ----------
        past : FloatArray, shape (n, 3)
            Logarithm of the realised variance over each of `SPANS`, from `realised`.
        """
        forecast: FloatArray = np.exp(self.constant + past @ np.asarray(self.weights)) * self.correction
        return forecast


def realised(returns: FloatArray) -> FloatArray:
    """Logarithm of the realised variance over each of `SPANS`, at every minute that has the longest behind it.

    Parameters
    ----------
    returns : FloatArray, shape (n,)
        One-minute log returns, ascending in time, without holes.

    Returns
    -------
    FloatArray, shape (n − 24, 3)
        Row i knows the returns up to and including number i + 24.

    Raises
    ------
    NotEnoughData
        If there are fewer returns than the longest span.
    """
    longest = max(SPANS)
    if len(returns) < longest:
        raise NotEnoughData(f"{len(returns)} one-minute returns, need {longest}")
    columns = [_mean_square(returns[longest - span :], span) for span in SPANS]
    known: FloatArray = np.log(np.column_stack(columns))
    return known


def targets(returns: FloatArray) -> FloatArray:
    """Realised variance of the next five minutes, one for each row of `realised` that has them, shape (n − 29,)."""
    return _mean_square(returns[max(SPANS) :], AHEAD)


def fit(past: FloatArray, ahead: FloatArray) -> VolatilityModel:
    """Least squares on the logarithms.

    Parameters
    ----------
    past : FloatArray, shape (n, 3)
        From `realised`.
    ahead : FloatArray, shape (n,)
        From `targets`.

    Raises
    ------
    NotEnoughData
        If there are fewer than 500 rows.
    """
    if len(ahead) < _LEAST_ROWS:
        raise NotEnoughData(f"{len(ahead)} rows to learn from, need {_LEAST_ROWS}")
    design = np.column_stack([np.ones(len(past)), past])
    solution, *_ = np.linalg.lstsq(design, np.log(ahead), rcond=None)
    correction = float(np.mean(np.exp(np.log(ahead) - design @ solution)))
    return VolatilityModel(float(solution[0]), (float(solution[1]), float(solution[2]), float(solution[3])), correction)


def ewma_variance(returns: FloatArray) -> FloatArray:
    """Exponentially weighted variance at every row of `realised`, what a forecast has to beat; shape (n − 24,)."""
    longest = max(SPANS)
    variance = float(np.mean(returns[:longest] ** 2))
    known = [variance]
    for square in returns[longest:] ** 2:
        variance = _EWMA_WEIGHT * variance + (1 - _EWMA_WEIGHT) * float(square)
        known.append(variance)
    return np.array(known).clip(min=_SMALLEST_VARIANCE)


def qlike(ahead: FloatArray, forecast: FloatArray) -> float:
    """Mean of r/f − log(r/f) − 1: zero for a perfect forecast, larger is worse."""
    ratio = ahead / forecast
    return float(np.mean(ratio - np.log(ratio) - 1))


def blended(statistical: float, variance_per_minute: float, mid: float, weight: float = LARGEST_WEIGHT) -> float:
    """Volatility with the forecast blended in [price/√s].

    The forecast is kept within half and twice the statistical estimate and weighs at most a half; what is no number
    counts for nothing.

    Parameters
    ----------
    statistical : float
        σ of the calibration [price/√s].
    variance_per_minute : float
        Forecast variance of a one-minute log return.
    mid : float
        Mid [price].
    """
    forecast = mid * float(np.sqrt(variance_per_minute / 60)) if variance_per_minute > 0 else float("nan")
    if not np.isfinite(forecast) or not statistical > 0:
        return statistical
    low, high = (bound * statistical for bound in _CLIP)
    share = min(max(weight, 0.0), LARGEST_WEIGHT)
    return float(np.sqrt((1 - share) * statistical**2 + share * min(max(forecast, low), high) ** 2))


def _mean_square(returns: FloatArray, span: int) -> FloatArray:
    """Mean square of every `span` neighbouring returns, at least the smallest variance."""
    # Window by window, not by differences of running sums: a jump long ago must leave no trace of rounding.
    means: FloatArray = sliding_window_view(returns**2, span).mean(axis=1).clip(min=_SMALLEST_VARIANCE)
    return means
