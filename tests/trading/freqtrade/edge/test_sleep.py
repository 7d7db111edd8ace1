"""The pause between loops: it ends early at an alarm, never without, and tells that the loop has ended."""

import threading
import time

import pytest
from freqtrade.worker import Worker

from market_making.trading.freqtrade.edge import sleep
from market_making.trading.freqtrade.edge.loop import Loop


@pytest.fixture(autouse=True)
def _stock_sleep():
    yield
    sleep.restore()


def slept_s(seconds):
    began = time.monotonic()
    Worker._sleep(seconds)
    return time.monotonic() - began


def test_an_alarm_ends_the_pause_or_the_next_one():
    """It may ring while the bot sleeps or while it works; once is once."""
    alarm = sleep.Alarm()
    sleep.Sleep(Loop(), alarm)
    assert slept_s(0.1) >= 0.1
    threading.Timer(0.05, alarm.ring).start()
    assert 0.04 <= slept_s(2.0) < 1.0
    alarm.ring()
    assert slept_s(2.0) < 1.0
    assert slept_s(0.1) >= 0.1


def test_a_bot_that_is_rung_at_all_the_time_still_sleeps():
    """Else it would do nothing but loop."""
    alarm = sleep.Alarm()
    sleep.Sleep(Loop(), alarm)
    alarm.ring()
    assert slept_s(1.0) >= 0.02


@pytest.mark.parametrize("alarm", [None, sleep.Alarm()])
def test_the_loop_has_ended_when_the_bot_sleeps(alarm):
    """Whatever is kept within a loop is forgotten, and who waits for its end is called."""
    loop, ended = Loop(), []
    loop.on_end(lambda: ended.append(loop.is_running))
    sleep.Sleep(loop, alarm)
    with loop.planning():
        assert loop.is_running
        assert loop.is_planning
    assert not loop.is_planning
    Worker._sleep(0.0)
    assert ended == [False]


@pytest.mark.parametrize("alarm", [None, sleep.Alarm()])
def test_who_waits_for_the_end_of_a_pause_is_called_before_freqtrade_goes_on(alarm):
    """Not within a loop: that has not begun."""
    loop, heard = Loop(), []
    loop.on_end(lambda: heard.append("ended"))
    loop.on_wake(lambda: heard.append(loop.is_running))
    sleep.Sleep(loop, alarm)
    Worker._sleep(0.0)
    assert heard == ["ended", False]


def test_restored_it_is_freqtrades_own():
    """After a bot that had it, in the same process."""
    sleep.Sleep(Loop())
    sleep.restore()
    assert Worker._sleep is sleep._STOCK
