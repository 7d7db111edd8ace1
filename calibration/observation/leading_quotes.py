"""Quotes of another market as somebody here hears them, on the clock of this market's exchange.

Two exchanges have two clocks, and their quotes take two ways. What counts is which of them says first, on this machine,
where the price goes: so a quote of the other one is put at the stamp of what was received from here at the same time.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from calibration.observation.observations import usable_quotes
from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray, IntArray, QuoteTape
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

_PRICES = ("bid_price", "bid_size", "ask_price", "ask_size")
_LONGEST_WAY_MS = 60_000


class LeadingQuotes(NamedTuple):
    """Quotes of another market in a window.

    Attributes
    ----------
    received : QuoteTape
        At the stamps of what came from this market at the same time.
    stamped : QuoteTape
        At the stamps of its own exchange.
    delay_ms, own_delay_ms : float
        Median time from stamp to arrival, of its quotes and of this market's; each holds how far that exchange's clock
        is from this machine's.
    """

    received: QuoteTape
    stamped: QuoteTape
    delay_ms: float
    own_delay_ms: float


def leading_quotes(
    own: tuple[TickStore, str], other: tuple[TickStore, str], start_ms: int, end_ms: int
) -> LeadingQuotes:
    """Read the quotes of another market.

    Parameters
    ----------
    own, other : (TickStore, str)
        Store and coin of this market and of the other one, recorded on the same machine.
    start_ms, end_ms : int
        The window (`start_ms`, `end_ms`].

    Raises
    ------
    NotEnoughData
        If either has no best quotes in the window.
    """
    stamps, arrivals, _ = _rows(*own, start_ms, end_ms)
    own_delay_ms = float(np.median(arrivals - stamps))
    # Whatever the clocks say, the window is one of arrivals.
    margin_ms = _LONGEST_WAY_MS + round(abs(own_delay_ms))
    stamps, arrivals, prices = _rows(*other, start_ms - margin_ms, end_ms + margin_ms)
    at_ms = np.rint(arrivals - own_delay_ms).astype(np.int64)
    order = np.argsort(at_ms, kind="stable")
    order = order[(at_ms[order] > start_ms) & (at_ms[order] <= end_ms)]
    received = QuoteTape(at_ms[order], *(column[order] for column in prices))
    stamped = QuoteTape(stamps, *prices)
    delay_ms = float(np.median(arrivals - stamps))
    return LeadingQuotes(usable_quotes(received), usable_quotes(stamped), delay_ms, own_delay_ms)


def _rows(store: TickStore, coin: str, start_ms: int, end_ms: int) -> tuple[IntArray, FloatArray, list[FloatArray]]:
    """Stamps, arrivals [ms] and prices; without a time of arrival the stamp stands for it."""
    table = store.read(coin, Stream.BBO, start_ms, end_ms, columns=("exchange_ms", "local_ms", *_PRICES))
    if not len(table):
        raise NotEnoughData(f"{coin} of {store.venue} has no best quotes in the window; the leader and the market must "
                            "be recorded at the same time")  # fmt: skip
    stamps = table["exchange_ms"].to_numpy()
    arrivals = _floats(table["local_ms"])
    return stamps, np.where(np.isnan(arrivals), stamps, arrivals), [_floats(table[name]) for name in _PRICES]


def _floats(column: pa.ChunkedArray) -> FloatArray:
    """Values of a column, NaN where null."""
    return np.asarray(column.to_numpy(), dtype=np.float64)
