"""The bucket of weight: never above the limit in any minute, shared by processes, and alive whatever its file does."""

import fcntl
import math
import os
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from market_making.hyperliquid.shared_bucket import BURST, REFILL, SLOW_REFILL, SharedBucket
from market_making.hyperliquid.weights import PER_MINUTE


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bucket(tmp_path, clock):
    bucket = SharedBucket(tmp_path / "state" / "pace", clock)
    yield bucket
    bucket.close()


@example([(0.0, 20, 0.0)] * 100)
@example([(0.0, 20, math.inf)] * 100)
@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.sampled_from((1, 2, 20, 60)), st.sampled_from((0.0, 80.0, math.inf))),
        min_size=1,
        max_size=300,
    )
)
def test_no_minute_has_more_than_the_limit(tmp_path_factory, steps):
    """Whoever asks as soon as it may, owing or not and in any rhythm, stays below the limit in every 61 seconds."""
    clock, taken = Clock(), []
    bucket = SharedBucket(tmp_path_factory.mktemp("pace") / "pace", clock)
    for pause_s, weight, debt in steps:
        clock.now_s += pause_s
        while wait_s := bucket.take(weight, debt=debt):
            clock.now_s += max(wait_s, 0.002)  # as the pace does: a wait may be less than the clock can tell
        taken.append((clock.now_s, weight))
    bucket.close()
    for begin_s, _ in taken:
        assert sum(weight for at_s, weight in taken if begin_s <= at_s < begin_s + 61) <= PER_MINUTE


def test_a_request_leaves_what_matters_more_its_tokens(bucket):
    """With a floor, a question waits while an action still goes."""
    bucket.charge(BURST - 10)
    assert bucket.take(2, floor=30) == pytest.approx(22 / REFILL)
    assert bucket.take(1) == 0.0


def test_what_may_owe_waits_a_second_after_a_refusal(bucket, clock):
    """So that a client that tries again at once is held back as before."""
    bucket.charge(BURST)
    assert bucket.take(20, debt=80) == 0.0
    assert bucket.take(20) > 0
    bucket.refused()
    assert bucket.take(2, debt=80) > 0
    clock.now_s += 1
    assert bucket.take(2, debt=80) == 0.0
    bucket.refused()
    assert bucket.take(2, debt=80) > 0


@pytest.mark.parametrize("debt", [0, 45, 200])
def test_an_action_waits_a_second_after_a_refusal_however_much_is_owed(bucket, clock, debt):
    """A cancellation must not wait for tokens, whatever statuses and lists have taken before."""
    bucket.charge(BURST + debt)
    bucket.refused()
    assert 0 < bucket.take(1, debt=math.inf) <= 1.0
    clock.now_s += 1.0
    assert bucket.take(1, debt=math.inf) == 0.0


def test_rows_are_owed_and_given_back(bucket):
    """What an answer weighs is only known afterwards."""
    bucket.charge(BURST + 100)
    assert bucket.tokens == pytest.approx(-100)
    bucket.charge(-20)
    assert bucket.tokens == pytest.approx(-80)
    bucket.charge(-1e6)
    assert bucket.tokens == BURST


def test_what_was_asked_already_makes_no_debt_while_the_exchange_asks_for_less(bucket, clock):
    """A bot that starts right after a refusal, and charges its start, would ask for nothing for half a minute."""
    bucket.charge(20)
    bucket.refused()
    bucket.charge(120)
    assert bucket.tokens == 0
    clock.now_s += 2
    bucket.charge(5)
    bucket.charge(-3)
    assert bucket.tokens == pytest.approx(2 * SLOW_REFILL - 2)


def test_after_a_refusal_less_is_asked_and_after_each_further_one_for_longer(bucket, clock):
    """Empty, then a third of the rate for 10, 20, 40 and at most 80 s; forgotten after as long without one."""
    for slow_s in (10, 20, 40, 80, 80):
        bucket.refused()
        assert bucket.tokens <= 0
        assert bucket.take(1) > 0
        clock.now_s += slow_s - 0.1
        assert bucket.is_slow
        clock.now_s += 0.2
        assert not bucket.is_slow
    clock.now_s += 200
    bucket.refused()
    clock.now_s += 10.1
    assert not bucket.is_slow


def test_refusals_of_requests_that_were_on_their_way_count_once(bucket, clock):
    """Ten answers of 429 within a second are one refusal."""
    for _ in range(10):
        clock.now_s += 0.1
        bucket.refused()
    clock.now_s += 10
    assert not bucket.is_slow
    assert bucket.tokens == pytest.approx((10 - 0.9) * SLOW_REFILL + 0.9 * REFILL, abs=0.01)


def test_programs_share_one_bucket(tmp_path):
    """What another process has taken is gone here."""
    path = tmp_path / "pace"
    mine = SharedBucket(path)
    assert mine.take(1) == 0.0
    code = "from pathlib import Path; from market_making.hyperliquid.shared_bucket import SharedBucket as B\n"
    code += f"b = B(Path({str(path)!r})); assert [b.take(20) for _ in range(13)] == [0.0] * 13"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
    assert mine.tokens < BURST - 200
    mine.close()


def test_a_program_that_stands_still_with_the_lock_stops_nobody(bucket, tmp_path):
    """The lock is waited for only for a moment."""
    bucket.take(1)
    with (tmp_path / "state" / "pace").open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert bucket.take(1) == 0.0


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 32])
def test_a_file_that_is_none_counts_as_a_new_one(tmp_path, clock, content):
    """Empty, torn or full of NaN."""
    (tmp_path / "pace").write_bytes(content)
    bucket = SharedBucket(tmp_path / "pace", clock)
    assert bucket.tokens == BURST
    bucket.close()


def test_without_a_file_a_program_keeps_its_own_pace(tmp_path, clock, caplog):
    """A folder that cannot be made: told once, and the limit holds for this program."""
    (tmp_path / "file").write_text("")
    bucket = SharedBucket(tmp_path / "file" / "pace", clock)
    for _ in range(int(BURST // 20)):
        assert bucket.take(20) == 0.0
    assert bucket.take(20) > 0
    assert len(caplog.messages) == 1


def test_after_a_restart_of_the_machine_the_clock_begins_anew(bucket, clock):
    """Tokens of before are not believed, and the bucket fills from now on."""
    bucket.take(1)
    clock.now_s = 5.0
    assert bucket.tokens == 0.0
    clock.now_s = 6.0
    bucket.take(1)
    assert bucket.tokens == pytest.approx(REFILL - 1, abs=16)
