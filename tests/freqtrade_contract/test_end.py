"""The end of a bot while the exchange is disturbed: nobody looks after what rests, so nothing may."""

import json

import pytest

from market_making.hyperliquid.shared_bucket import SharedBucket
from market_making.trading.freqtrade.edge import sleep
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.fixture
def venue():
    with VenueThread(PuppetMarket(), faults=Faults()) as running:
        yield running


def decisions(folder):
    return [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]


@pytest.fixture
def bot(start, venue, tmp_path):
    """It has a quote, and ends within the test."""
    parameters().write(tmp_path / "parameters")
    running = start("MarketMaking", ROOT / "user_data" / "strategies")
    for _ in range(5):
        running.process()
    assert len(venue.open_orders()) == 1
    yield running
    sleep.restore()


@pytest.mark.parametrize("times", [1, 4, 12])
def test_an_outage_at_the_end_leaves_no_order(bot, venue, times):
    """A cancellation that is not answered is sent again, for as long as a container is left to end."""
    venue.inject({"fault": "status", "code": 502, "action": "cancel", "times": times})
    bot.cleanup()
    assert venue.open_orders() == []


@pytest.mark.parametrize("debt", [20, 60])
def test_a_refusal_just_before_the_end_leaves_no_order(bot, venue, tmp_path, debt):
    """The exchange has asked for fewer requests a moment ago, and lists have left a debt."""
    bucket = SharedBucket(next((tmp_path / "state").glob("pace-*")))
    bucket.charge(bucket.tokens + debt)
    bucket.refused()
    bucket.close()
    bot.cleanup()
    assert venue.open_orders() == []


def test_the_log_says_that_the_bot_ends(bot, tmp_path):
    """And not that somebody else has cancelled what rested."""
    bot.cleanup()
    cancelled = [line for line in decisions(tmp_path / "decisions") if line["event"] == "cancelled"]
    assert [line["detail"] for line in cancelled] == ["the bot ends"]
