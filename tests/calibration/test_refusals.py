"""What is wrong with a coin is said when it begins, again ever more seldom, and when it is over."""

import logging

import pytest

from calibration.refusals import Refusals
from market_making.market.errors import MalformedMessage, NotEnoughData, UnknownCoin

PERIOD_MS = 15_000
HOUR_MS = 3_600_000


@pytest.fixture
def said(caplog):
    """The messages that were logged since the last call."""
    caplog.set_level(logging.INFO)

    def new() -> list[str]:
        texts = [record.message for record in caplog.records]
        caplog.clear()
        return texts

    return new


def test_a_reason_that_lasts_is_said_ever_more_seldom(said):
    """A day of refusals every 15 s is said at most thirty times, at the begin at once and always with the last text."""
    refusals, last = Refusals(), ""
    for now_ms in range(HOUR_MS, 25 * HOUR_MS, PERIOD_MS):
        last = f"{now_ms} s old"
        refusals.refused("ETH", NotEnoughData(last), now_ms)
    texts = said()
    assert texts[0] == f"ETH is not calibrated: {HOUR_MS} s old"
    assert len(texts) <= 30
    assert refusals.of("ETH") == last


def test_another_reason_is_said_at_once(said):
    """And so is the end of all."""
    refusals = Refusals()
    for now_ms, error in ((0, NotEnoughData("few")), (1, NotEnoughData("few")), (2, MalformedMessage("torn"))):
        refusals.refused("ETH", error, now_ms)
    refusals.refused("SOL", NotEnoughData("few"), 2)
    refusals.calibrated("ETH")
    refusals.calibrated("ETH")
    assert said() == [
        "ETH is not calibrated: few",
        "ETH is not calibrated: torn",
        "SOL is not calibrated: few",
        "ETH is calibrated now",
    ]
    assert (refusals.of("ETH"), refusals.of("SOL"), refusals.of("BTC")) == ("", "few", "")


def test_a_coin_that_is_not_recorded_is_said_once(said):
    """Nothing changes until somebody records it; if it was lost and found in between, it is news again."""
    refusals = Refusals()
    for now_ms in range(0, 24 * HOUR_MS, PERIOD_MS):
        refusals.refused("ETHH", UnknownCoin("it holds ETH"), now_ms)
    assert said() == ["ETHH is not calibrated: it holds ETH"]
    refusals.calibrated("ETHH")
    refusals.refused("ETHH", UnknownCoin("it holds ETH"), 25 * HOUR_MS)
    assert len(said()) == 2


def test_a_clock_that_was_put_back_silences_nobody(said):
    """A reason is said again within an hour of the new time."""
    refusals = Refusals()
    refusals.refused("ETH", NotEnoughData("few"), 100 * HOUR_MS)
    for now_ms in range(0, HOUR_MS + 1, PERIOD_MS):
        refusals.refused("ETH", NotEnoughData("few"), now_ms)
    assert len(said()) >= 2
