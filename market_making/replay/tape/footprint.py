"""Own orders taken out of recorded books: a bot must not follow itself, nor queue behind itself.

While a bot trades, the recorder next to it records the bot's orders, too. From the decision log it is known when and
where they rested. Prints stay: the taker would have come in any case.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_making.market.sides import Side, Sides
from market_making.market.tape import FloatArray, IntArray
from market_making.replay.tape.fusing import BookRows, SideRows

_DUST = 1e-9  # of a size, which floating point leaves of a level


class Footprint(NamedTuple):
    """Own resting orders, one entry for each part of a life in which the size stayed the same, shape (n,).

    `start_ms` and `end_ms` bound it [ms], `sign` is +1 for a bid, `price` [price], `size` what rested [coins].
    """

    start_ms: IntArray
    end_ms: IntArray
    sign: IntArray
    price: FloatArray
    size: FloatArray

    def within(self, start_ms: int, end_ms: int) -> "Footprint":
        """The entries that touch a time."""
        touches = (self.start_ms <= end_ms) & (self.end_ms >= start_ms)
        return self._where(touches)

    def of(self, side: Side) -> "Footprint":
        """The entries of one side."""
        return self._where(self.sign == (1 if side is Side.BID else -1))

    def _where(self, chosen: NDArray[np.bool_]) -> "Footprint":
        times = self.start_ms[chosen], self.end_ms[chosen]
        return Footprint(*times, self.sign[chosen], self.price[chosen], self.size[chosen])


_NO_TIMES, _NO_NUMBERS = np.empty(0, np.int64), np.empty(0, np.float64)
NO_FOOTPRINT = Footprint(_NO_TIMES, _NO_TIMES, _NO_TIMES, _NO_NUMBERS, _NO_NUMBERS)


def without_own(rows: BookRows, own: Footprint) -> BookRows:
    """Books without own orders; a level that was only ours keeps its price with size 0.

    A level smaller than the own order does not hold it, so it is left as it is: the book may be from just before.
    """
    if not len(own.price):
        return rows
    sides = Sides(*(_side_without(rows.time_ms, rows.sides.of(side), own.of(side)) for side in Side))
    return rows._replace(sides=sides)


def _side_without(time_ms: IntArray, rows: SideRows, own: Footprint) -> SideRows:
    sizes = rows.size.copy()
    first, last = time_ms.searchsorted(own.start_ms), time_ms.searchsorted(own.end_ms, side="right")
    for begin, end, price, size in zip(first.tolist(), last.tolist(), own.price, own.size, strict=True):
        part = sizes[begin:end]
        holds = (rows.price[begin:end] == price) & (part >= size * (1 - _DUST))
        left = part[holds] - size
        part[holds] = np.where(left <= _DUST * size, 0.0, left)
    return rows._replace(size=sizes)
