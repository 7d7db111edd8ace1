"""What a bot writes, read without trusting it: its state file, and the parameter files it quotes from."""

import json
from collections.abc import Callable, Mapping, Set
from pathlib import Path

from market_making.market.clock import now_ms
from market_making.market.errors import MalformedMessage
from market_making.safety.heartbeat import Heartbeats
from market_making.safety.standing import Standing, read_standing
from market_making.safety.state_file import BotState, read_state


class BotFiles:
    """Files of one bot.

    Parameters
    ----------
    state : Path
        Folder of the state files.
    name : str
        Name of the bot, and of its state file.
    parameters : Path
        Folder of the parameter files.
    earliest_ms : Callable[[], int]
        Time of now by the clock that is behind, if two disagree [ms].
    """

    def __init__(self, state: Path, name: str, parameters: Path, earliest_ms: Callable[[], int] = now_ms) -> None:
        self._earliest_ms = earliest_ms
        self._folder = state
        self._path = state / f"{name}.json"
        self._name = name
        self._parameters = parameters
        self._beats = Heartbeats()
        self._state: BotState | None = None
        self._changed_ns = -1
        self._valid: dict[str, tuple[int, int | None]] = {}

    @property
    def coins(self) -> Set[str]:
        """Coins of the state file."""
        return frozenset() if self._state is None else {pair.coin for pair in self._state.pairs}

    def look(self, now_s: float) -> tuple[BotState | None, float]:
        """The last state that could be read, and how long no loop has ended [s]."""
        self._read()
        state = self._state
        if state is None:
            return None, self._beats.look(self._name, None, 0.0, now_s)
        age_s = (self._earliest_ms() - state.written_ms) / 1e3
        return state, self._beats.look(self._name, (state.pid, state.run, state.loop, state.written_ms), age_s, now_s)

    def is_stopped(self) -> bool:
        """Whether the bot has ended in order, or `/stop` holds."""
        has_ended = self._state is not None and self._state.stopped
        return has_ended or read_standing(self._folder, self._name) is Standing.STOPPED

    def valid_until_ms(self) -> Mapping[str, int | None]:
        """Until when each coin of the state file has valid parameters; None where there is no file to read."""
        return {coin: self._valid_until(coin) for coin in self.coins}

    def _read(self) -> None:
        try:
            changed_ns = self._path.stat().st_mtime_ns
            if changed_ns == self._changed_ns:
                return
            state = read_state(self._path)
        except (OSError, MalformedMessage):
            return  # no newer word of the bot: its silence grows
        self._changed_ns = changed_ns
        if isinstance(state, BotState):
            self._state = state

    def _valid_until(self, coin: str) -> int | None:
        path = self._parameters / f"{coin}.json"
        try:
            changed_ns = path.stat().st_mtime_ns
            known = self._valid.get(coin)
            if known is None or known[0] != changed_ns:
                known = self._valid[coin] = (changed_ns, int(json.loads(path.read_bytes())["valid_until_ms"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return known[1]
