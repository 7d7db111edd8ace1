"""What a leg tells the other hears at once; nothing old, torn or of the future is believed."""

import threading
from pathlib import Path

import pytest

from market_making.market.errors import DataError, MalformedMessage
from market_making.market.sides import Side
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.legs.leg_file import ANSWERS_WITHIN_MS, LegState, leg_path, publish_leg, read_leg
from market_making.trading.legs.legs import Legs
from market_making.trading.legs.watch import LegWatch

BOTH = (Side.BID, Side.ASK)
BID = Holding(0.1, RestingOrder("1", Side.BID, 3000.0, 0.1, 0.0, 0))


class Clock:
    ms = 1_000_000

    def __call__(self):
        return self.ms


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def long_leg(tmp_path, clock):
    return Legs(tmp_path, "long", clock)


@pytest.fixture
def short_leg(tmp_path, clock):
    return Legs(tmp_path, "short", clock)


def test_each_leg_hears_position_order_rules_and_capital_of_the_other(long_leg, short_leg):
    """Long hears short and the other way round."""
    long_leg.tell("ETH", BID, BOTH, 990.0)
    short_leg.tell("ETH", Holding(-0.2), (Side.BID,), 1010.0)
    assert short_leg.hear("ETH") == LegState(0.1, Side.BID, BOTH, 990.0)
    assert long_leg.hear("ETH") == LegState(-0.2, None, (Side.BID,), 1010.0)
    assert (long_leg.other_equity, short_leg.other_equity) == (1010.0, 990.0)


def test_an_order_is_told_when_it_is_asked_for(long_leg, short_leg):
    """The other leg does not wait for the next loop, neither for an order nor for its end."""
    long_leg.tell("ETH", Holding(0.1), BOTH)
    for side in (Side.ASK, None, Side.BID):
        long_leg.asking("ETH", side)
        assert short_leg.hear("ETH").order is side


def test_a_leg_that_stopped_is_not_believed(long_leg, short_leg, clock):
    """What it told some time ago says nothing about now, and one that ended in order is silent at once."""
    assert short_leg.hear("ETH") is None
    long_leg.tell("ETH", BID, BOTH)
    clock.ms += ANSWERS_WITHIN_MS
    assert short_leg.hear("ETH") is not None
    clock.ms += 1
    assert short_leg.hear("ETH") is None
    long_leg.tell("ETH", BID, BOTH)
    assert short_leg.hear("ETH") is not None
    long_leg.end()
    assert short_leg.hear("ETH") is None


def test_a_leg_that_tells_nothing_new_still_gives_a_sign_of_life(long_leg, short_leg, clock):
    """Once a second is enough."""
    for _ in range(30):
        long_leg.tell("ETH", BID, BOTH)
        clock.ms += 500
        assert short_leg.hear("ETH") is not None


def test_a_leg_of_the_future_is_not_believed(long_leg, short_leg, clock):
    """After the clock was put back, a leg that has stopped must not look alive until the clock has caught up."""
    long_leg.tell("ETH", BID, BOTH)
    clock.ms -= ANSWERS_WITHIN_MS + 1
    assert short_leg.hear("ETH") is None
    with pytest.raises(DataError, match="ahead of the clock"):
        read_leg(leg_path(short_leg._folder, "ETH", "long"), now_ms=0)


def test_a_leg_that_cannot_write_only_reduces_and_says_so_once(long_leg, short_leg, caplog, disk):
    """A full disk is no error of the loop, in which the other pairs have to be planned too."""
    short_leg.tell("ETH", Holding(-0.2), BOTH)
    disk.fill()
    for coins in (0.1, 0.2, 0.3):
        long_leg.tell("ETH", Holding(coins), BOTH)
        assert long_leg.hear("ETH") is None
    assert len(caplog.records) == 1
    assert "ETH only reduces" in caplog.text
    disk.free()
    long_leg.tell("ETH", Holding(0.3), BOTH)
    assert long_leg.hear("ETH").coins == -0.2


def test_a_bot_on_its_own_tells_nobody(tmp_path):
    """Nor does it hear anything."""
    alone = Legs(tmp_path, None)
    alone.tell("ETH", BID, BOTH)
    alone.asking("ETH", None)
    alone.end()
    assert alone.hear("ETH") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"time_ms": 1}', '{"time_ms": 1, "coins": 0.1}'),
        '{"time_ms": 1, "coins": null, "order": null, "sides": [], "equity": null}',
        '{"time_ms": 1, "coins": 0, "order": "up", "sides": [], "equity": null}',
    ],
)
def test_a_torn_file_is_refused(tmp_path, text):
    """Whatever is not what a leg tells is an error, not a zero."""
    path = Path(tmp_path / "ETH-short.json")
    path.write_text(text)
    with pytest.raises(MalformedMessage):
        read_leg(path, now_ms=1)


def test_the_watch_notices_what_is_new_and_not_that_the_other_leg_lives(tmp_path):
    """A loop begins when something has changed; a sign of life alone wakes nobody."""
    rung = threading.Event()
    path = leg_path(tmp_path, "ETH", "long")
    watch = LegWatch(tmp_path, "short", ["ETH"], rung.set)

    def rings(state, now_ms):
        rung.clear()
        publish_leg(path, state, now_ms=now_ms)
        watch.look()
        return rung.is_set()

    assert rings(LegState(0.1), 1)
    assert not rings(LegState(0.1), 2)
    assert not rings(LegState(0.1, equity=5.0), 3)
    assert rings(LegState(0.1, Side.BID), 4)
    path.unlink()
    rung.clear()
    watch.look()
    assert rung.is_set()
    watch.start()
    rung.clear()
    publish_leg(path, LegState(0.3), now_ms=5)
    assert rung.wait(5)
    watch.stop()
    assert not any(thread.name == "other-leg" for thread in threading.enumerate())
