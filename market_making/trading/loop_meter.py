"""How the loops of a bot go: how many, and the longest time from the start of one to the start of the next."""

from typing import NamedTuple

_MINUTE_MS = 60_000


class Minute(NamedTuple):
    """A minute, or a little more, of loops; times in ms."""

    loops: int
    longest_loop_ms: int
    elapsed_ms: int


class LoopMeter:
    """Counts loops.

    Parameters
    ----------
    started_ms : int
        When the bot was started [ms].
    """

    def __init__(self, started_ms: int) -> None:
        self.loops = 0
        """Since the start."""
        self.last_ms = 0
        """From the start of the last loop to that of the present one [ms]."""
        self.longest_ms = 0
        """The longest of them since the start [ms]."""
        self._began_ms: int | None = None
        self._minute_ms = started_ms
        self._minute = Minute(0, 0, 0)

    def begin(self, now_ms: int) -> Minute | None:
        """A loop begins; return the minute before it, if one is over."""
        self.last_ms = 0 if self._began_ms is None else max(now_ms - self._began_ms, 0)
        self._began_ms = now_ms
        self.longest_ms = max(self.longest_ms, self.last_ms)
        self.loops += 1
        elapsed_ms = now_ms - self._minute_ms
        self._minute = Minute(self._minute.loops + 1, max(self._minute.longest_loop_ms, self.last_ms), elapsed_ms)
        if 0 <= elapsed_ms < _MINUTE_MS:
            return None
        over, self._minute, self._minute_ms = self._minute, Minute(0, 0, 0), now_ms
        return over
