"""Quotes of another market as somebody here hears them, on the clock of this market's exchange.

Two exchanges have two clocks, and their quotes take two ways. What counts is which of them says first, on this machine,
where the price goes: so a quote of the other one is put at the stamp of what was received from here at the same time.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from calibration.estimators.best_quotes import BestQuotes
from calibration.observation.observations import usable_quotes
from market_making.market.errors import DataError, NotEnoughData
from market_making.market.tape import FloatArray, IntArray, QuoteTape
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.settings.settings import Settings

_PRICES = ("bid_price", "bid_size", "ask_price", "ask_size")
_LONGEST_WAY_MS = 60_000
_LATE_MS = 15_000  # what comes later than this was not heard in time


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


class HeardLeader(NamedTuple):
    """Another market that may move first: its name, and its quotes at the stamps of what came from here with them."""

    name: str
    quotes: BestQuotes


class FollowedLeader:
    """The market of the same coin on another venue, kept up to date from a tick store over the length of a window.

    Parameters
    ----------
    own, other : TickStore
        Stores of this market's venue and of the other one, recorded on the same machine.
    coin : str
        Its name, the same in both.
    window_ms : int
        Length of the window.
    """

    def __init__(self, own: TickStore, other: TickStore, coin: str, window_ms: int) -> None:
        self._own, self._other, self._window_ms = (own, coin), (other, coin), window_ms
        self._known: BestQuotes | None = None
        self._read_ms = 0

    def at(self, now_ms: int) -> HeardLeader | None:
        """Read on and return the window up to now; None where the leader is not recorded."""
        start_ms, known = now_ms - self._window_ms, self._known
        if known is None or not start_ms < self._read_ms <= now_ms:
            known, from_ms = None, start_ms
        else:
            from_ms = self._read_ms - _LATE_MS
        try:
            received = leading_quotes(self._own, self._other, from_ms, now_ms).received
        except (DataError, OSError):
            return None
        recent = BestQuotes.of(received).every_step()
        known = recent if known is None else known.between(start_ms, from_ms).followed_by(recent)
        self._known, self._read_ms = known, now_ms
        store, coin = self._other
        return HeardLeader(f"{coin} of {store.venue}", known)


def followed_leader(own: TickStore, coin: str, settings: Settings) -> FollowedLeader | None:
    """The market that may move first, if the settings name a venue for it."""
    venue = settings.calibration.leader
    if venue is None or venue == own.venue:
        return None
    other = TickStore(settings.market_data, venue)
    return FollowedLeader(own, other, coin, round(settings.calibration.window_s * 1e3))


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
