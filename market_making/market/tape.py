"""What happened on one coin in one window, as arrays: the form in which every estimator works.

Order of events: by `time_ms` (the exchange's clock); at equal stamps trades come before quotes, because a quote
stamped T shows the book after the trades of the block T.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class QuoteTape(NamedTuple):
    """Best bid and offer, one entry an update, ascending in time."""

    time_ms: IntArray
    bid_price: FloatArray
    bid_size: FloatArray
    ask_price: FloatArray
    ask_size: FloatArray

    @property
    def mid(self) -> FloatArray:
        """Mid price after each update [price]."""
        return (self.bid_price + self.ask_price) / 2

    @property
    def half_spread(self) -> FloatArray:
        """Half the distance of best ask and best bid [price]."""
        return (self.ask_price - self.bid_price) / 2


class TradeTape(NamedTuple):
    """Prints, ascending in time.

    `sign` is +1 where the aggressor bought, −1 where it sold. `order` identifies the market order a print belongs to:
    equal numbers at equal time and sign are one order (from transaction hash and taker); −1 where the source does not
    tell, and then equal time and sign are one order.
    """

    time_ms: IntArray
    sign: IntArray
    price: FloatArray
    size: FloatArray
    order: IntArray


class Tape(NamedTuple):
    """Everything known of one coin between `start_ms` and `end_ms`, with the intervals that are not known.

    `gaps` has shape (n, 2): start and end [ms] of the intervals in which events may be missing, ascending, disjoint.
    """

    quotes: QuoteTape
    trades: TradeTape
    gaps: IntArray
    start_ms: int
    end_ms: int

    @property
    def exposure_s(self) -> float:
        """Observed time: the window without its gaps [s]."""
        return float(self.end_ms - self.start_ms - (self.gaps[:, 1] - self.gaps[:, 0]).sum()) / 1e3
