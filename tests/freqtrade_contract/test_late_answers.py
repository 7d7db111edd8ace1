"""What Freqtrade asks beside its orders, listings once an hour and funding, holds up no loop."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from market_making.hyperliquid.shared_bucket import SharedBucket
from market_making.trading.freqtrade.edge import patience, sleep
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
PAIR = "ETH/USDC:USDC"
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
    assert bot.exchange.markets[PAIR]
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


def funding(bot, opened):
    """Ask for the funding of a position; return how long it takes [s]."""
    began = time.monotonic()
    assert bot.exchange.get_funding_fees(PAIR, 1.0, False, opened) == 0.0
    return time.monotonic() - began


@pytest.mark.parametrize("kind", ["fundingHistory", "candleSnapshot"])
def test_an_order_does_not_wait_for_funding_that_is_not_answered(bot, venue, kind):
    """Freqtrade would ask five times for ten seconds each, before every order."""
    bot.exchange.refresh_latest_ohlcv([(PAIR, "1m", "futures")])
    venue.inject({"fault": "swallow", "info": kind})
    opened = datetime.now(UTC) - timedelta(hours=2)
    assert funding(bot, opened) < 3.0
    assert funding(bot, opened) < 0.2
