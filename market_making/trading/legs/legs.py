"""How two bots on two accounts, the long and the short leg, tell each other what they do, in the loop that does it."""

import logging
from collections.abc import Callable
from pathlib import Path

from market_making.market import clock
from market_making.market.errors import DataError
from market_making.market.sides import Side
from market_making.trading.holding import Holding
from market_making.trading.legs.leg_file import LegState, leg_path, other_leg_path, publish_leg, read_leg

logger = logging.getLogger(__name__)

_AGAIN_MS = 1_000  # what has not changed is written anew so often, which says that the leg lives


class Legs:
    """What one leg tells and hears.

    Parameters
    ----------
    folder : Path
        Of the files of both legs.
    leg : str or None
        ``long`` or ``short``; None for a bot on its own.
    now_ms : Callable[[], int]
        The clock.
    """

    def __init__(self, folder: Path, leg: str | None, now_ms: Callable[[], int] = clock.now_ms) -> None:
        self._folder = folder
        self.leg = leg
        self._now_ms = now_ms
        self._told: dict[str, tuple[int, LegState]] = {}
        self._unwritten: set[str] = set()
        self.other_equity: float | None = None
        """What the account of the other leg is worth, as it was last told [quote currency]."""

    def tell(self, coin: str, holding: Holding, sides: tuple[Side, ...], equity: float | None = None) -> None:
        """Tell what is held and rests of a coin, and the sides that the rules of this leg let it quote."""
        if self.leg is None:
            return
        resting = holding.resting
        _, before = self._told.get(coin, (0, LegState()))
        worth = before.equity if equity is None else equity
        self._publish(coin, LegState(holding.coins, None if resting is None else resting.side, sides, worth))

    def asking(self, coin: str, order: Side | None) -> None:
        """Tell, before it is sent, that an order is placed on this side, or that the resting one is cancelled."""
        if coin in self._told:
            self._publish(coin, self._told[coin][1]._replace(order=order))

    def hear(self, coin: str) -> LegState | None:
        """What the other leg tells; None if it does not answer, or cannot know of this one."""
        if self.leg is None or coin in self._unwritten:
            return None
        try:
            state = read_leg(other_leg_path(self._folder, coin, self.leg), now_ms=self._now_ms())
        except DataError:
            self.other_equity = None
            return None
        self.other_equity = self.other_equity if state.equity is None else state.equity
        return state

    def end(self) -> None:
        """Let the other leg know at once that this one has ended."""
        if self.leg is not None:
            for coin in self._told:
                leg_path(self._folder, coin, self.leg).unlink(missing_ok=True)
            self._told.clear()

    def _publish(self, coin: str, state: LegState) -> None:
        if self.leg is None:
            return
        now_ms, (told_ms, told) = self._now_ms(), self._told.get(coin, (0, LegState()))
        if (
            state._replace(equity=told.equity) == told
            and coin not in self._unwritten
            and 0 <= now_ms - told_ms < _AGAIN_MS
        ):
            return
        self._told[coin] = now_ms, state
        try:
            publish_leg(leg_path(self._folder, coin, self.leg), state, now_ms=now_ms)
            self._unwritten.discard(coin)
        except OSError as error:
            if coin not in self._unwritten:
                logger.warning("%s only reduces: it cannot be written for the other leg: %s", coin, error)
            self._unwritten.add(coin)
