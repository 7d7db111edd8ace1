"""Two legs of one replay: what they tell each other, kept in memory instead of files."""

from pathlib import Path

from market_making.trading.legs.leg_file import LegState
from market_making.trading.legs.legs import Legs


class SharedLegs(Legs):
    """What one leg tells and hears.

    Parameters
    ----------
    leg : str or None
        ``long`` or ``short``; None for a bot on its own.
    board : dict[str, LegState]
        What each leg has told last; shared by both.
    """

    def __init__(self, leg: str | None, board: dict[str, LegState]) -> None:
        super().__init__(Path(), leg)
        self._board = board

    def hear(self, coin: str) -> LegState | None:  # noqa: ARG002 - a replay has one coin
        """What the other leg has told last; None before it has told anything."""
        state = self._board.get("short" if self.leg == "long" else "long")
        if state is not None and state.equity is not None:
            self.other_equity = state.equity
        return state

    def _publish(self, coin: str, state: LegState) -> None:
        if self.leg is not None:
            self._told[coin] = 0, state
            self._board[self.leg] = state
