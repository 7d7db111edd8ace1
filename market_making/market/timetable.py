"""Periodic work at the multiples of its period, by the package `schedule` and a clock that may jump.

`schedule` itself counts from the end of the last run, so its jobs drift; it reads the local time of the machine, so in
autumn they rest for an hour; and after a clock was put back it waits until the old time comes again. Here a job is due
at the multiples of its period in Unix time, and every look at the clock finds a due time within one period of now.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from schedule import Job, Scheduler

Clock = Callable[[], float]


class Timetable(Scheduler):
    """Jobs and when they are due; somebody has to call `run_pending` after each `wait_s`.

    Parameters
    ----------
    clock : callable
        Unix time [s].
    """

    def __init__(self, clock: Clock = time.time) -> None:
        super().__init__()
        self.clock = clock

    def every(self, interval: float = 1) -> "AlignedJob":
        """Return a new job that is due at the multiples of `interval` [s], once it is told what to `do`."""
        return AlignedJob(interval, self)

    def run_pending(self) -> None:
        """Run every job that is due, each once, however often it was due; the first due runs first."""
        self._follow_clock()
        super().run_pending()

    def run_all(self, delay_seconds: int = 0) -> None:
        """Run every job now, in the order in which they were added."""
        self._follow_clock()
        super().run_all(delay_seconds)

    @property
    def wait_s(self) -> float:
        """How long nothing is due [s]; never longer than the longest period, whatever the clock does."""
        now_s = self.clock()
        return min((job.wait_s(now_s) for job in self._aligned()), default=0.0)

    def _follow_clock(self) -> None:
        for job in self._aligned():
            job.follow_clock()

    def _aligned(self) -> "list[AlignedJob]":
        return [job for job in self.jobs if isinstance(job, AlignedJob)]


class AlignedJob(Job):
    """A job of a `Timetable`.

    `due_ms` is the multiple of the period that the next run is for [Unix ms]; in a run, the one that it is for.
    """

    scheduler: Timetable

    def __init__(self, period_s: float, timetable: Timetable) -> None:
        super().__init__(max(1, round(period_s)), timetable)
        self.unit = "seconds"
        self.due_ms = 0
        self._period_ms = round(period_s * 1e3)
        self._lead_s: Callable[[], float] = lambda: 0.0

    def ahead(self, lead_s: Callable[[], float]) -> "AlignedJob":
        """Run this long before each multiple [s]; it is asked for after each run and taken as a period at most."""
        self._lead_s = lead_s
        return self

    @property
    def should_run(self) -> bool:
        """Whether it is due."""
        return self._now_ms() >= self._next_ms

    def follow_clock(self) -> None:
        """Be due within a period of now: earlier if the clock was put back, and once if many runs were missed."""
        now_ms = self._now_ms()
        if self._next_ms > now_ms + self._period_ms:
            self.due_ms = 0
            self._schedule_next_run()
        elif self._next_ms <= now_ms - self._period_ms:
            lead_ms = self._lead_ms()
            self._be_due((now_ms + lead_ms) // self._period_ms * self._period_ms, lead_ms)

    def wait_s(self, now_s: float) -> float:
        """How long it is not due [s]."""
        return min(max(0.0, self._next_ms / 1e3 - now_s), self._period_ms / 1e3)

    def _schedule_next_run(self) -> None:
        """Be due at the next multiple, and not again for the one it was just run for."""
        last_ms = self._now_ms() // self._period_ms * self._period_ms
        self._be_due(max(self.due_ms, last_ms) + self._period_ms, self._lead_ms())

    def _be_due(self, due_ms: int, lead_ms: int) -> None:
        self.due_ms = due_ms
        self._next_ms = due_ms - lead_ms
        self.next_run = datetime.fromtimestamp(self._next_ms / 1e3, UTC)

    def _lead_ms(self) -> int:
        return min(round(self._lead_s() * 1e3), self._period_ms)

    def _now_ms(self) -> int:
        return round(self.scheduler.clock() * 1e3)
