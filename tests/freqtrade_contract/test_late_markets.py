"""Once an hour Freqtrade lists the markets anew at the beginning of a loop; what rests is not looked at meanwhile."""

import time

import pytest

from market_making.hyperliquid.shared_bucket import SharedBucket
from market_making.trading.freqtrade.edge import patience, sleep
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
LISTINGS = ("metaAndAssetCtxs", "spotMetaAndAssetCtxs", "allPerpMetas", "perpDexs", "meta", "spotMeta")


@pytest.fixture
def venue():
    with VenueThread(PuppetMarket(), faults=Faults()) as running:
        yield running


@pytest.fixture
def bot(start, tmp_path):
    parameters().write(tmp_path / "parameters")
    yield start("MarketMaking", ROOT / "user_data" / "strategies", market_making={"edge": {"pace": True}})
    sleep.restore()
    patience.restore()


def hour(bot):
    """Let an hour pass; return how long the beginning of the next two loops takes [s]."""
    bot.exchange._last_markets_refresh = 1
    took = []
    for _ in range(2):
        began = time.monotonic()
        bot.exchange.reload_markets()
        took.append(time.monotonic() - began)
    return took


def test_a_loop_does_not_wait_for_listings_that_are_not_answered(bot, venue):
    for kind in LISTINGS:
        venue.inject({"fault": "swallow", "info": kind})
    took = hour(bot)
    assert took[0] < 3.0
    assert took[1] < 0.5
    venue.heal()
    assert bot.exchange.markets["ETH/USDC:USDC"]
    bot.exchange.reload_markets(force=True)
    assert bot.exchange._last_markets_refresh > 1


def test_a_loop_does_not_wait_for_listings_for_which_there_is_no_weight(bot, tmp_path):
    (path,) = (tmp_path / "state").glob("pace-127.0.0.1_*")
    bucket = SharedBucket(path)
    bucket.charge(bucket.tokens - 60)
    bucket.close()
    took = hour(bot)
    assert took[0] < 3.0
    assert took[1] < 0.5
