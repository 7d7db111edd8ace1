"""One odd answer is no loss, a lasting one is, and what fills explain is believed at once."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.trading.plausible_value import PERSISTS_MS, READINGS, PlausibleCash

SCALE = 300.0


def cash(start=1000.0):
    """With a first reading."""
    watched = PlausibleCash(SCALE)
    assert watched.read(start, 0.0, 0)
    return watched


@pytest.mark.parametrize("odd", [0.0, -1.0, nan, inf, 500.0, 2000.0])
def test_one_odd_answer_is_not_believed_and_forgotten(odd):
    """Nothing changes by it, and the next good answer is believed."""
    watched = cash()
    assert not watched.read(odd, 0.0, 1_000)
    assert watched.believed == 1000.0
    assert watched.read(999.9, 0.0, 2_000)


@pytest.mark.parametrize("lasting", [0.0, 500.0, 2000.0])
def test_what_persists_is_believed(lasting):
    """After enough readings over enough time, not before."""
    watched = cash()
    times = [round(PERSISTS_MS * step / READINGS) for step in range(READINGS + 1)]
    assert [watched.read(lasting, 0.0, 1_000 + time_ms) for time_ms in times] == [False] * READINGS + [True]
    assert watched.believed == lasting


@pytest.mark.parametrize("odd", [nan, inf, -5.0])
def test_what_is_no_value_is_never_believed(odd):
    """However long it lasts."""
    watched = cash()
    assert not any(watched.read(odd, 0.0, time_ms) for time_ms in range(0, 10 * PERSISTS_MS, 1_000))


def test_a_first_answer_of_zero_must_persist():
    """An empty account is one that stays empty."""
    watched = PlausibleCash(SCALE)
    assert not watched.read(0.0, 0.0, 0)
    assert watched.believed is None
    assert watched.read(1000.0, 0.0, 1_000)


@given(st.lists(st.tuples(st.floats(-300, 300), st.floats(-0.09, 0.09), st.floats(-5, 5)), max_size=30))
def test_what_fills_and_fees_explain_is_believed_at_once(steps):
    """A position that changes by a value realises at most a tenth of it, and fees are small."""
    watched, money, position, now_ms = cash(), 1000.0, 0.0, 0
    for target, gain, fee in steps:
        money += gain * abs(target - position) - fee
        position, now_ms = target, now_ms + 1_000
        assert watched.read(money, position, now_ms)
