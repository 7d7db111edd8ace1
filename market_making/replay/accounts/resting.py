"""When own orders rested, and when one of them was at the market's best price or better."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from market_making.market.tape import FloatArray, IntArray
from market_making.replay.result import Outcome, Session

_ALIKE = 1e-12  # of a price: two ways of writing one tick


class Spans(NamedTuple):
    """Disjoint spans of time, ascending [ms], arrays of shape (k,)."""

    start_ms: IntArray
    end_ms: IntArray

    def covered_s(self, times_ms: IntArray) -> FloatArray:
        """How much time before each moment the spans cover [s]."""
        if not len(self.start_ms):
            return np.zeros(len(times_ms))
        corners = np.stack([self.start_ms, self.end_ms], axis=1).ravel()
        covered = np.concatenate([[0], np.cumsum(self.end_ms - self.start_ms)])
        heights = np.stack([covered[:-1], covered[1:]], axis=1).ravel()
        return np.asarray(np.interp(times_ms, corners, heights) / 1e3, dtype=np.float64)


def union(spans: Iterable[tuple[IntArray, IntArray]]) -> Spans:
    """Spans that cover what any of these (starts, ends) cover [ms]."""
    pairs = list(spans)
    starts = np.concatenate([start for start, _ in pairs]) if pairs else np.zeros(0, dtype=np.int64)
    ends = np.concatenate([end for _, end in pairs]) if pairs else np.zeros(0, dtype=np.int64)
    starts, ends = starts[ends > starts], ends[ends > starts]
    if not len(starts):
        return Spans(starts, ends)
    order = np.argsort(starts, kind="stable")
    starts, reached = starts[order], np.maximum.accumulate(ends[order])
    is_new = np.concatenate([[True], starts[1:] > reached[:-1]])
    return Spans(starts[is_new], reached[np.concatenate([is_new[1:], [True]])])


def resting(session: Session) -> Spans:
    """When at least one own order rested."""
    orders = session.orders
    rested = orders.outcome != Outcome.REFUSED
    starts = np.maximum(orders.placed_ms[rested], session.start_ms)
    return union([(starts, np.minimum(orders.ended_ms[rested], session.end_ms))])


def at_touch(session: Session) -> Spans:
    """When at least one own order was at the market's best price of its side, or better."""
    orders, touch = session.orders, session.touch
    if not len(touch.time_ms):
        return union([])
    found: list[tuple[IntArray, IntArray]] = []
    first = touch.time_ms.searchsorted(orders.placed_ms, side="right") - 1
    last = touch.time_ms.searchsorted(orders.ended_ms, side="left")
    for number in np.flatnonzero(orders.outcome != Outcome.REFUSED):
        entries = slice(max(int(first[number]), 0), int(last[number]))
        if entries.start >= entries.stop:
            continue  # it had ended before the market was seen
        best = (touch.bid if orders.sign[number] > 0 else touch.ask)[entries]
        near = orders.sign[number] * (orders.price[number] - best) >= -_ALIKE * best
        starts = np.maximum(touch.time_ms[entries], orders.placed_ms[number])
        ends = np.append(starts[1:], orders.ended_ms[number])
        found.append((starts[near], ends[near]))
    return union(found)
