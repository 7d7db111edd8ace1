"""Reads the state files once per second for all pages together."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from market_making.dashboard.samples import Samples
from market_making.market.clock import now_ms
from market_making.safety.overview import Commands, Overview, look
from market_making.settings.settings import Settings

logger = logging.getLogger(__name__)
PERIOD_S = 1.0


@dataclass(frozen=True)
class Seen:
    """What was read at one moment; `number` counts the readings."""

    number: int
    overview: Overview


class Watcher:
    """Keeps the newest reading, and what a page draws over time.

    Parameters
    ----------
    settings : Settings
        Where the state files are.
    clock : Callable[[], int]
        Now [ms].
    commands : Commands
        What starts the programs that are missing.
    """

    def __init__(self, settings: Settings, clock: Callable[[], int] = now_ms, commands: Commands | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._commands = commands or Commands()
        self.samples = Samples()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self.seen = Seen(0, self._look())

    def start(self) -> None:
        """Read again and again, in a thread of its own."""
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether nothing is read any more."""
        return self._ended.is_set()

    def end(self) -> None:
        """Read nothing any more; do not wait for it."""
        self._ended.set()

    def close(self) -> None:
        """End the thread."""
        self.end()
        if self._thread.is_alive():
            self._thread.join()

    def read(self) -> Seen:
        """Read all state files now."""
        self.seen = Seen(self.seen.number + 1, self._look())
        return self.seen

    def _look(self) -> Overview:
        found = look(self._settings.state, self._settings.venue, self._clock(), self._commands)
        for bot in found.bots:
            self.samples.take(bot)
        return found

    def _run(self) -> None:
        while not self._ended.wait(PERIOD_S):
            try:
                self.read()
            except OSError as error:  # the folder is gone for a moment; the page shows how old its data is
                logger.warning("the state files cannot be read: %s", error)
