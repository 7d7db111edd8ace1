"""What `/stop`, `/stopentry` and `/start` say, remembered over a restart."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from freqtrade.enums import State
from freqtrade.worker import Worker

from market_making.safety.standing import Standing, read_standing, write_standing

_STOCK: Callable[..., State] = Worker._worker
_STANDINGS = {State.RUNNING: Standing.RUNNING, State.PAUSED: Standing.PAUSED, State.STOPPED: Standing.STOPPED}

log = logging.getLogger(__name__)


class Remembered:
    """Stands in the place of ``Worker._worker``, which Freqtrade calls once a loop, and notes the state it begins in.

    Parameters
    ----------
    folder : Path
        The state folder.
    bot : str
        Name of the bot.
    """

    def __init__(self, folder: Path, bot: str) -> None:
        self.standing = read_standing(folder, bot)
        self._folder, self._bot = folder, bot
        note = self.note

        def worker(self: Any, old_state: State | None) -> State:
            note(self.freqtrade.state)
            return _STOCK(self, old_state)

        Worker._worker = worker

    def note(self, state: State) -> None:
        """Write down a state that is new; that it cannot be written is said, and tried again in the next loop."""
        standing = _STANDINGS.get(state)
        if standing is None or standing is self.standing:
            return
        try:
            write_standing(self._folder, self._bot, standing)
        except OSError as error:
            log.error("that the bot is %s will not be remembered over a restart: %s", standing, error)
        else:
            self.standing = standing


def restore() -> None:
    """Let Freqtrade's worker be as it ships: a bot before this one, in this process, may have had the override."""
    Worker._worker = _STOCK
