"""All programs of a machine at one moment, from their state files: who runs, who is missing, what is the matter."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from market_making.safety.condition import Severity
from market_making.safety.findings import SILENT_MS, seconds
from market_making.safety.kill_switch import Kill, read_kill
from market_making.safety.notices import State, seen_by_reader
from market_making.safety.standing import Standing, read_standing
from market_making.safety.state_file import ActiveNotice, BotState, SidecarState, read_states

_KINDS = {"collector": "the recorder", "calibrator": "the calibrator"}


class Said(NamedTuple):
    """A notice, and the program whose state shows it."""

    source: str
    notice: ActiveNotice


class Missing(NamedTuple):
    """A program that does not run: what is known of it, and the command that starts it."""

    program: str
    text: str
    command: str


class Commands(NamedTuple):
    """What starts each program."""

    collector: str = "mm collect"
    calibrator: str = "mm calibrate"
    bot: str = "freqtrade trade --strategy MarketMaking -c user_data/config.json"


_USUAL = Commands()


@dataclass(frozen=True)
class Overview:
    """What the state files of a folder say.

    Parameters
    ----------
    now_ms : int
        When they were read [ms].
    bots : tuple[BotState, ...]
        Also those that have ended, by name.
    sidecars : tuple[SidecarState, ...]
        Collectors, calibrators and the guard, of all venues.
    notices : tuple[Said, ...]
        In force, the gravest first, then the oldest.
    missing : tuple[Missing, ...]
        Programs without which nothing is quoted.
    kill : Kill or None
        The kill switch, if it is on.
    """

    now_ms: int
    bots: tuple[BotState, ...]
    sidecars: tuple[SidecarState, ...]
    notices: tuple[Said, ...]
    missing: tuple[Missing, ...]
    kill: Kill | None = None

    @property
    def has_alarm(self) -> bool:
        """Whether one of the notices is an alarm."""
        return any(said.notice.severity == Severity.ALARM for said in self.notices)

    @property
    def runs(self) -> bool:
        """Whether any program has not ended."""
        return not (all(bot.stopped for bot in self.bots) and all(sidecar.stopped for sidecar in self.sidecars))

    def sidecar(self, kind: str, venue: str) -> SidecarState | None:
        """The last state of the collector or calibrator of a venue."""
        return next((state for state in self.sidecars if (state.kind, state.venue) == (kind, venue)), None)


def look(folder: Path, venue: str, now_ms: int, commands: Commands = _USUAL) -> Overview:
    """Read the state files of a folder; what is missing is reported for one venue."""
    states = (_as_told(folder, state, now_ms) for state in read_states(folder))
    return overview(states, venue, now_ms, read_kill(folder), commands)


def overview(
    states: Iterable[State], venue: str, now_ms: int, kill: Kill | None = None, commands: Commands = _USUAL
) -> Overview:
    """Put the states of all programs side by side."""
    known = list(states)
    bots = tuple(state for state in known if isinstance(state, BotState))
    sidecars = tuple(state for state in known if isinstance(state, SidecarState))
    said = [Said(name_of(state), notice) for state in known for notice in seen_by_reader(state, now_ms)]
    said.sort(key=lambda one: (-Severity(one.notice.severity).rank, one.notice.since_ms, one.source))
    missing = (*_missing_sidecars(sidecars, venue, now_ms, commands), *_missing_bots(bots, now_ms, commands.bot))
    return Overview(now_ms, bots, sidecars, tuple(said), missing, kill)


def _as_told(folder: Path, state: State, now_ms: int) -> State:
    """A bot that is silent because somebody has stopped it has ended in order: it writes nothing meanwhile."""
    is_silent = isinstance(state, BotState) and now_ms - state.written_ms > SILENT_MS
    if is_silent and read_standing(folder, name_of(state)) is Standing.STOPPED:
        return replace(state, stopped=True)
    return state


def name_of(state: State) -> str:
    """What a program is called."""
    return state.bot if isinstance(state, BotState) else state.name


def _missing_sidecars(
    sidecars: Iterable[SidecarState], venue: str, now_ms: int, commands: Commands
) -> Iterator[Missing]:
    for kind, name in _KINDS.items():
        command = getattr(commands, kind)
        last = next((state for state in sidecars if (state.kind, state.venue) == (kind, venue)), None)
        if last is None:
            yield Missing(kind, f"{name} of {venue} has not run here", command)
        elif last.stopped:
            yield Missing(kind, f"{name} of {venue} was stopped {seconds(now_ms - last.written_ms)} ago", command)


def _missing_bots(bots: tuple[BotState, ...], now_ms: int, command: str) -> Iterator[Missing]:
    if not bots:
        yield Missing("bot", "no bot has run here", command)
    elif all(bot.stopped for bot in bots):
        last = max(bots, key=lambda bot: bot.written_ms)
        text = f"no bot runs; {last.bot} was stopped {seconds(now_ms - last.written_ms)} ago"
        yield Missing("bot", text, command)
