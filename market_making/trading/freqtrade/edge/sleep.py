"""The end of a loop, and the pause until the next."""

from collections.abc import Callable

from freqtrade.worker import Worker

from market_making.trading.freqtrade.edge.loop import Loop

_STOCK: Callable[[float], None] = Worker._sleep


class Sleep:
    """Stands in the place of ``Worker._sleep``, which Freqtrade calls between two loops.

    Parameters
    ----------
    loop : Loop
        Told when it ends.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        Worker._sleep = staticmethod(self.sleep)

    def sleep(self, sleep_duration: float) -> None:
        """Sleep as Freqtrade does [s]."""
        self._loop.ended()
        _STOCK(sleep_duration)


def restore() -> None:
    """Let Freqtrade sleep as it ships: a bot before this one, in this process, may have had the override."""
    Worker._sleep = staticmethod(_STOCK)
