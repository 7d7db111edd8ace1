"""The table of conditions a person must know of, and what it finds in state files.

The bot's log and messages, `mm status`, metrics, alert rules and the page of troubles are made from it, so a name is
never changed. Sentences and remedies are filled with the figures of a finding.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from market_making.safety.condition import Condition, Severity
from market_making.safety.conditions.bot import BOT, RISK
from market_making.safety.conditions.quoting import QUOTING
from market_making.safety.conditions.readers import READ
from market_making.safety.findings import Finding
from market_making.safety.state_file import ActiveNotice, BotState, SidecarState

State = BotState | SidecarState

CONDITIONS: tuple[Condition, ...] = (*QUOTING, *RISK, *BOT, *READ)


class Sighting(NamedTuple):
    """A finding and the condition it belongs to."""

    condition: Condition
    finding: Finding

    @property
    def topic(self) -> tuple[str, str | None]:
        """What trouble it is part of, and of which pair or coin."""
        return self.condition.topic or self.condition.name, self.finding.subject


def sightings(state: State, now_ms: int, *, by_reader: bool = False) -> Iterator[Sighting]:
    """What the conditions of a kind of document find in one, those of a reader or those of the program itself."""
    for condition in CONDITIONS:
        if condition.kind == state.kind and condition.by_reader is by_reader:
            for finding in condition.test(state, now_ms):
                yield Sighting(condition, finding)


def seen_by_reader(state: State, now_ms: int) -> Iterator[ActiveNotice]:
    """The notices of one document as a reader has them: what the program says, and what only a reader can see.

    The last word of a program that has ended is no longer in force.
    """
    if not state.stopped:
        yield from state.notices
    for condition, finding in sightings(state, now_ms, by_reader=True):
        yield condition.notice(finding, now_ms if finding.since_ms is None else finding.since_ms)


def is_alarm(notices: Iterable[ActiveNotice]) -> bool:
    """Whether one of them is an alarm."""
    return any(notice.severity == Severity.ALARM for notice in notices)
