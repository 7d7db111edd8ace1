"""Funding that the exchange does not tell holds up no order."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from market_making.trading.freqtrade.edge import patience, sleep
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
PAIR = "ETH/USDC:USDC"


@pytest.fixture
def venue():
    with VenueThread(PuppetMarket(), faults=Faults()) as running:
        yield running


@pytest.fixture
def bot(start, tmp_path):
    parameters().write(tmp_path / "parameters")
    yield start("MarketMaking", ROOT / "user_data" / "strategies")
    sleep.restore()
    patience.restore()


def ask(bot, opened):
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
    assert ask(bot, opened) < 3.0
    assert ask(bot, opened) < 0.2
