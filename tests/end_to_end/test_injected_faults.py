"""Faults are injected at run time while a stock bot quotes: what the bot did before it does after, or says why not."""

import pytest

from market_making.venue.faults.document import Faults
from tests.live_bot import LiveBot
from tests.puppet_market import ADDRESS, PuppetMarket, VenueThread

pytestmark = pytest.mark.slow


@pytest.fixture
def venue():
    """A venue on which all is well until a test says otherwise."""
    with VenueThread(PuppetMarket(), faults=Faults()) as running:
        yield running


def quotes_within(bot, seconds, *, after):
    """Wait until a bid rests that is none of these."""

    def is_new():
        return any(order["oid"] not in after for order in bot.venue.open_orders())

    return bot.wait(is_new, seconds, "a new bid")


def test_a_bot_goes_on_after_what_the_exchange_does_to_it(venue, tmp_path):
    """An order that the exchange cancels by itself is replaced; so is one whose refusal, outage or half an answer came
    in between; the venue's books and the bot's agree at the end."""
    bot = LiveBot(venue, tmp_path)
    with bot:
        bot.publish()
        quotes_within(bot, 60, after=())
        for fault in (
            {"fault": "cancel", "user": ADDRESS, "status": "marginCanceled"},
            {"fault": "refuse", "action": "order", "text": "Too many open orders.", "times": 1},
            {"fault": "status", "code": 502, "info": "l2Book", "until_s": 2.0},
            {"fault": "half", "info": "l2Book", "times": 2},
        ):
            bot.publish()
            known = [order["oid"] for order in venue.open_orders()]
            venue.inject({"fault": "cancel", "user": ADDRESS, "from_s": 1.0}, fault)
            quotes_within(bot, 30, after=known)
            assert venue.heal()
        bot.stop()
    assert venue.open_orders() == []
    assert venue.audit()["positions"] == {}
