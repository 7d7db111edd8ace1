"""A ladder hedges itself on the local venue: back to its target at the touch, and out of a crash."""

import pytest

from calibration.estimators.estimate import EstimateSource
from calibration.publication.document import PublishedEstimate
from market_making.market.sides import Direction
from tests.live_bot import LiveBot
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.slow

LOT = 0.0333
HEDGER = """
from freqtrade.strategy import DecimalParameter
from LadderSpot import LadderSpot


class Hedger(LadderSpot):
    hedge_trigger = DecimalParameter(0.3, 0.9, default=0.40, decimals=2, space="risk")
"""


@pytest.fixture
def venue():
    """A venue of its own."""
    with VenueThread(PuppetMarket()) as running:
        yield running


def position(venue):
    """Coins held, signed."""
    return sum(float(size) for size in venue.audit()["positions"].values())


def fill_bid(bot, venue):
    """Somebody sells into the bid that rests."""
    bot.wait(lambda: [o["side"] for o in venue.open_orders()] == ["B"], 60, "a bid")
    before = position(venue)
    venue.market.print_trade(Direction.SELL, float(venue.open_orders()[0]["limitPx"]) - 1, 10.0)
    bot.wait(lambda: position(venue) > before, 20, "a fill")


def test_a_ladder_beyond_its_trigger_offers_the_excess_at_the_touch(venue, tmp_path):
    """With 1.33 lots and more of 3, where 1.2 are the limit, it offers all but 0.6 lots, maker only."""
    (tmp_path / "Hedger.py").write_text(HEDGER)
    bot = LiveBot(venue, tmp_path, strategy="Hedger")
    rare = parameters().buy.model_copy(
        update={"fill_intensity": PublishedEstimate(value=0.01, low=0.01, high=0.01, n=100, source=EstimateSource.OK)}
    )
    bot.publish(buy=rare)  # hardly anybody lifts an ask, so the ladder goes on buying
    with bot:
        for _ in range(3):
            bot.publish(buy=rare)
            fill_bid(bot, venue)
        held = position(venue) / LOT
        assert 1.2 < held < 1.8

        def hedge():
            orders = venue.open_orders()
            return bool(orders) and orders[0]["side"] == "A" and float(orders[0]["limitPx"]) <= venue.market.mid + 1

        bot.wait(hedge, 20, "an ask at the touch")
        (order,) = venue.open_orders()
        assert float(order["sz"]) / LOT == pytest.approx(held - 0.6, abs=0.01)
        venue.market.print_trade(Direction.BUY, float(order["limitPx"]) + 1, 10.0)
        bot.wait(lambda: position(venue) < held * LOT * 0.9, 20, "the hedge")
        assert position(venue) / LOT == pytest.approx(0.6, abs=0.01)
    assert venue.audit()["taker_fills"] == 0


def test_a_crash_through_the_whole_ladder_ends_the_position(venue, tmp_path):
    """2.25 % under the opening price a market order leaves; a fall of 1.5 % does not."""
    bot = LiveBot(venue, tmp_path, strategy="LadderSpot", changes={"market_making": {"sides": "long_only"}})
    bot.publish()
    with bot:
        fill_bid(bot, venue)
        held = position(venue)
        venue.market.mid *= 0.985
        bot.wait(lambda: any(o["side"] == "A" for o in venue.open_orders()), 20, "an ask")
        assert position(venue) == held
        venue.market.mid *= 0.985
        bot.publish()
        bot.wait(lambda: position(venue) == 0, 30, "the end of the position")
    assert venue.audit()["taker_fills"] == 1


def test_a_crash_right_after_the_fill_ends_the_position_too(venue, tmp_path):
    """The price is beyond the stop before Freqtrade has ever looked at it."""
    bot = LiveBot(venue, tmp_path, strategy="LadderSpot", changes={"market_making": {"sides": "long_only"}})
    bot.publish()
    with bot:
        bot.wait(lambda: [o["side"] for o in venue.open_orders()] == ["B"], 60, "a bid")
        venue.market.print_trade(Direction.SELL, float(venue.open_orders()[0]["limitPx"]) - 1, 10.0)
        venue.market.mid *= 0.97
        bot.wait(lambda: venue.audit()["taker_fills"] == 1, 30, "a market order")
        bot.wait(lambda: position(venue) == 0, 10, "the end of the position")
