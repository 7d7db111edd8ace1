"""Observations that are kept up to date: a reading takes in what is new; nothing is looked at for half an hour again.

What is older than `SETTLE_MS` is settled: it is reduced once, by the functions of the batch, and kept for the
length of the window. What is younger may still be joined by late or repeated events; it is reduced anew each time.
The result equals that of a batch over the whole window.
"""

from typing import Protocol

import numpy as np

from calibration.estimators.seconds import SECOND_MS
from calibration.observation.observations import ObservedWindow, observe
from market_making.market.errors import DataError
from market_making.market.tape import Tape

SETTLE_MS = 30_000
LEAD_MS = 15_000
LONGEST_LAG_MS = 6_000


class TapeSource(Protocol):
    """Where events come from: a store, or a simulation."""

    def __call__(self, start_ms: int, end_ms: int) -> Tape:
        """Events after `start_ms` and not after `end_ms`, in order, each once."""
        ...


class LiveObservations:
    """The observations of one coin over a window that moves with the clock.

    Parameters
    ----------
    source : TapeSource
        Read once over the whole window at the start, and over the last three quarters of a minute in each cycle.
    tick : float
        Smallest price step [price].
    window_ms : int
        Length of the window.
    """

    def __init__(self, source: TapeSource, tick: float, window_ms: int) -> None:
        self._source = source
        self.tick = tick
        self._window_ms = window_ms
        self._settled: ObservedWindow | None = None
        self._recent: ObservedWindow | None = None

    def at(self, now_ms: int) -> ObservedWindow:
        """Read on, and return the window that ends with the newest event; see `known_until`.

        Raises
        ------
        DataError
            If the source cannot be read.
        """
        self.read(now_ms)
        return self.window(now_ms)

    def read(self, now_ms: int) -> None:
        """Take in what has become known by now.

        Raises
        ------
        DataError
            If the source cannot be read.
        """
        start_ms = now_ms - self._window_ms
        settled = self._usable(start_ms, now_ms)
        from_ms = settled.end_ms if settled else _whole_second(start_ms)
        recent = observe_window(self._source, self.tick, from_ms, now_ms)
        settled_ms = _whole_second(now_ms - SETTLE_MS)
        if settled_ms > from_ms:
            known = settled.followed_by(recent) if settled else recent
            settled = known.between(_whole_second(start_ms), settled_ms)
            recent = recent.between(settled_ms, recent.end_ms)
        self._settled, self._recent = settled, recent

    def window(self, now_ms: int) -> ObservedWindow:
        """The window up to now, as far as it was read.

        Raises
        ------
        DataError
            If nothing was read yet.
        """
        if self._recent is None:
            raise DataError("0 events were read, a window needs some")
        known = self._settled.followed_by(self._recent) if self._settled else self._recent
        return known.between(now_ms - self._window_ms, min(known.end_ms, now_ms))

    def _usable(self, start_ms: int, now_ms: int) -> ObservedWindow | None:
        """What is settled, unless the clock went back or on by so much that nothing of it is needed."""
        settled = self._settled
        if settled is None or not start_ms < settled.end_ms <= now_ms or settled.start_ms > start_ms:
            return None
        return settled


def observe_window(source: TapeSource, tick: float, start_ms: int, end_ms: int) -> ObservedWindow:
    """Reduce a window, with the quotes shortly before it known, as far as it is recorded."""
    tape = source(start_ms - LEAD_MS, end_ms)
    known_ms = known_until(tape, end_ms)
    return observe(tape._replace(end_ms=known_ms), tick).between(start_ms, known_ms)


def known_until(tape: Tape, now_ms: int) -> int:
    """Until when the events of a tape are recorded: its newest event up to now, or a few seconds ago.

    A recorder writes every few seconds. Taking the seconds it has not yet written for quiet ones would make a busy
    market look as if it had just calmed down.
    """
    newest = now_ms - LONGEST_LAG_MS
    for time_ms in (tape.quotes.time_ms, tape.trades.time_ms):
        seen = int(np.searchsorted(time_ms, now_ms, side="right"))
        if seen:
            newest = max(newest, int(time_ms[seen - 1]))
    return newest


def _whole_second(time_ms: int) -> int:
    return time_ms // SECOND_MS * SECOND_MS
