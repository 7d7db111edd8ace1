"""A row of the table of notices: what is tested, how grave it is, what is said, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from market_making.safety.findings import Finding, Test
from market_making.safety.state_file import ActiveNotice

SOON_MS = 3_000  # "at once": longer than one request that goes wrong
LATER_MS = 30_000


class Severity(StrEnum):
    """How grave a notice is: to be known, to be looked at, to be acted on now."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"

    @property
    def rank(self) -> int:
        """The graver, the higher."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Condition:
    """One row of the table.

    Parameters
    ----------
    name : str
        Stable identifier.
    severity : Severity
        Of a finding that is not grave; a grave one is an alarm.
    test : Test
        Yields the findings of one document.
    sentence, over : str
        What is said when it begins, and when it is over.
    remedy : str
        What to do.
    kind : str
        Of the documents that are tested: bot, collector, calibrator or guard.
    after_ms : int
        How long it must last before it is said; a grave one `SOON_MS` at most.
    topic : str
        Conditions of one topic are one trouble: while another of them lasts, none is over.
    by_reader : bool
        Whether a reader of the state files tests it; the program itself tests the others.
    """

    name: str
    severity: Severity
    test: Test
    sentence: str
    over: str
    remedy: str
    kind: str = "bot"
    after_ms: int = 0
    topic: str = ""
    by_reader: bool = False

    def severity_of(self, finding: Finding) -> Severity:
        """How grave one finding is."""
        return Severity.ALARM if finding.grave else self.severity

    def holds_after_ms(self, finding: Finding) -> int:
        """How long a finding must last before it is said [ms]."""
        return min(self.after_ms, SOON_MS) if finding.grave else self.after_ms

    def notice(self, finding: Finding, since_ms: int) -> ActiveNotice:
        """The finding in words."""
        return ActiveNotice(
            name=self.name,
            severity=self.severity_of(finding).value,
            since_ms=since_ms,
            text=filled(self.sentence, finding.figures),
            remedy=filled(self.remedy, finding.figures),
            pair=finding.subject,
        )


class _Unfilled(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return key.upper()


def filled(template: str, figures: Mapping[str, str | float]) -> str:
    """Fill a sentence with figures; without one its name stands there, as on a page of all conditions."""
    return template.format_map(_Unfilled(figures))
