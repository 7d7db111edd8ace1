"""Which part of a window was observed: nothing is counted, and no price move is booked, over what was not seen."""

import numpy as np
from numpy.typing import NDArray

from market_making.market.tape import IntArray, Tape

MAXIMUM_QUOTE_AGE_MS = 10_000


def unobserved(tape: Tape, maximum_quote_age_ms: int = MAXIMUM_QUOTE_AGE_MS) -> IntArray:
    """Intervals of the window in which the market is not known.

    These are the recorded gaps, the time before the first quote, and every silence of the quotes longer than
    `maximum_quote_age_ms`, the one at the end included: a recorder that stopped leaves no other trace.

    Returns
    -------
    IntArray, shape (m, 2)
        Start and end [ms], ascending and disjoint, inside the window.
    """
    quote_ms = tape.quotes.time_ms
    if len(quote_ms) == 0:
        return np.array([[tape.start_ms, tape.end_ms]], dtype=np.int64)
    edges = np.r_[quote_ms, tape.end_ms]
    silent = np.flatnonzero(np.diff(edges) > maximum_quote_age_ms)
    silences = np.column_stack([edges[silent], edges[silent + 1]])
    start = np.array([[tape.start_ms, max(quote_ms[0], tape.start_ms)]], dtype=np.int64)
    return merge(np.vstack([start, silences, tape.gaps.reshape(-1, 2)]), tape.start_ms, tape.end_ms)


def merge(intervals: IntArray, start_ms: int, end_ms: int) -> IntArray:
    """Intervals inside a window, ascending and disjoint; empty ones vanish."""
    clipped: IntArray = np.minimum(np.maximum(intervals, start_ms), end_ms)
    clipped = clipped[clipped[:, 1] > clipped[:, 0]]
    clipped = clipped[np.argsort(clipped[:, 0], kind="stable")]
    if len(clipped) == 0:
        return clipped
    reached = np.maximum.accumulate(clipped[:, 1])
    first = np.flatnonzero(np.r_[True, clipped[1:, 0] > reached[:-1]])
    last = np.r_[first[1:] - 1, len(clipped) - 1]
    return np.column_stack([clipped[first, 0], reached[last]])


def exposure_s(gaps: IntArray, start_ms: int, end_ms: int) -> float:
    """Observed time of a window [s]; `gaps` are disjoint."""
    if len(gaps) == 0:
        return (end_ms - start_ms) / 1e3
    inside = np.minimum(np.maximum(gaps, start_ms), end_ms)
    return float(end_ms - start_ms - (inside[:, 1] - inside[:, 0]).sum()) / 1e3


def observed_before(gaps: IntArray, start_ms: int, when_ms: IntArray) -> IntArray:
    """Observed milliseconds between `start_ms` and each time: a clock that stands still in the gaps."""
    clock_ms = when_ms - start_ms
    for begin, end in gaps:
        clock_ms -= np.minimum(np.maximum(when_ms, begin), end) - begin
    return clock_ms


def covers(gaps: IntArray, when_ms: IntArray) -> NDArray[np.bool_]:
    """Which times lie in a gap: after its start and not after its end."""
    return crosses(gaps, when_ms - 1, when_ms)


def crosses(gaps: IntArray, from_ms: IntArray, to_ms: IntArray) -> NDArray[np.bool_]:
    """Which of the intervals ``(from, to]`` overlap a gap; `gaps` ascend and are disjoint."""
    if len(gaps) == 0:
        return np.zeros(len(from_ms), dtype=bool)
    following = np.searchsorted(gaps[:, 1], from_ms, side="right")
    exists = following < len(gaps)
    return np.asarray(exists & (gaps[np.minimum(following, len(gaps) - 1), 0] < to_ms))
