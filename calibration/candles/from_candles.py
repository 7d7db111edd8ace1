r"""What candles let one guess of the order flow. Not a calibration: ratios that hold on real coins, times a volatility.

.. math:: \sigma^2 = \overline{(C_t - C_{t-1})^2} / \Delta, \quad
          \frac{1}{\kappa} = 1.2\,\sigma, \quad
          \varepsilon = 0.27\,\sigma, \quad
          \varepsilon_{fill} = 1.5\,\sigma, \quad
          s = \max(0.15\,\sigma,\; 0.6\,tick)

.. math:: \lambda = 0.45 \left(\frac{volume}{10^6\,\$/min}\right)^{0.3}, \quad
          A = 0.15\,\lambda\,e^{\kappa (s + tick)}

Only σ and the volume are seen; that the rest follows them is what the ratios say, and both directions get the same.
Sources, errors, and what was tried instead: docs/candles.md. Nothing looks ahead: a row uses candles that had closed.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from calibration.flow.guard import LARGEST_DEPTH_BPS, LARGEST_IMPACT_BPS
from calibration.flow.rates import LARGEST_INTENSITY
from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray, IntArray
from market_making.recording.candles.from_ticks import Candles

WALK = 1.2  # 1/κ [σ·√s]
IMPACT = 0.27  # ε over all orders [σ·√s]
IMPACT_ON_FILL = 1.5  # ε of those beyond the touch [σ·√s]
HALF_SPREAD = 0.15  # [σ·√s]
HALF_SPREAD_TICKS = 0.6  # its least: a touch of one tick that is now and then wider
BUSY = 0.45  # λ of one direction where a million dollars a minute are traded [1/s]
ELASTICITY = 0.3  # of λ in what is traded
BEYOND_TOUCH = 0.15  # share of orders that go beyond the touch

# By what factor the truth may lie above or below: 95 % of real sessions and of markets simulated at random.
FACTORS = {
    "arrival_rate": 5.0,
    "fill_decay": 5.0,
    "fill_intensity": 15.0,
    "adverse_selection": 4.0,
    "adverse_selection_on_fill": 4.0,
}

WINDOW_S = 3600.0
FEWEST_CANDLES = 48
LEAST_TRADED = 0.5
_DIGITS = 9
_BUSY_NOTIONAL = 1e6 / 60.0  # [$/s]


class Interval(NamedTuple):
    """Values with the bounds of what they may be, each of shape (n,)."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


class CandleEstimates(NamedTuple):
    """What was to be guessed at each of n times; prices in quote currency, σ in price/√s.

    `known_ms` is the close of the newest candle used, `exposure_s` the time the candles cover, and `flow` holds the
    numbers of either direction under the names of the calibration.
    """

    time_ms: IntArray
    known_ms: IntArray
    exposure_s: FloatArray
    mid: FloatArray
    half_spread: FloatArray
    volatility: FloatArray
    flow: dict[str, Interval]


def estimate_from_candles(
    candles: Candles, period_ms: int, times_ms: IntArray, window_s: float | None = None
) -> CandleEstimates:
    """Estimate σ, s, κ, A, λ and ε at each time from the candles that had closed by then.

    Parameters
    ----------
    candles : Candles
        Ascending, at multiples of the period after the first; some may be missing.
    period_ms : int
        Their length [ms].
    times_ms : IntArray
        Ascending [ms].
    window_s : float, optional
        How far back to look [s]; an hour or 48 candles, whichever is longer, if not given.

    Returns
    -------
    CandleEstimates
        For the times whose last candle is there, and in whose window at least half of the candles were traded.

    Raises
    ------
    NotEnoughData
        If there is no such time; with the most traded candles seen in a window.
    """
    length = window_candles(period_ms, window_s)
    grid = _grid(candles, period_ms)
    slot = (times_ms - candles.open_ms[0]) // period_ms - 1
    inside = (slot >= 0) & (slot < len(grid.present))
    times_ms, slot = times_ms[inside], slot[inside]
    traded = _trailing(grid.traded, length)[slot]
    usable = grid.present[slot] & (traded >= LEAST_TRADED * length)
    if not usable.any():
        most = int(traded.max()) if len(traded) else 0
        raise NotEnoughData(
            f"at most {most} traded candles of {period_ms / 1e3:g} s in a window of {length}, "
            f"need {int(np.ceil(LEAST_TRADED * length))}"
        )
    known_ms = candles.open_ms[0] + (slot + 1) * period_ms
    return _estimates(times_ms[usable], known_ms[usable], _seen(grid, slot[usable], length, period_ms / 1e3))


def window_candles(period_ms: int, window_s: float | None = None) -> int:
    """Return the number of candles in a window."""
    if window_s is None:
        return max(FEWEST_CANDLES, round(WINDOW_S * 1e3 / period_ms))
    return max(2, round(window_s * 1e3 / period_ms))


class _Grid(NamedTuple):
    """Candles on the grid of their period; a missing one is not `present`, and all its numbers are 0."""

    present: NDArray[np.bool_]
    traded: FloatArray
    close: FloatArray
    squared_move: FloatArray
    notional: FloatArray
    exponent: FloatArray


class _Seen(NamedTuple):
    """What is seen in each window: covered time [s], last close, σ, tick, and what is traded [$/s]."""

    exposure_s: FloatArray
    mid: FloatArray
    volatility: FloatArray
    tick: FloatArray
    notional: FloatArray


def _grid(candles: Candles, period_ms: int) -> _Grid:
    slot = (candles.open_ms - candles.open_ms[0]) // period_ms
    follows = np.append(False, np.diff(slot) == 1)
    # After a hole, what happened within it is not known: only the candle's own move counts.
    before = np.where(follows, np.append(0.0, candles.close[:-1]), candles.open)

    def on_grid(values: FloatArray, empty: float = 0.0) -> FloatArray:
        whole = np.full(int(slot[-1]) + 1, empty)
        whole[slot] = values
        return whole

    return _Grid(
        present=on_grid(np.ones(len(slot))) > 0,
        traded=on_grid((candles.volume > 0).astype(float)),
        close=on_grid(candles.close),
        squared_move=on_grid((candles.close - before) ** 2),
        notional=on_grid(candles.volume * candles.close),
        exponent=on_grid(_finest_digit(np.stack(candles[1:5])), np.inf),
    )


def _finest_digit(prices: FloatArray) -> FloatArray:
    """Exponent of ten of the last digit that is not zero, the smallest of each column; shape (n,) of (m, n)."""
    exponent = np.floor(np.log10(prices)) - _DIGITS + 1
    units = np.rint(prices / 10.0**exponent).astype(np.int64)
    for _ in range(_DIGITS):
        round_number = units % 10 == 0
        units, exponent = np.where(round_number, units // 10, units), exponent + round_number
    return np.asarray(exponent.min(axis=0))


def _windows(values: FloatArray, length: int, empty: float) -> FloatArray:
    """The last `length` values up to each, shape (n, length)."""
    return sliding_window_view(np.concatenate([np.full(length - 1, empty), values]), length)


def _trailing(values: FloatArray, length: int) -> FloatArray:
    return np.asarray(_windows(values, length, 0.0).sum(axis=-1))


def _seen(grid: _Grid, slot: IntArray, length: int, period_s: float) -> _Seen:
    exposure_s = _trailing(grid.present.astype(float), length)[slot] * period_s
    exponent = _windows(grid.exponent, length, np.inf).min(axis=-1)[slot]
    tick = np.array([float(f"1e{power:.0f}") for power in exponent])
    hidden = tick / np.sqrt(12 * exposure_s)  # a price that never leaves its tick may still move within it
    volatility = np.sqrt(_trailing(grid.squared_move, length)[slot] / exposure_s)
    return _Seen(
        exposure_s,
        grid.close[slot],
        np.maximum(volatility, hidden),
        tick,
        _trailing(grid.notional, length)[slot] / exposure_s,
    )


def _estimates(times_ms: IntArray, known_ms: IntArray, seen: _Seen) -> CandleEstimates:
    sigma, bps = seen.volatility, seen.mid / 1e4
    half_spread = np.maximum(HALF_SPREAD * sigma, HALF_SPREAD_TICKS * seen.tick)
    decay = 1 / np.clip(WALK * sigma, seen.tick, LARGEST_DEPTH_BPS * bps)
    arrival = BUSY * (seen.notional / _BUSY_NOTIONAL) ** ELASTICITY
    extrapolated = BEYOND_TOUCH * np.exp(decay * (half_spread + seen.tick))
    values = {
        "arrival_rate": arrival,
        "fill_decay": decay,
        "fill_intensity": arrival * np.minimum(extrapolated, LARGEST_INTENSITY),
        "adverse_selection": np.minimum(IMPACT * sigma, LARGEST_IMPACT_BPS * bps),
        "adverse_selection_on_fill": np.minimum(IMPACT_ON_FILL * sigma, LARGEST_IMPACT_BPS * bps),
    }
    flow = {name: Interval(value, value / FACTORS[name], value * FACTORS[name]) for name, value in values.items()}
    return CandleEstimates(times_ms, known_ms, seen.exposure_s, seen.mid, half_spread, sigma, flow)
