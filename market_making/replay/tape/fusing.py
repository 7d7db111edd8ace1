"""Best quotes and both books of an hour as one book a stamp: the last books behind the last best quote.

Best quotes come several times a second, books of five levels twice a second, books of twenty seldom. What a book showed
at or before the touch is gone; behind the last level of the fast book stands what the slow one showed there. At equal
stamps the slow book comes first and the best quote last. It is the rule of the local venue's recordings, for all stamps
at once.
"""

from typing import NamedTuple

import numpy as np

from market_making.market.sides import Side, Sides
from market_making.market.tape import FloatArray, IntArray

NAN = np.nan


class SideRows(NamedTuple):
    """Levels of one side, shape (n, levels), best first, NaN where there is none: price [price] and size [coins]."""

    price: FloatArray
    size: FloatArray


class BookRows(NamedTuple):
    """Books of one stream, ascending in time [ms]."""

    time_ms: IntArray
    sides: Sides[SideRows]

    @classmethod
    def of(cls, time_ms: IntArray, columns: FloatArray) -> "BookRows":
        """Rows whose columns are bid price, bid size, ask price, ask size, level by level; torn ones are left out.

        A book that is crossed or has one side only is the tear of a recorder; the market goes on without it.
        """
        whole = columns[:, 0] < columns[:, 2]
        bid_price, bid_size, ask_price, ask_size = (columns[whole, first::4] for first in range(4))
        return cls(time_ms[whole], Sides(_sized(bid_price, bid_size), _sized(ask_price, ask_size)))

    def at(self, side: Side, stamps: IntArray, latest: IntArray) -> SideRows:
        """Levels of the last book at each stamp, by the position in `latest`; NaN where it is −1."""
        rows = self.sides.of(side)
        if not len(self.time_ms):
            nothing = np.full((len(stamps), rows.price.shape[1]), NAN)
            return SideRows(nothing, nothing)
        chosen, unknown = np.maximum(latest, 0), (latest < 0)[:, None]
        return SideRows(np.where(unknown, NAN, rows.price[chosen]), np.where(unknown, NAN, rows.size[chosen]))

    def latest(self, stamps: IntArray) -> IntArray:
        """Position of the last book at or before each stamp, −1 before the first."""
        return self.time_ms.searchsorted(stamps, side="right") - 1


def fused(side: Side, stamps: IntArray, best: BookRows, book: BookRows, fast: BookRows) -> SideRows:
    """One side of the book at each stamp.

    A level of size 0 in the best quotes, which is our own order taken out, bounds what stands behind and is no level.
    """
    slow_at, fast_at = book.latest(stamps), fast.latest(stamps)
    behind = _behind_fast(side, stamps, (book, slow_at), (fast, fast_at))
    touch = best.at(side, stamps, best.latest(stamps))
    hidden = ~_is_behind(side, behind.price, touch.price) & ~np.isnan(touch.price)
    price = np.concatenate((touch.price, np.where(hidden, NAN, behind.price)), axis=1)
    size = np.concatenate((touch.size, behind.size), axis=1)
    price[~(size > 0)] = NAN
    return SideRows(price, size)


def _behind_fast(
    side: Side, stamps: IntArray, slow: tuple[BookRows, IntArray], fast: tuple[BookRows, IntArray]
) -> SideRows:
    (slow_rows, slow_at), (fast_rows, fast_at) = slow, fast
    book, near = slow_rows.at(side, stamps, slow_at), fast_rows.at(side, stamps, fast_at)
    if not len(fast_rows.time_ms):
        return book
    times = [np.append(rows.time_ms, -1)[at] for rows, at in ((slow_rows, slow_at), (fast_rows, fast_at))]
    is_newer = (times[1] >= times[0])[:, None] & (fast_at >= 0)[:, None]
    last = _worst(side, near.price)
    price = np.where(is_newer & ~_is_behind(side, book.price, last), NAN, book.price)
    near_price = np.where(is_newer, near.price, NAN)
    return SideRows(np.concatenate((near_price, price), axis=1), np.concatenate((near.size, book.size), axis=1))


def _is_behind(side: Side, price: FloatArray, than: FloatArray) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    return price < than if side is Side.BID else price > than


def _worst(side: Side, price: FloatArray) -> FloatArray:
    """Last level of each row, shape (n, 1); NaN in a row without one."""
    fill, reduce = (np.inf, np.min) if side is Side.BID else (-np.inf, np.max)
    worst: FloatArray = reduce(np.where(np.isnan(price), fill, price), axis=1, keepdims=True)
    return np.where(np.isinf(worst), NAN, worst)


def _sized(price: FloatArray, size: FloatArray) -> SideRows:
    """Levels that have a size."""
    there = size >= 0
    return SideRows(np.where(there, price, NAN), np.where(there, size, NAN))
