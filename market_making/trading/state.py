"""The state file of a bot, written in every loop: what it holds, quotes and earns, and what is the matter.

It is the heartbeat too, so it is written also where every pair fails. That it cannot be written stops nothing.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from market_making.market.clock import now_ms
from market_making.market.errors import MalformedMessage
from market_making.safety.state_file import AccountState, BotState, read_state, write_state
from market_making.trading.day_result import total
from market_making.trading.fills import Fill
from market_making.trading.loop_meter import LoopMeter
from market_making.trading.pair_state import PairFigures, PairNow, pair_state


class BotIdentity(NamedTuple):
    """Which bot this is: its name, its run, how and as what it trades, and where its trades are kept."""

    bot: str
    run: str
    mode: str
    strategy: str
    started_ms: int
    venue: str = ""
    role: str = ""
    leg: str | None = None
    database: str | None = None


@dataclass(frozen=True)
class Circumstances:
    """What holds for the bot as a whole in one loop.

    `unwritable` maps other files that cannot be written to the reason; `killed` says that the kill switch is on.
    """

    account: AccountState = AccountState()  # noqa: RUF009 - immutable
    unwritable: Mapping[str, str] = field(default_factory=dict)
    killed: bool = False
    stopped: bool = False


class StateWriter:
    """Writes the state of one bot.

    Parameters
    ----------
    folder : Path
        Of the state files; what the run before has left there of the same day is gone on with.
    identity : BotIdentity
        Of the bot.
    speak : Callable[[BotState], BotState]
        Says what a state makes necessary and returns it with the notices in force.
    """

    def __init__(
        self, folder: Path, identity: BotIdentity, speak: Callable[[BotState], BotState] = lambda state: state
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._speak = speak
        self._figures: dict[str, PairFigures] = {}
        self._before = _left_by_the_run_before(folder / f"{identity.bot}.json")
        self._fault = ""

    def filled(self, fill: Fill) -> None:
        """Take note of a part of a fill."""
        self._of(fill.pair).filled(fill)

    def funded(self, pair: str, amount: float) -> None:
        """Take note of funding that was received; negative, paid [quote currency]."""
        self._of(pair).result.funded(amount)

    def write(self, pairs: Iterable[PairNow], loops: LoopMeter, around: Circumstances) -> BotState:
        """Write the state of this loop, and return it."""
        time_ms = now_ms()
        states = tuple(pair_state(now, self._of(now.pair), time_ms) for now in pairs)
        unwritable = dict(around.unwritable) | ({"state": self._fault} if self._fault else {})
        state = self._speak(
            BotState(
                **self._identity._asdict(),
                pid=os.getpid(),
                written_ms=time_ms,
                loop=loops.loops,
                loop_ms=loops.last_ms,
                longest_loop_ms=loops.longest_ms,
                pairs=states,
                account=replace(around.account, money=total([pair.money for pair in states])),
                killed=around.killed,
                unwritable={name: why for name, why in unwritable.items() if why},
                stopped=around.stopped,
            )
        )
        try:
            write_state(self._folder, self._identity.bot, state)
            self._fault = ""
        except OSError as error:  # told by the voice in the next loop
            self._fault = error.strerror or str(error)
        return state

    def _of(self, pair: str) -> PairFigures:
        if pair not in self._figures:
            known = {} if self._before is None else {each.pair: each for each in self._before.pairs}
            written_ms = 0 if self._before is None else self._before.written_ms
            self._figures[pair] = PairFigures.begun(now_ms(), known.get(pair), written_ms)
        return self._figures[pair]


def _left_by_the_run_before(path: Path) -> BotState | None:
    try:
        state = read_state(path)
    except (OSError, MalformedMessage):
        return None
    return state if isinstance(state, BotState) else None
