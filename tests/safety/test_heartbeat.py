"""Silence is what the reader has seen of it: no clock that is set, and no pause of its own, makes any."""

from hypothesis import given
from hypothesis import strategies as st

from market_making.safety.heartbeat import LONGEST_STEP_S, Heartbeats

steps = st.lists(
    st.tuples(st.integers(0, 400).map(lambda n: n / 4), st.booleans(), st.floats(-1e6, 1e6)), min_size=1, max_size=50
)


@given(steps)
def test_silence_is_the_sum_of_the_readers_short_steps_since_the_last_stamp(steps):
    """Whatever the programs' clock says after the first look."""
    beats, stamp, now_s, expected = Heartbeats(), 0, 0.0, 0.0
    beats.look("bot", stamp, 0.0, now_s)
    for step, is_new, age_s in steps:
        now_s += step
        stamp += is_new
        expected = 0.0 if is_new else expected + min(step, LONGEST_STEP_S)
        assert beats.look("bot", stamp, age_s, now_s) == expected


def test_the_age_of_what_was_there_before_counts_and_programs_are_apart():
    """A reader that starts beside a dead program knows at once; one from the future is no older than new."""
    beats = Heartbeats()
    assert beats.look("dead", 1, 60.0, 0.0) == 60.0
    assert beats.look("ahead", 1, -45.0, 0.0) == 0.0
    beats.forget("dead")
    assert beats.look("dead", 1, 0.0, 5.0) == 0.0
