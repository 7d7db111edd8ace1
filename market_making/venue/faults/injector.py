"""The seeded decision which requests, messages and moments a schedule strikes.

Every draw depends on the seed, the place of the fault in its schedule, and how many occasions that fault has covered
before: other traffic changes nothing, so the same requests meet the same faults however they interleave with others.
"""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from market_making.venue.faults.course import UNDISTURBED, Course
from market_making.venue.faults.document import Faults
from market_making.venue.faults.effects import Clock
from market_making.venue.faults.fault import Fault, Occasion, Target


class Moment(NamedTuple):
    """A happening that is due; `chance` draws what its fault leaves open."""

    fault: Fault
    chance: Random


@dataclass(slots=True)
class _Progress:
    """How often one fault was met and has struck; `next_s` is when a happening is due."""

    covered: int = 0
    struck: int = 0
    orders: dict[int, bool] = field(default_factory=dict)
    next_s: float | None = None


class Injector:
    """One schedule in force.

    Parameters
    ----------
    faults : Faults
        The schedule.
    seed : int
        Seed of its draws.
    start_s : float
        When its times begin to count, on the clock of the calls [s].
    """

    def __init__(self, faults: Faults, seed: int, start_s: float) -> None:
        self.faults = faults
        self.seed = seed
        self._start_s = start_s
        self._progress = [_Progress() for _ in faults.faults]
        for number, fault in enumerate(faults.faults):
            if fault.where.target is Target.VENUE and not isinstance(fault.effect, Clock):
                self._progress[number].next_s = fault.when.from_s + self._gap(number, fault, first=True)

    @property
    def struck(self) -> list[int]:
        """How often each fault of the schedule has struck."""
        return [progress.struck for progress in self._progress]

    def strike(self, occasion: Occasion, now_s: float) -> list[Fault]:
        """The faults that strike a request or a message, in the order of the schedule."""
        return [
            fault
            for number, fault in enumerate(self.faults.faults)
            if fault.where.covers(occasion) and self._strikes(number, fault, occasion, now_s - self._start_s)
        ]

    def due(self, now_s: float) -> list[Moment]:
        """The happenings that are due and have not been handed out yet."""
        since_s, moments = now_s - self._start_s, []
        for number, fault in enumerate(self.faults.faults):
            progress = self._progress[number]
            while progress.next_s is not None and progress.next_s <= since_s:
                at_s, progress.covered = progress.next_s, progress.covered + 1
                progress.next_s = None if fault.when.every_s is None else at_s + self._gap(number, fault)
                if fault.when.is_within(at_s) and self._is_drawn(number, fault, progress.covered):
                    moments.append(Moment(fault, self._chance(number, f"what {progress.covered}")))
        return moments

    def offset_ms(self, now_s: float) -> int:
        """How far the exchange's clock is ahead now [ms]."""
        since_s = now_s - self._start_s
        clocks = ((fault.effect, fault.when) for fault in self.faults.faults)
        return sum(effect.offset_ms for effect, when in clocks if isinstance(effect, Clock) and when.is_within(since_s))

    def _strikes(self, number: int, fault: Fault, occasion: Occasion, since_s: float) -> bool:
        if not fault.when.is_within(since_s):
            return False
        progress = self._progress[number]
        if fault.when.per_order and len(occasion.oids) == 1:
            (oid,) = occasion.oids
            if oid not in progress.orders:
                progress.covered += 1
                progress.orders[oid] = self._is_drawn(number, fault, progress.covered)
            return progress.orders[oid]
        progress.covered += 1
        return self._is_drawn(number, fault, progress.covered)

    def _is_drawn(self, number: int, fault: Fault, covered: int) -> bool:
        progress, when = self._progress[number], fault.when
        if covered <= when.skip or (when.times is not None and progress.struck >= when.times):
            return False
        if when.probability < 1 and self._chance(number, str(covered)).random() >= when.probability:
            return False
        progress.struck += 1
        return True

    def _gap(self, number: int, fault: Fault, *, first: bool = False) -> float:
        """Time until the next happening [s]; the first of a single one comes at once."""
        if fault.when.every_s is None:
            return 0.0
        covered = 0 if first else self._progress[number].covered
        return self._chance(number, f"gap {covered}").expovariate(1 / fault.when.every_s)

    def _chance(self, number: int, purpose: str) -> Random:
        # Not for secrets: a text as the seed gives the same draws in every process.
        return Random(f"{self.seed} {number} {purpose}")  # noqa: S311


def bent(faults: list[Fault]) -> Course:
    """The course of a request that these faults have struck."""
    course = UNDISTURBED
    for fault in faults:
        bend = getattr(fault.effect, "bend", None)
        course = course if bend is None else bend(course)
    return course
