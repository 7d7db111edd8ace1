"""The quotes on the grid of whole seconds: all that volatility, drift and the mean spread need of them.

Every entry depends on its own second only, so that a window can be extended second by second. Of mid the quarters of
each second are known as well: a bot that is woken cancels within half a second of a move.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from calibration.estimators.coverage import covers, crosses
from market_making.market.tape import FloatArray, IntArray, QuoteTape

SECOND_MS = 1_000
QUARTERS = 4
QUARTER_MS = SECOND_MS // QUARTERS


@dataclass(frozen=True, slots=True)
class Seconds:
    """One entry a whole second ``(start_s + i, start_s + i + 1]``.

    Parameters
    ----------
    start_s : int
        Unix time of the start of the first second [s].
    mid : FloatArray, shape (n,)
        Mid at the end of the second [price]; NaN where it is not known.
    half_spread : FloatArray, shape (n,)
        Integral of the half-spread over the observed part of the second [price·s].
    observed : FloatArray, shape (n,)
        The observed part of the second [s].
    quarters : FloatArray, shape (n, 4, 3)
        Mid at the end of each quarter of the second, NaN where it is not known, and lowest and highest mid in the
        observed part of the quarter, infinite, and inside out, where there is none [price].
    """

    start_s: int
    mid: FloatArray
    half_spread: FloatArray
    observed: FloatArray
    quarters: FloatArray

    def between(self, start_s: int, end_s: int) -> Self:
        """Return the seconds from `start_s` to `end_s`, as far as they are here."""
        first, last = max(start_s - self.start_s, 0), max(end_s - self.start_s, 0)
        part = slice(first, last)
        return type(self)(self.start_s + first, *(column[part] for column in self._columns))

    def followed_by(self, later: Self) -> Self:
        """Return these seconds and the ones right after them."""
        return type(self)(self.start_s, *map(np.concatenate, zip(self._columns, later._columns, strict=True)))

    @property
    def _columns(self) -> tuple[FloatArray, ...]:
        return self.mid, self.half_spread, self.observed, self.quarters

    @property
    def mean_half_spread(self) -> float:
        """Time-weighted mean half-spread [price]; NaN where nothing was observed."""
        observed = float(self.observed.sum())
        return float(self.half_spread.sum()) / observed if observed > 0 else float("nan")

    def moves(self, span: int) -> FloatArray:
        """Moves of mid over every `span` seconds that were observed throughout [price]."""
        if len(self.mid) <= span:
            return np.empty(0)
        unknown = np.cumsum(np.isnan(self.mid))
        whole = unknown[span:] == unknown[:-span]
        whole &= ~np.isnan(self.mid[:-span])
        moves: FloatArray = (self.mid[span:] - self.mid[:-span])[whole]
        return moves


def seconds(quotes: QuoteTape, gaps: IntArray, start_ms: int, end_ms: int) -> Seconds:
    """Put quotes on the grid of the whole seconds inside a window.

    Parameters
    ----------
    quotes : QuoteTape
        Ascending in time.
    gaps : IntArray, shape (m, 2)
        Unobserved intervals, see `coverage.unobserved`; they must include the time before the first quote.
    start_ms, end_ms : int
        The window; parts of a second at its ends are left out.
    """
    start_s, end_s = -(-start_ms // SECOND_MS), end_ms // SECOND_MS
    size = max(end_s - start_s, 0)
    if len(quotes.time_ms) == 0 or size == 0:
        empty, nowhere = np.zeros(size), np.full((size, QUARTERS), np.inf)
        unknown = np.stack([np.full((size, QUARTERS), np.nan), nowhere, -nowhere], axis=2)
        return Seconds(start_s, np.full(size, np.nan), empty, empty, unknown)
    grid = start_s * SECOND_MS + QUARTER_MS * np.arange(QUARTERS * size + 1, dtype=np.int64)
    inside = quotes.time_ms[(quotes.time_ms > grid[0]) & (quotes.time_ms < grid[-1])]
    edges = np.unique(np.concatenate([grid, inside, gaps[(gaps > grid[0]) & (gaps < grid[-1])].ravel()]))
    begin, end = edges[:-1], edges[1:]
    quote = np.searchsorted(quotes.time_ms, begin, side="right") - 1
    weight = np.where(crosses(gaps, begin, end), 0, end - begin) / SECOND_MS
    second = begin // SECOND_MS - start_s
    half_spread = np.bincount(second, weights=weight * quotes.half_spread[quote], minlength=size).astype(np.float64)
    observed = np.bincount(second, weights=weight, minlength=size).astype(np.float64)
    last = np.searchsorted(quotes.time_ms, grid[1:], side="right") - 1
    mid = np.where(covers(gaps, grid[1:]), np.nan, quotes.mid[last])
    first = np.searchsorted(begin, grid[:-1])  # every quarter begins with an edge of its own
    low = np.minimum.reduceat(np.where(weight > 0, quotes.mid[quote], np.inf), first)
    high = np.maximum.reduceat(np.where(weight > 0, quotes.mid[quote], -np.inf), first)
    quarters = np.stack([mid, low, high], axis=1).reshape(size, QUARTERS, 3)
    return Seconds(start_s, mid[QUARTERS - 1 :: QUARTERS].copy(), half_spread, observed, quarters)
