"""How the demo makes do with a short recording."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import NotEnoughData
from market_making.ops.demo.schedule import STARTUP_S, WIND_DOWN_S, Schedule

SPENT_S = STARTUP_S + WIND_DOWN_S


@given(st.floats(0, 90), st.floats(0.1, 30))
def test_no_more_is_used_than_there_is(minutes_recorded, minutes):
    """Past, start, trading and winding down fit into the recording, or it is refused."""
    try:
        plan = Schedule.of_recording(60 * minutes_recorded, minutes, "it")
    except NotEnoughData:
        assert minutes_recorded < 2 + min(minutes, 1)
        return
    assert plan.past_s + plan.live_s <= 60 * minutes_recorded + 1e-6
    assert 60 - 1e-6 <= plan.past_s <= 1800 + 1e-6
    assert 60 - 1e-6 <= plan.startup_s + plan.wind_down_s <= SPENT_S + 1e-6
    assert plan.minutes >= min(minutes, 1) - 1e-9
    assert plan.minutes <= minutes
    assert plan.minimum_exposure_s < plan.past_s
    assert bool(plan.shortened) == (plan.minutes < minutes - 1e-9 or plan.past_s < 600 - 1e-9)


def test_a_long_recording_is_used_as_a_market_without_end_is():
    """An hour is enough for everything."""
    assert Schedule.of_recording(3600, 4, "it") == Schedule(4)


@pytest.mark.parametrize(
    ("recorded", "traded", "past"),
    [(20, 4, 13.25), (16, 3.25, 10), (13.75, 1, 10), (10, 1, 6.25), (8.75, 1, 5), (5, 1, 1.25), (4, 1, 1), (3, 1, 1)],
)
def test_first_the_past_gives_way_then_trading_then_the_past_again(recorded, traded, past):
    """Minutes of four minutes of trading that were asked for."""
    plan = Schedule.of_recording(60 * recorded, 4, "it")
    assert (plan.minutes, plan.past_s / 60) == (pytest.approx(traded), pytest.approx(past))


def test_too_short_a_recording_is_refused_with_what_there_is_and_what_is_needed():
    """At once, and with the sum."""
    with pytest.raises(NotEnoughData) as caught:
        Schedule.of_recording(120, 4, "ROOT: ETH")
    assert str(caught.value) == (
        "ROOT: ETH has 2.0 unbroken minutes, the demo needs 3.0: 1 to calibrate from, 1 to trade, "
        "1 to start and to wind down"
    )
