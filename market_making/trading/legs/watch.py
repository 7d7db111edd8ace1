"""A thread that notices when the other leg tells something new, so that a loop begins at once."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from market_making.trading.legs.leg_file import other_leg_path, told

_LOOK_EVERY_S = 0.02


class LegWatch:
    """Looks at the other leg's files.

    Parameters
    ----------
    folder : Path
        Of the files of both legs.
    leg : str
        This leg.
    coins : Iterable[str]
        What both trade.
    changed : Callable[[], None]
        Called by the thread of the watch; any thread may.
    """

    def __init__(self, folder: Path, leg: str, coins: Iterable[str], changed: Callable[[], None]) -> None:
        self._known: dict[Path, Any] = {other_leg_path(folder, coin, leg): None for coin in coins}
        self._changed = changed
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="other-leg", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def look(self) -> None:
        """See whether anything has been told since the last look; that the other leg still lives is nothing new."""
        # Read every time: two changes within a few milliseconds have the same time of writing.
        seen = {path: told(path) for path in self._known}
        is_new, self._known = seen != self._known, seen
        if is_new:
            self._changed()

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            self.look()
