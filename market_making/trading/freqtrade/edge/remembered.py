"""What `/stop`, `/stopentry` and `/start` say, remembered over a restart, and done.

While it is stopped Freqtrade cancels what rests, except what it cannot ask about and what it takes for too small to be
cancelled; and it ends if a question fails after a cancellation.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from freqtrade.enums import State
from freqtrade.exceptions import ExchangeError
from freqtrade.worker import Worker

from market_making.safety.standing import Standing, read_standing, write_standing

_STOCK: Callable[..., State] = Worker._worker
_STANDINGS = {State.RUNNING: Standing.RUNNING, State.PAUSED: Standing.PAUSED, State.STOPPED: Standing.STOPPED}

_PAUSE_S = 1.0

log = logging.getLogger(__name__)


class Remembered:
    """Stands in the place of ``Worker._worker``, which Freqtrade calls once a loop, and notes the state it begins in.

    Attributes
    ----------
    when_stopped : Callable
        Called at the end of each pause while the bot is stopped; cancels what Freqtrade has left.

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
        self.when_stopped: Callable[[], None] = lambda: None
        run = self._run

        def worker(self: Any, old_state: State | None) -> State:
            return run(self, old_state)

        Worker._worker = worker

    def _run(self, worker: Any, old_state: State | None) -> State:
        self.note(worker.freqtrade.state)
        try:
            state = _STOCK(worker, old_state)
        except ExchangeError as error:
            if worker.freqtrade.state is not State.STOPPED:
                raise
            log.warning("the bot stays stopped: %s", error)
            state = State.STOPPED
            worker._sleep(_PAUSE_S)
        if state is State.STOPPED:
            self.when_stopped()
        return state

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
