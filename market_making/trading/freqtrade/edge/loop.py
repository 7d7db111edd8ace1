"""Where in Freqtrade's loop the bot is, and what makes answers of the exchange stale."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Loop:
    """The loop of one bot, as its strategy and its client see it."""

    def __init__(self) -> None:
        self.is_running = False
        self._planner: int | None = None
        self._thread: int | None = None
        self._listeners: list[Callable[[], None]] = []
        self._starters: list[Callable[[], None]] = []
        self._enders: list[Callable[[], None]] = []
        self._wakers: list[Callable[[], None]] = []

    def on_start(self, starter: Callable[[], None]) -> None:
        """Call `starter` at the beginning of every loop, before anything is planned; it must not raise."""
        self._starters.append(starter)

    def on_event(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever answers of before become stale."""
        self._listeners.append(listener)

    def on_end(self, ender: Callable[[], None]) -> None:
        """Call `ender` at the end of every loop; it must not raise."""
        self._enders.append(ender)

    def on_wake(self, waker: Callable[[], None]) -> None:
        """Call `waker` at the end of every pause, before Freqtrade does anything; it must not raise."""
        self._wakers.append(waker)

    @contextmanager
    def planning(self) -> Iterator[None]:
        """A new loop begins with the planning of its pairs; what is asked afterwards, Freqtrade needs for orders."""
        self.is_running, self._planner = True, threading.get_ident()
        self._thread = self._planner
        self.happened()
        try:
            for starter in self._starters:
                starter()
            yield
        finally:
            self._planner = None

    def ended(self) -> None:
        """The bot goes to sleep."""
        self.is_running, self._planner = False, None
        self.happened()
        for ender in self._enders:
            ender()

    def woke(self) -> None:
        """The bot has slept."""
        for waker in self._wakers:
            waker()

    def happened(self) -> None:
        """An own action, news of an order, a new loop: answers of before are stale."""
        for listener in self._listeners:
            listener()

    @property
    def is_planning(self) -> bool:
        """Whether this thread is planning; the threads of Freqtrade's interface never are."""
        return self._planner == threading.get_ident()

    @property
    def is_here(self) -> bool:
        """Whether a loop runs, and in this thread."""
        return self.is_running and self._thread == threading.get_ident()
