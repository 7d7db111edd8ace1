"""Jobs run at the multiples of their period, each once, whatever the clock does."""

import os
import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some
from schedule import CancelJob

from market_making.market.timetable import Timetable

START = 1_700_000_000.0


class Clock:
    """A clock that somebody else moves."""

    def __init__(self, now_s: float = START) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def follow(timetable: Timetable, clock: Clock, seconds: float) -> None:
    """Live through a time as a program does: run what is due, wait until something is."""
    end_s = clock.now_s + seconds
    while clock.now_s < end_s:
        timetable.run_pending()
        clock.now_s += max(timetable.wait_s, 1e-3)


@pytest.mark.parametrize(("period_s", "takes_s"), [(15.0, 0.0), (15.0, 4.9), (0.25, 0.1), (7.0, 6.5), (3600.0, 1.0)])
def test_a_job_is_due_at_the_multiples_of_its_period_and_does_not_drift(period_s, takes_s):
    """However long each run takes, a thousand of them are at a thousand multiples."""
    clock, due = Clock(), []
    timetable = Timetable(clock)

    def work():
        due.append(job.due_ms)
        clock.now_s += takes_s

    job = timetable.every(period_s).seconds.do(work)
    follow(timetable, clock, 1000 * period_s)
    assert 999 <= len(due) <= 1001
    assert due[0] == (START // period_s + 1) * period_s * 1e3
    assert {later - sooner for sooner, later in pairwise(due)} == {period_s * 1e3}


@given(some.lists(some.tuples(some.floats(0.1, 200), some.floats(-90_000, 90_000)), min_size=1, max_size=8))
def test_a_clock_that_jumps_costs_a_period_at_most(jumps):
    """After each jump the job runs within a period of the new time, for a multiple that is near, and never twice."""
    clock, runs = Clock(), []
    timetable = Timetable(clock)
    job = timetable.every(15).seconds.do(lambda: runs.append((clock.now_s, job.due_ms / 1e3)))
    for lasting_s, jump_s in jumps:
        follow(timetable, clock, lasting_s)
        clock.now_s += jump_s
        runs.clear()
        jumped_s = clock.now_s
        follow(timetable, clock, 31)
        assert len(runs) >= 2
        assert runs[0][0] <= jumped_s + 15.01
        assert all(-0.01 < now_s - due_s < 15 for now_s, due_s in runs)
        assert len({due_s for _, due_s in runs}) == len(runs)


def test_what_was_missed_is_run_once():
    """A machine that slept for a day does not catch up on 5760 calibrations."""
    clock, runs = Clock(), []
    timetable = Timetable(clock)
    timetable.every(15).seconds.do(lambda: runs.append(clock.now_s))
    clock.now_s += 86_400
    timetable.run_pending()
    timetable.run_pending()
    assert len(runs) == 1


@pytest.mark.parametrize("lead_s", [0.4, 5.0, 14.0, 15.0, 40.0])
@pytest.mark.parametrize("takes", [0.5, 1.0, 1.3])
def test_a_job_that_prepares_another_runs_before_it_for_every_multiple(lead_s, takes):
    """It starts as early as it asks for, at most a period; if it takes longer than that, it starts again at once."""
    clock, prepared, done = Clock(), [], []
    timetable = Timetable(clock)

    def prepare():
        prepared.append((clock.now_s, first.due_ms))
        clock.now_s += takes * min(lead_s, 15.0)

    first = timetable.every(15).seconds.ahead(lambda: lead_s).do(prepare)
    second = timetable.every(15).seconds.do(lambda: done.append(second.due_ms))
    follow(timetable, clock, 600)
    due = [due_ms for _, due_ms in prepared]
    assert due == sorted(set(due))
    late = takes * min(lead_s, 15.0) > 15
    assert {later - sooner for sooner, later in pairwise(due)} <= ({15_000, 30_000} if late else {15_000})
    if not late:
        assert set(done) <= set(due) | {due[-1] + 15_000}
    for now_s, due_ms in prepared[1:]:
        assert due_ms / 1e3 - now_s <= min(lead_s, 15.0) + 0.01


def test_jobs_of_one_time_run_in_the_order_in_which_they_were_added():
    """Calibration before what may wait."""
    clock, runs = Clock(START + 10), []  # a multiple of 30
    timetable = Timetable(clock)
    for name, period_s in (("calibrate", 15), ("merge", 15), ("fee", 30)):
        timetable.every(period_s).seconds.do(runs.append, name)
    clock.now_s += 30
    timetable.run_pending()
    assert runs == ["calibrate", "merge", "fee"]


def test_a_job_can_end_itself():
    """What was asked for again until it was answered is not asked for any more."""
    clock, answers = Clock(), iter([None, None, CancelJob])
    timetable = Timetable(clock)
    timetable.every(60).seconds.do(lambda: next(answers))
    follow(timetable, clock, 1000)
    assert timetable.jobs == []
    assert timetable.wait_s == 0.0


def test_summer_time_ends_without_a_rest(monkeypatch):
    """The local time of the machine has no part in it: at 03:00 in October it is 02:00 again."""
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        clock, runs = Clock(1_761_440_390.0), []  # ten seconds before
        timetable = Timetable(clock)
        timetable.every(15).seconds.do(lambda: runs.append(clock.now_s))
        follow(timetable, clock, 120)
        assert len(runs) == 8
    finally:
        if before is None:
            monkeypatch.delenv("TZ")
        else:
            monkeypatch.setenv("TZ", before)
        time.tzset()


def test_a_program_by_the_real_clock_neither_spins_nor_sleeps_through():
    """Twenty multiples of 20 ms are met within a few looks each."""
    timetable, runs, looks = Timetable(), [], 0
    timetable.every(0.02).seconds.do(lambda: runs.append(time.time()))
    end_s = time.time() + 0.4
    while time.time() < end_s:
        looks += 1
        timetable.run_pending()
        time.sleep(timetable.wait_s)
    assert 10 <= len(runs) <= 21
    assert looks <= 3 * len(runs) + 3


def test_random_lives_meet_every_multiple_once():
    """Many jobs of random periods and durations, in one program that is never late: none is missed, none run twice."""
    rng = random.Random(3)
    clock = Clock()
    timetable = Timetable(clock)
    seen: dict[float, list[int]] = {}
    for period_s in (1.0, 2.5, 15.0, 60.0):
        runs = seen.setdefault(period_s, [])
        job = timetable.every(period_s)
        job.seconds.do(lambda job=job, runs=runs: runs.append(job.due_ms))
    end_s = START + 3600
    while clock.now_s < end_s:
        timetable.run_pending()
        clock.now_s += timetable.wait_s + rng.random() * 0.4
    for period_s, runs in seen.items():
        assert runs == list(range(runs[0], runs[-1] + 1, round(period_s * 1e3)))
        assert abs(len(runs) - 3600 / period_s) <= 1
