"""A stop waits for the end of a loop, and is never lost."""

import signal
import threading
import time

import pytest

from market_making.trading.actions.budget import ActionBudget
from market_making.trading.deferred_stop import SIGNALS, DeferredStop
from market_making.trading.desk import Desk


class Stopped(Exception):
    """What the handler that was there before raises."""


@pytest.fixture(autouse=True)
def _handlers():
    def stop(number, frame):
        raise Stopped(number)

    for number in SIGNALS:
        signal.signal(number, stop)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_stop_acts_at_once_before_the_first_loop(number):
    DeferredStop(installed=True)
    with pytest.raises(Stopped):
        signal.raise_signal(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_stop_that_is_held_waits_and_acts_once(number):
    stop = DeferredStop(installed=True, longest_s=0.2)
    stop.hold()
    signal.raise_signal(number)
    with pytest.raises(Stopped):
        stop.release()
    stop.release()
    time.sleep(0.3)  # the timer of the held signal must not act a second time


def test_after_a_release_nothing_is_held():
    stop = DeferredStop(installed=True)
    stop.hold()
    stop.release()
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)


def test_an_impatient_second_signal_is_not_held():
    stop = DeferredStop(installed=True)
    stop.hold()
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGINT)


def test_a_stop_does_not_wait_for_ever():
    """A bot that was told to pause comes to no next loop."""
    stop = DeferredStop(installed=True, longest_s=0.05)
    stop.hold()
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Stopped):
        threading.Event().wait(10)


def test_a_configuration_read_again_does_not_wrap_the_handler_twice():
    first = DeferredStop(installed=True)
    first.hold()
    DeferredStop(installed=True)
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)


def test_an_ignored_signal_stays_ignored():
    """A shell starts its background jobs with Ctrl-C ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    DeferredStop(installed=True)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_installed():
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=lambda: DeferredStop(installed=True))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stop_within_a_loop_acts_at_the_start_of_the_next():
    """Wherever in the loop it arrives: between two lines of Freqtrade's there is no harmless place."""
    desk = Desk(ActionBudget(60), 400, stop=DeferredStop(installed=True))
    desk.clear()
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Stopped):
        desk.clear()
