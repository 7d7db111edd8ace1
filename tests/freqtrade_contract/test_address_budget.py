"""The budget of the address with stock Freqtrade on a venue that counts it."""

import time
from collections import Counter

import pytest

from market_making.hyperliquid.address_limit import AddressLimit
from market_making.market.sides import Direction
from market_making.trading.actions import governor as governing
from market_making.trading.freqtrade.edge import sleep
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.fixture
def venue(request):
    """A venue whose addresses begin with few actions."""
    with VenueThread(PuppetMarket(), free_actions=request.param) as running:
        yield running


@pytest.fixture
def maker(start, tmp_path):
    """Start the market maker with a reserve."""

    def start_maker(reserve):
        parameters().write(tmp_path / "parameters")
        quote = {"reserved_actions": reserve, "actions_per_minute": 600, "minimum_life_s": 0}
        return start("MarketMaking", ROOT / "user_data" / "strategies", market_making={"quote": quote})

    yield start_maker
    sleep.restore()


def moving_loops(bot, venue, loops, step=3.0):
    """Run loops while the market jumps up and down around where it is; return what was sent in each."""
    sent, middle = [], venue.market.mid
    for number in range(loops):
        venue.market.mid = round(middle + (0.0, step, -step)[number % 3], 1)
        time.sleep(0.12)
        before = len(venue.asked)
        bot.process()
        sent.append(Counter(asked.kind for asked in venue.asked[before:] if asked.path == "/exchange"))
    return sent


def opened(asked):
    """Whether a request opens or enlarges a position."""
    return asked.kind == "order" and not asked.body["action"]["orders"][0]["r"]


@pytest.mark.parametrize("venue", [60], indirect=True)
def test_from_the_reserve_only_cancels_and_exits_are_sent(maker, venue):
    """At 30 of 60 actions nothing is opened any more; a resting order is still cancelled, a position still left.

    Flat, the bot then sends nothing.
    """
    bot = maker(30)
    moving_loops(bot, venue, 2)
    budget = bot.strategy._desk.budget
    assert (budget.used, budget.limit) == (len([a for a in venue.asked if a.path == "/exchange"]), 60)
    if not venue.open_orders():
        bot.process()
    order = venue.open_orders()[0]
    venue.market.print_trade(
        *((Direction.SELL, 2900.0) if order["side"] == "B" else (Direction.BUY, 3100.0)), float(order["sz"])
    )
    time.sleep(0.2)
    bot.process()  # sees the fill, which has earned a hundred
    budget.read(AddressLimit(10_000, 10_025, 0), int(time.time() * 1e3))  # what a minute allows is not used up
    before = len(venue.asked)
    sent = moving_loops(bot, venue, 6, step=0.7)
    assert not any(opened(asked) for asked in venue.asked[before:])
    assert sum(counts["order"] for counts in sent) >= 1
    assert all(asked.body["action"]["orders"][0]["r"] for asked in venue.asked[before:] if asked.kind == "order")
    budget.read(AddressLimit(10_080, 10_000, 0), int(time.time() * 1e3))  # the fill earns a hundred
    order = venue.open_orders()[0]
    venue.market.print_trade(
        *((Direction.SELL, 2900.0) if order["side"] == "B" else (Direction.BUY, 3100.0)), float(order["sz"])
    )
    time.sleep(0.2)
    bot.process()
    assert 0 < budget.left_of_limit < 30
    before = len(venue.asked)
    moving_loops(bot, venue, 4)
    assert [asked for asked in venue.asked[before:] if asked.path == "/exchange"] == []


@pytest.mark.parametrize("venue", [2], indirect=True)
def test_a_bot_whose_address_has_no_action_left_recovers_by_itself(maker, venue, monkeypatch):
    """It is refused without a failure, rests an entry when the exchange lets it, and the fill pays for the next."""
    monkeypatch.setattr(governing, "_RECOVERY_WITHOUT_MS", 11_000)
    bot = maker(0)
    moving_loops(bot, venue, 3, step=1.5)
    budget = bot.strategy._desk.budget
    assert budget.left_of_limit <= 0
    refused = [a for a in venue.asked if a.path == "/exchange"]
    assert len(refused) < 12
    assert not venue.open_orders()
    deadline = time.monotonic() + 40
    while not venue.open_orders():
        assert time.monotonic() < deadline, "no order rests"
        bot.process()
        time.sleep(0.5)
    order = venue.open_orders()[0]
    venue.market.print_trade(
        *((Direction.SELL, 2900.0) if order["side"] == "B" else (Direction.BUY, 3100.0)), float(order["sz"])
    )
    time.sleep(0.2)
    bot.process()
    assert budget.left_of_limit > 50
    assert venue.open_orders()[0]["side"] != order["side"]
