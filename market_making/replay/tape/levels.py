"""From whole books to changes of single levels, all stamps of an hour at once.

A level that is within the visible part of a book and not in it is gone. One that lies beyond the last visible level is
not known: it keeps its size until a book reaches that far again.
"""

from typing import NamedTuple

import numpy as np

from market_making.market.tape import FloatArray, IntArray


class Levels(NamedTuple):
    """Known levels of one side, one entry each: whole ticks [ticks] and size [coins]."""

    tick: IntArray
    size: FloatArray


class Changes(NamedTuple):
    """Changes of one side: the stamp by its position, the level [ticks] and its new size [coins], 0 if it is gone."""

    stamp: IntArray
    tick: IntArray
    size: FloatArray


NOTHING_KNOWN = Levels(np.empty(0, np.int64), np.empty(0, np.float64))


def changes_of(sign: int, ticks: FloatArray, sizes: FloatArray, before: Levels) -> tuple[Changes, Levels]:
    """What changes from each book of one side to the next.

    Parameters
    ----------
    sign : int
        −1 for bids, +1 for asks: ticks times sign ascend away from the middle.
    ticks, sizes : FloatArray
        Shape (n, levels): each book of the side in whole ticks [ticks], NaN where there is no level; sizes [coins].
    before : Levels
        What is known before the first book.

    Returns
    -------
    tuple[Changes, Levels]
        The changes by stamp, and what is known after the last one.
    """
    away = sign * ticks
    reach = np.append(-np.inf, np.max(np.where(np.isnan(away), -np.inf, away), axis=1, initial=-np.inf))
    row, column = np.nonzero(~np.isnan(away))
    # The levels of before are entries of a stamp before the first, which tells of nothing but itself.
    stamp = np.concatenate((np.zeros(len(before.tick), np.int64), row + 1))
    level = np.concatenate((sign * before.tick, away[row, column].astype(np.int64)))
    size = np.concatenate((before.size, sizes[row, column]))
    order = np.lexsort((stamp, level))
    stamp, level, size = stamp[order], level[order], size[order]
    has_next = np.append(level[1:] == level[:-1], False) if len(level) else np.empty(0, bool)
    until = np.where(has_next, np.append(stamp[1:], 0), len(reach))
    gone = np.minimum(_first_reaching(reach, stamp + 1, level), until)
    vanishes = gone < until
    known_before = np.append(False, has_next[:-1] & ~vanishes[:-1])[: len(level)]
    unchanged = known_before & (size == np.append(np.nan, size[:-1])[: len(level)])
    appears = (stamp > 0) & ~unchanged
    found = Changes(
        np.concatenate((gone[vanishes], stamp[appears])) - 1,
        sign * np.concatenate((level[vanishes], level[appears])),
        np.concatenate((np.zeros(np.count_nonzero(vanishes)), size[appears])),
    )
    stays = ~has_next & ~vanishes
    return found, Levels(sign * level[stays], size[stays])


def _first_reaching(reach: FloatArray, start: IntArray, level: IntArray) -> IntArray:
    """First position from `start` on whose `reach` is at least `level`; the length of `reach` where there is none."""
    found = start.copy()
    at_once = np.append(reach, -np.inf)[start] >= level
    late = np.flatnonzero(~at_once)
    if not len(late):
        return found
    maxima = _running_maxima(reach)
    position, wanted = found[late], level[late]
    # Skip spans that do not reach it, from the longest to the shortest; what is left is the first that does.
    for power in range(len(maxima) - 1, -1, -1):
        span = maxima[power]
        inside = position < len(span)
        skips = inside & (span[np.minimum(position, len(span) - 1)] < wanted)
        position = np.where(skips, position + (1 << power), position)
    found[late] = np.minimum(position, len(reach))
    return found


def _running_maxima(values: FloatArray) -> list[FloatArray]:
    """Maxima of the spans of 1, 2, 4, … values that begin at each position; beyond the end there is nothing."""
    maxima = [values]
    while (1 << len(maxima)) <= 2 * len(values):
        width, last = 1 << (len(maxima) - 1), maxima[-1]
        shifted = np.append(last[width:], np.full(min(width, len(last)), -np.inf))
        maxima.append(np.maximum(last, shifted))
    return maxima
