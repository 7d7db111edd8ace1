"""The rows of a tape: trades and changes of single levels, in the layout that hftbacktest reads.

A row is a print (`TRADE`, by the aggressor's side) or the new size of one level of the book (`DEPTH`; size 0 removes
it). Rows ascend in time; at equal stamps come first the trades, then what vanishes from the book, then what appears, so
that no intermediate book is crossed. The tape holds the exchange's clock only: latency belongs to the run.
"""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from market_making.market.tape import FloatArray, IntArray

NS_PER_MS = 1_000_000
DEPTH, TRADE = 1, 2
_EXCHANGE, _LOCAL = 1 << 31, 1 << 30
BUY, SELL = 1 << 29, 1 << 28
BOTH_CLOCKS = _EXCHANGE | _LOCAL
KIND = 0xFF  # of `ev`: the bits that say what a row is

EVENT = np.dtype(
    [
        ("ev", "u8"),
        ("exch_ts", "i8"),
        ("local_ts", "i8"),
        ("px", "f8"),
        ("qty", "f8"),
        ("order_id", "u8"),
        ("ival", "i8"),
        ("fval", "f8"),
    ],
    align=True,
)
EventArray = NDArray[np.void]


def decimals_of(tick: float) -> int:
    """Number of decimals of a step of the price, and so of every price: 1 for 0.1."""
    return max(-int(Decimal(repr(tick)).normalize().as_tuple().exponent), 0)


def events_of(
    kind: int, time_ms: IntArray, is_buy: NDArray[np.bool_], price: FloatArray, size: FloatArray
) -> EventArray:
    """Rows of one kind; `is_buy` is the aggressor's side of a print, and true for a level of the bids.

    Parameters
    ----------
    kind : int
        `DEPTH` or `TRADE`.
    time_ms, is_buy, price, size
        Shape (n,): exchange's clock [ms], side, price [price], size [coins].
    """
    rows = np.zeros(len(time_ms), dtype=EVENT)
    rows["ev"] = np.where(is_buy, kind | BUY | BOTH_CLOCKS, kind | SELL | BOTH_CLOCKS)
    rows["exch_ts"] = rows["local_ts"] = time_ms * NS_PER_MS
    rows["px"], rows["qty"] = price, size
    return rows
