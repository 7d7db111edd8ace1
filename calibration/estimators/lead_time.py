r"""How long another market moves before this one: the shift at which their moves go together best.

.. math:: \hat L = \arg\max_k \sum_m C_m(k), \quad
          C_m(k) = \sum_{i \in m} r^{leader}_i \, r_{i+k} / \sqrt{\sum (r^{leader}_i)^2 \sum r_i^2}

over moves r of the logarithm of mid on a grid of 50 ms, smoothed over neighbouring shifts (Hoffmann, Rosenbaum and
Yoshida, 2013). Every minute m counts alike, else one burst would decide. The interval is that of minutes drawn again; a
lead counts as found where the largest C lies above 0 even though it is the largest of all shifts (Bonferroni).
"""

from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import stdtrit

from calibration.estimators.estimate import Estimate
from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray, IntArray

STEP_MS = 50
LONGEST_MS = 2000
BLOCK_MS = 60_000
OLDEST_MS = 5000  # an older quote says nothing of the market now
FEWEST_BLOCKS = 3
_SMOOTHING = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
_DRAWS = 400
_PER_BLOCK = BLOCK_MS // STEP_MS


class Quoted(Protocol):
    """Mids of a market, ascending in time."""

    @property
    def time_ms(self) -> IntArray:
        """When [ms]."""
        ...

    @property
    def mid(self) -> FloatArray:
        """How much [price]."""
        ...


class LeadTime(NamedTuple):
    """How long the other market moves before this one.

    Attributes
    ----------
    lead_s : Estimate
        Positive where the other one moves first [s]; `n` is the number of minutes.
    correlation : float
        Of the moves within 50 ms at that shift, smoothed over ± 100 ms, mean of the minutes.
    """

    lead_s: Estimate
    correlation: float

    @property
    def is_ahead(self) -> bool:
        """Whether the other market surely moves first."""
        return self.lead_s.low > 0


def lead_time(quotes: Quoted, leader: Quoted, seed: int = 0) -> LeadTime | None:
    """Lead of another market; None where the two do not move together by more than chance.

    Parameters
    ----------
    quotes, leader : Quoted
        Of this market and the other one, stamped by one clock.
    seed : int
        Of the minutes that are drawn again.

    Raises
    ------
    NotEnoughData
        If they have less than three minutes in common.
    """
    start_ms = max(int(tape.time_ms[0]) if len(tape.time_ms) else 0 for tape in (quotes, leader))
    end_ms = min(int(tape.time_ms[-1]) if len(tape.time_ms) else 0 for tape in (quotes, leader))
    blocks = (end_ms - start_ms) // BLOCK_MS
    if blocks < FEWEST_BLOCKS:
        shared_s = max(end_ms - start_ms, 0) / 1e3
        raise NotEnoughData(f"both markets must be recorded for {FEWEST_BLOCKS} minutes at once, got {shared_s:.0f} s")
    grid = start_ms + STEP_MS * np.arange(blocks * _PER_BLOCK + 1, dtype=np.int64)
    own, other = _moves(quotes, grid), _moves(leader, grid)
    shifts, found = _correlations(own, other)
    best = int(np.argmax(found.sum(axis=0)))
    if not _is_above_chance(found[:, best], len(shifts)):
        return None
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), _DRAWS) @ found
    low, high = np.quantile(shifts[np.argmax(drawn, axis=1)], [0.025, 0.975])
    lead_s = float(shifts[best])
    interval = Estimate(lead_s, min(float(low), lead_s), max(float(high), lead_s), int(blocks))
    return LeadTime(interval, float(found[:, best].mean()))


def last_before(quotes: Quoted, time_ms: IntArray) -> IntArray:
    """Position of the last quote strictly before each time, the first where there is none."""
    return np.maximum(np.searchsorted(quotes.time_ms, time_ms, side="left") - 1, 0)


def _moves(quotes: Quoted, grid: IntArray) -> FloatArray:
    """Moves of the logarithm of mid from point to point, 0 where a quote is too old to tell."""
    last = np.searchsorted(quotes.time_ms, grid, side="right") - 1
    known = grid - quotes.time_ms[last] <= OLDEST_MS
    moves = np.diff(np.log(quotes.mid[last]))
    return np.where(known[1:] & known[:-1], moves, 0.0)


def _correlations(own: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shifts [s], and the correlation of moves at each, shape (minutes, shifts); 0 in a minute without moves."""
    most = LONGEST_MS // STEP_MS
    reach = most + len(_SMOOTHING) // 2
    padded = np.pad(own, reach)
    columns = [
        _minutes(other * padded[reach + shift : reach + shift + len(other)]) for shift in range(-reach, reach + 1)
    ]
    windows = np.lib.stride_tricks.sliding_window_view(np.column_stack(columns), len(_SMOOTHING), axis=1)
    scale = np.sqrt(_minutes(own**2) * _minutes(other**2))[:, None]
    found: FloatArray = np.where(scale > 0, windows @ _SMOOTHING / np.where(scale > 0, scale, 1.0), 0.0)
    return STEP_MS * np.arange(-most, most + 1) / 1e3, found


def _minutes(values: FloatArray) -> FloatArray:
    """Sums of whole minutes."""
    summed: FloatArray = values.reshape(-1, _PER_BLOCK).sum(axis=1)
    return summed


def _is_above_chance(found: FloatArray, tried: int) -> bool:
    """Whether the mean over minutes lies above 0, as the largest of so many."""
    error = float(found.std(ddof=1)) / np.sqrt(len(found))
    return bool(found.mean() > stdtrit(len(found) - 1, 1 - 0.025 / tried) * error)
