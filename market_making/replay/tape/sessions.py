"""Where a recording can be replayed: what lies between its gaps.

Across a gap nothing is replayed: an old quote would be filled by a market that has moved on without it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from market_making.market.clock import utc_text
from market_making.market.errors import NotEnoughData
from market_making.market.tape import IntArray
from market_making.recording.store.recorded_tape import SILENCE_MS, merge_intervals
from market_making.recording.store.segments import day_of
from market_making.recording.store.tick_store import TickStore

HOUR_MS = 3_600_000
SHORTEST_MS = 60_000


class Span(NamedTuple):
    """An uninterrupted part of a recording [ms]."""

    start_ms: int
    end_ms: int

    def hours(self) -> Iterator["Span"]:
        """The span cut at full hours."""
        start_ms = self.start_ms
        while start_ms < self.end_ms:
            end_ms = min((start_ms // HOUR_MS + 1) * HOUR_MS, self.end_ms)
            yield Span(start_ms, end_ms)
            start_ms = end_ms


def spans_of(store: TickStore, coin: str, start_ms: int | None = None, end_ms: int | None = None) -> tuple[Span, ...]:
    """Spans of at least a minute in which quotes and trades of a coin were recorded without a gap.

    Parameters
    ----------
    store : TickStore
        The recording.
    coin : str
        The venue's name.
    start_ms, end_ms : int, optional
        Bounds [ms]; by default everything that is recorded.

    Raises
    ------
    UnknownCoin
        If nothing is recorded of the coin.
    NotEnoughData
        If there is no such span.
    """
    first, last = store.extent(coin)
    begin = first if start_ms is None else max(start_ms, first)
    end = last if end_ms is None else min(end_ms, last)
    gaps = _gaps(store, coin, begin, end) if begin < end else np.array([[begin, end]])
    edges = np.concatenate(([begin], gaps.ravel(), [end])).reshape(-1, 2)
    spans = tuple(Span(*edge) for edge in edges.tolist() if edge[1] - edge[0] >= SHORTEST_MS)
    if not spans:
        asked = f"between {utc_text(begin)} and {utc_text(end)}" if begin < end else "within the bounds"
        raise NotEnoughData(
            f"{coin} must be recorded for at least {SHORTEST_MS / 1e3:.0f} s without a gap {asked}, got less; "
            f"it is recorded from {utc_text(first)} to {utc_text(last)}"
        )
    return spans


def _gaps(store: TickStore, coin: str, start_ms: int, end_ms: int) -> IntArray:
    """Gaps hour by hour; each is looked for a little earlier, so that none hides at a full hour."""
    found: list[IntArray] = [np.empty((0, 2), np.int64)]
    days = set(store.days(coin))
    for hour in Span(start_ms, end_ms).hours():
        begin_ms = max(hour.start_ms - 2 * SILENCE_MS, start_ms - 1)
        is_recorded = days & {day_of(begin_ms), day_of(hour.end_ms)}
        found.append(store.gaps(coin, begin_ms, hour.end_ms) if is_recorded else np.array([hour], np.int64))
    return merge_intervals(np.concatenate(found), start_ms, end_ms)
