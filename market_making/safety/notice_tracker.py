"""When a notice is said: once when it begins, again with back-off while it lasts, once when it is over.

A finding must last as long as its condition asks before it is said, and be gone for `SETTLED_MS` before it is over, so
that one loop without it is no recovery. What comes back soon after it was over is not said each time: between two
sayings of one notice lie the waits of `AGAIN_MS`, which begin anew after `FORGOTTEN_MS` without it. A notice that
becomes an alarm is said at once. Whoever looks sees every notice in force, said or not, in `active`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from market_making.safety.condition import Severity, filled
from market_making.safety.findings import seconds
from market_making.safety.notices import Sighting
from market_making.safety.state_file import ActiveNotice

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
# Waits between two sayings; the last holds from then on. Empty: it is said once.
AGAIN_MS: dict[Severity, tuple[int, ...]] = {
    Severity.INFO: (),
    Severity.WARNING: (10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS),
    Severity.ALARM: (2 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS),
}
SETTLED_MS = 5_000
FORGOTTEN_MS = HOUR_MS


class Telling(StrEnum):
    """Why something is said."""

    BEGAN = "began"
    AGAIN = "again"
    OVER = "over"


class Announcement(NamedTuple):
    """Something to be said now: the notice as it is or was, and in which words."""

    telling: Telling
    notice: ActiveNotice
    text: str


@dataclass
class _Course:
    """One notice over time.

    `notice` is there while it is in force. `said` counts the sayings since it was last forgotten, `said_ms` is the last
    of them and `said_as` the gravest; `is_told` says that the present episode was said.
    """

    since_ms: int
    seen_ms: int
    notice: ActiveNotice | None = None
    said: int = 0
    said_ms: int = 0
    said_as: Severity = Severity.INFO
    is_told: bool = False

    def must_be_said(self, severity: Severity, now_ms: int) -> bool:
        """Whether it was never said, has become worse, or its wait is over."""
        if not self.said or severity.rank > self.said_as.rank:
            return True
        waits = AGAIN_MS[severity]
        return bool(waits) and now_ms - self.said_ms >= waits[min(self.said, len(waits)) - 1]


@dataclass
class _Trouble:
    """What was said of one topic of one subject, until none of its conditions is seen any more."""

    since_ms: int
    seen_ms: int
    last: Sighting
    notice: ActiveNotice


class NoticeTracker:
    """Notices of one program. It has no clock: times are those of the findings."""

    def __init__(self) -> None:
        self._courses: dict[tuple[str, str | None], _Course] = {}
        self._troubles: dict[tuple[str, str | None], _Trouble] = {}
        self._updated_ms = 0  # before this update

    @property
    def active(self) -> tuple[ActiveNotice, ...]:
        """All notices in force, the gravest first, then the oldest."""
        notices = [course.notice for course in self._courses.values() if course.notice is not None]
        return tuple(sorted(notices, key=lambda notice: (-Severity(notice.severity).rank, notice.since_ms)))

    def update(self, seen: Iterable[Sighting], now_ms: int) -> list[Announcement]:
        """Take what is found now, and return what is to be said."""
        said = []
        for sighting in seen:
            said += self._see(sighting, now_ms)
        self._settle(now_ms)
        self._updated_ms = now_ms
        return said + self._end(now_ms)

    def _see(self, sighting: Sighting, now_ms: int) -> list[Announcement]:
        condition, finding = sighting
        course, trouble = self._course(sighting, now_ms), self._troubles.get(sighting.topic)
        if trouble is not None:
            trouble.seen_ms = now_ms
        if course.notice is None and now_ms - course.since_ms < condition.holds_after_ms(finding):
            return []
        notice = course.notice = condition.notice(finding, course.since_ms)
        severity = condition.severity_of(finding)
        if not course.must_be_said(severity, now_ms):
            return []
        is_worse = severity.rank > course.said_as.rank
        telling = Telling.AGAIN if course.is_told and not is_worse else Telling.BEGAN
        course.said, course.said_ms, course.is_told = 1 if is_worse else course.said + 1, now_ms, True
        course.said_as = severity if is_worse else course.said_as
        since_ms = course.since_ms if trouble is None else trouble.since_ms
        self._troubles[sighting.topic] = _Trouble(since_ms, now_ms, sighting, notice)
        lasting = f" It has lasted {seconds(now_ms - course.since_ms)}." if telling is Telling.AGAIN else ""
        return [Announcement(telling, notice, notice.text + lasting)]

    def _course(self, sighting: Sighting, now_ms: int) -> _Course:
        """The course of a finding, begun anew where it was over."""
        condition, finding = sighting
        began_ms = now_ms if finding.since_ms is None else finding.since_ms
        course = self._courses.setdefault((condition.name, finding.subject), _Course(began_ms, now_ms))
        # A loop may take longer than it takes to be over: who was seen in the last one was never gone.
        was_gone = course.seen_ms < self._updated_ms and now_ms - course.seen_ms > SETTLED_MS
        if course.notice is None and (finding.since_ms is not None or was_gone):
            course.since_ms = began_ms
        course.seen_ms = now_ms
        return course

    def _settle(self, now_ms: int) -> None:
        """Drop what is no longer in force, and forget what was over long ago or never began."""
        for key, course in list(self._courses.items()):
            gone_ms = now_ms - course.seen_ms
            if gone_ms >= SETTLED_MS:
                course.notice, course.is_told = None, False
            if course.notice is None and gone_ms and (not course.said or gone_ms >= FORGOTTEN_MS):
                del self._courses[key]

    def _end(self, now_ms: int) -> list[Announcement]:
        """Say what is over: no condition of its topic is seen any more."""
        said = []
        for topic, trouble in list(self._troubles.items()):
            if now_ms - trouble.seen_ms >= SETTLED_MS:
                del self._troubles[topic]
                over = filled(trouble.last.condition.over, trouble.last.finding.figures)
                lasting_ms = trouble.seen_ms - trouble.since_ms
                lasted = f" It lasted {seconds(lasting_ms)}." if lasting_ms else ""  # it was seen only once
                said.append(Announcement(Telling.OVER, trouble.notice, over + lasted))
        return said
