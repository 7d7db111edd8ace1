"""Said once when it begins, again with back-off, once when it is over, and never for a blink."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.reasons import Reason
from market_making.safety.notice_tracker import AGAIN_MS, FORGOTTEN_MS, MINUTE_MS, SETTLED_MS, NoticeTracker, Telling
from market_making.safety.notices import CONDITIONS, Severity, sightings
from tests.safety.test_notices import BOT, NOW_MS, PAIR, bot

SECOND_MS = 1_000
DAY_S = 86_400


class Course:
    """A tracker that is asked once a second what to say about a bot's states."""

    def __init__(self) -> None:
        self.tracker, self.now_ms, self.said = NoticeTracker(), NOW_MS, []

    def lasts(self, state, for_s, *, step_s=1):
        """Let a state last; return what was said: second, kind and name."""
        began, first = len(self.said), self.now_ms
        while self.now_ms < first + for_s * SECOND_MS:
            self.now_ms += step_s * SECOND_MS
            later = replace(state, written_ms=self.now_ms)
            for telling, notice, _ in self.tracker.update(sightings(later, self.now_ms), self.now_ms):
                self.said.append(((self.now_ms - first) // SECOND_MS, telling, notice.name))
        return self.said[began:]

    def without_order(self, reason, for_s, *, coins=0.0, step_s=1):
        """The same for a pair that has no order from now on."""
        since_ms = self.now_ms
        return self.lasts(
            bot(quoting=False, resting=None, reason=reason, coins=coins, since_ms=since_ms), for_s, step_s=step_s
        )


WELL = replace(BOT, pairs=(PAIR,))
STALE, MISSING = Reason.PARAMETERS_STALE, Reason.PARAMETERS_MISSING
SETTLED_S = SETTLED_MS // SECOND_MS


def test_a_pair_without_order_is_told_after_thirty_seconds_and_its_recovery_once():
    """29 s are not told; 30 s are; then silence, and one sentence when it is over."""
    course = Course()
    assert course.without_order(STALE, 29) == []
    assert course.lasts(WELL, 60) == []
    assert course.without_order(STALE, 60) == [(30, Telling.BEGAN, "parameters_stale")]
    assert course.lasts(WELL, 60) == [(SETTLED_S, Telling.OVER, "parameters_stale")]
    assert course.tracker.active == ()


def test_with_a_position_it_is_told_at_once():
    """Three seconds are at once: one request that goes wrong is nothing a person can act on."""
    course = Course()
    assert course.without_order(STALE, 2, coins=0.03) == []
    assert course.lasts(WELL, 10) == []
    assert course.without_order(STALE, 60, coins=0.03) == [(3, Telling.BEGAN, "parameters_stale")]
    assert course.tracker.active[0].severity == "alarm"


def test_a_fill_makes_an_alarm_of_a_warning_at_once():
    """It is said anew, whatever the back-off; the other way round is silent."""
    course = Course()
    state = bot(quoting=False, resting=None, reason=STALE, since_ms=course.now_ms)
    course.lasts(state, 40)
    held = replace(state, pairs=(replace(state.pairs[0], coins=0.03),))
    assert course.lasts(held, 10) == [(1, Telling.BEGAN, "parameters_stale")]
    assert course.lasts(state, 10) == []


@pytest.mark.parametrize("coins", [0.0, 0.03])
def test_what_lasts_is_told_again_with_back_off(coins):
    """The waits are those of the schedule, and the last one holds from then on."""
    course = Course()
    said = course.without_order(STALE, 3 * DAY_S, coins=coins, step_s=30)
    waits = AGAIN_MS[Severity.ALARM if coins else Severity.WARNING]
    assert [kind for _, kind, _ in said] == [Telling.BEGAN] + [Telling.AGAIN] * (len(said) - 1)
    seen = [(later[0] - earlier[0]) * SECOND_MS for earlier, later in pairwise(said)]
    assert seen == [*waits, *[waits[-1]] * (len(seen) - len(waits))]
    assert len(seen) >= len(waits) - 1


def test_another_reason_is_another_notice_and_no_recovery():
    """Not quoted for one reason after another: each is said, and only quoting again is the end."""
    course = Course()
    since_ms = course.now_ms
    first = bot(quoting=False, resting=None, reason=STALE, since_ms=since_ms)
    second = bot(quoting=False, resting=None, reason=MISSING, since_ms=since_ms)
    assert course.lasts(first, 40) == [(30, Telling.BEGAN, "parameters_stale")]
    assert course.lasts(second, 40) == [(1, Telling.BEGAN, "parameters_missing")]
    assert [notice.name for notice in course.tracker.active] == ["parameters_missing"]
    assert course.lasts(WELL, 40) == [(SETTLED_S, Telling.OVER, "parameters_missing")]


def test_the_end_is_told_even_if_the_last_reason_was_too_short_to_be():
    """Whoever was told of the beginning is told of the end."""
    course = Course()
    course.without_order(STALE, 40)
    course.without_order(MISSING, 5)
    assert course.lasts(WELL, 40) == [(SETTLED_S, Telling.OVER, "parameters_stale")]


def test_a_blink_is_neither_a_recovery_nor_a_beginning():
    """Conditions that come and go every other second are one notice."""
    course = Course()
    risky = bot(risk=(Reason.FAST_MOVE,))
    said = [one for _ in range(60) for one in (*course.lasts(risky, 1), *course.lasts(WELL, 1))]
    assert [kind for _, kind, _ in said] == [Telling.BEGAN]


def test_what_comes_back_soon_is_told_with_back_off():
    """A rule that holds for half of every minute for six hours is told a few times, not 360 times twice."""
    course = Course()
    risky = bot(risk=(Reason.FAST_MOVE,))
    for _ in range(360):
        course.lasts(risky, 30)
        course.lasts(WELL, 30)
    told = [said for said in course.said if said[1] is not Telling.OVER]
    assert 2 <= len(told) <= 4
    assert len(course.said) <= 2 * len(told)


def test_after_an_hour_without_it_everything_begins_anew():
    """The first wait holds again."""
    course = Course()
    course.without_order(STALE, 40)
    course.lasts(WELL, FORGOTTEN_MS // SECOND_MS + 10)
    assert course.without_order(STALE, 40) == [(30, Telling.BEGAN, "parameters_stale")]


def test_pairs_are_told_of_separately():
    """One pair's recovery is not the other's."""
    course = Course()
    btc = replace(PAIR, pair="BTC/USDC:USDC", coin="BTC", risk=(Reason.FAST_MOVE,))
    both = replace(BOT, pairs=(replace(PAIR, risk=(Reason.FAST_MOVE,)), btc))
    assert len(course.lasts(both, 5)) == 2
    assert [kind for _, kind, _ in course.lasts(replace(BOT, pairs=(PAIR, btc)), 20)] == [Telling.OVER]
    assert [notice.pair for notice in course.tracker.active] == ["BTC/USDC:USDC"]


@pytest.mark.parametrize("step_s", [1, 6, 9])
def test_what_lasts_is_told_however_long_a_loop_takes(step_s):
    """It was never gone between two loops, even if these are further apart than a recovery takes."""
    course = Course()
    ((at_s, telling, name),) = course.lasts(bot(resting=None), 60, step_s=step_s)
    assert (telling, name) == (Telling.BEGAN, "nothing_rests")
    assert 30 <= at_s <= 30 + 2 * step_s


def test_information_is_told_once():
    """It is no trouble, however long it lasts."""
    course = Course()
    calibration = replace(PAIR.calibration, own_table=True, why="size 50 here, 100 there")
    said = course.lasts(bot(calibration=calibration), 2 * DAY_S, step_s=60)
    assert [kind for _, kind, _ in said] == [Telling.BEGAN]


STATES = [
    WELL,
    *(
        bot(quoting=False, resting=None, reason=reason, coins=coins)
        for reason in (STALE, MISSING)
        for coins in (0, 0.03)
    ),
]
STATES += [bot(risk=(Reason.FAST_MOVE,)), bot(risk=(Reason.FAST_MOVE,), leaving=True, coins=0.03)]


@given(st.lists(st.tuples(st.sampled_from(range(len(STATES))), st.integers(1, 400)), max_size=30))
def test_laws_of_any_course(episodes):
    """Every end follows a beginning, nothing unseen is in force, and the number of sayings is bounded by the waits."""
    course = Course()
    for index, steps in episodes:
        course.lasts(STATES[index], steps, step_s=1 if steps < 60 else 5)
    began = ended = 0
    for _, kind, _name in course.said:
        began, ended = began + (kind is not Telling.OVER), ended + (kind is Telling.OVER)
        assert ended <= began
    course.lasts(WELL, SETTLED_S + 1)
    assert course.tracker.active == ()
    minutes = sum(steps for _, steps in episodes) / 60
    per_notice = 3 + minutes * SECOND_MS * 60 / (2 * MINUTE_MS)
    for name in {condition.name for condition in CONDITIONS}:
        assert sum(said[2] == name and said[1] is not Telling.OVER for said in course.said) <= per_notice
