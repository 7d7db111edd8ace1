"""The pause between two loops, which ends when something happens."""

import threading
import time
from collections.abc import Callable

from freqtrade.worker import Worker

from market_making.trading.freqtrade.edge.loop import Loop

_STOCK: Callable[[float], None] = Worker._sleep
_SHORTEST_S = 0.02  # a loop at least so long after the end of the one before, whatever happens
# Freqtrade takes the length of a loop from a clock that may be put back within it: the longest loop that is allowed,
# and the second that it waits for a new candle.
_LONGEST_S = 6.0


class Alarm:
    """Ends the pause between two loops.

    News that come while a loop runs are kept, and end the next pause at once: the loop may have asked before them.
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def ring(self) -> None:
        """End the pause, or the next one; any thread may."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait so long at most."""
        time.sleep(min(_SHORTEST_S, seconds))
        self._event.wait(max(seconds - _SHORTEST_S, 0.0))
        self._event.clear()


class Sleep:
    """Stands in the place of ``Worker._sleep``, which Freqtrade calls between two loops.

    Parameters
    ----------
    loop : Loop
        Told when it ends, and when the pause does.
    alarm : Alarm or None
        Ends the pause early; without it the bot sleeps as Freqtrade does.
    """

    def __init__(self, loop: Loop, alarm: Alarm | None = None) -> None:
        self._loop = loop
        self._alarm = alarm
        Worker._sleep = staticmethod(self.sleep)

    def sleep(self, sleep_duration: float) -> None:
        """Sleep [s]."""
        self._loop.ended()
        sleep_duration = min(sleep_duration, _LONGEST_S)
        if self._alarm is None:
            _STOCK(sleep_duration)
        else:
            self._alarm.wait(sleep_duration)
        self._loop.woke()


def restore() -> None:
    """Let Freqtrade sleep as it ships: a bot before this one, in this process, may have had the override."""
    Worker._sleep = staticmethod(_STOCK)
