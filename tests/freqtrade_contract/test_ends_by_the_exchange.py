"""An order that the exchange has ended is one that has ended, in whatever words it says so."""

import time

import pytest
from freqtrade.persistence import Trade

from market_making.trading.freqtrade.edge import patience, sleep
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import ADDRESS, PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.fixture
def venue():
    """A venue that ends orders when it is told to."""
    with VenueThread(PuppetMarket(), faults=Faults()) as running:
        yield running
    sleep.restore()
    patience.restore()


def loops_until(bot, holds):
    """Run loops until something holds, at most ten seconds."""
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        bot.process()
        time.sleep(0.2)
    return holds()


@pytest.mark.parametrize("status", ["canceled", "marginCanceled", "scheduledCancel"])
def test_the_pair_is_quoted_again(start, venue, status, tmp_path):
    """The dead man's switch of the guard ends orders with a word of its own, which stock ccxt does not know."""
    parameters(valid_until_ms=int(time.time() * 1e3) + 600_000).write(tmp_path / "parameters")
    own = {"edge": {"pace": False}, "quote": {"minimum_life_s": 0, "maximum_account_age_s": 0}}
    bot = start("MarketMaking", ROOT / "user_data" / "strategies", market_making=own)
    assert loops_until(bot, venue.open_orders)
    ended = venue.open_orders()[0]["oid"]
    venue.inject({"fault": "cancel", "user": ADDRESS, "status": status})
    assert loops_until(bot, lambda: any(order["oid"] != ended for order in venue.open_orders()))
    assert ended not in [int(order.order_id) for trade in Trade.get_open_trades() for order in trade.open_orders]
