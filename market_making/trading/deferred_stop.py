"""A stop that arrives within a loop waits for the start of the next one.

Freqtrade turns SIGTERM and Ctrl-C into an exception at whatever line the bot is. Between sending an order and noting
its number that would lose the order: it rests at the exchange, and the cancellation at the exit does not know of it. In
the middle of writing to its database it would be worse: Freqtrade's exit cannot use the database then, and cancels
nothing at all.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class DeferredStop:
    """Holds a stop signal back between `hold` and `release`; a second signal is never held.

    Parameters
    ----------
    installed : bool
        Stand before the handlers there are; outside the main thread, where no signal arrives, it does nothing.
    longest_s : float
        After this time [s] the signal is passed on in any case; below the 10 s that `docker stop` waits.
    """

    def __init__(self, *, installed: bool = False, longest_s: float = 5.0) -> None:
        self._longest_s = longest_s
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._is_held = False
        self._waiting: tuple[int, threading.Timer] | None = None
        if installed and threading.current_thread() is threading.main_thread():
            self._install()

    def hold(self) -> None:
        """From now on a signal waits."""
        self._is_held = True

    def release(self) -> None:
        """Signals act again, one that has waited acts now."""
        self._is_held = False
        if self._waiting is not None:
            number, timer = self._waiting
            timer.cancel()
            self._pass_on(number, None)

    def _install(self) -> None:
        for number in SIGNALS:
            handler = signal.getsignal(number)
            former = getattr(handler, "__self__", None)
            if isinstance(former, DeferredStop):  # of the strategy before the configuration was read again
                handler = former._handlers[number]
            if callable(handler):  # not where the signal is ignored or ends the process at once
                self._handlers[number] = handler
                signal.signal(number, self._arrived)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if not self._is_held or self._waiting is not None:
            self._pass_on(number, frame)
            return
        # The bot may be told to pause and never come to `release`.
        timer = threading.Timer(self._longest_s, os.kill, (os.getpid(), number))
        timer.daemon = True
        self._waiting = (number, timer)
        timer.start()

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if self._waiting is not None:
            self._waiting[1].cancel()  # or it would interrupt the exit, which cancels the orders
        self._waiting = None
        self._is_held = False
        self._handlers[number](number, frame)
