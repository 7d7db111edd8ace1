"""Stock Freqtrade and orders that cannot be asked about: one of them holds up no other pair, and does not stay."""

import inspect
import time

import pytest
from freqtrade import worker
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade
from freqtrade.worker import Worker

from market_making.settings.edge import EdgeSettings
from market_making.trading.freqtrade.edge import patience
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
COINS = ("ETH", "BTC")
OFF = dict.fromkeys(EdgeSettings.model_fields, False)
CANNOT_BE_ASKED = (
    {"fault": "unknown"},
    {"fault": "status", "code": 500},
    {"fault": "null"},
    {"fault": "zero"},
)


@pytest.fixture
def venue():
    """A venue of two coins on which all is well until a test says otherwise."""
    with VenueThread(PuppetMarket(coins=COINS), faults=Faults()) as running:
        yield running


@pytest.fixture
def maker(start, tmp_path):
    """Start the market maker on two pairs with these overrides, and let both be quoted."""

    def start_maker(*names):
        for coin in COINS:
            valid_until_ms = int(time.time() * 1e3) + 600_000
            parameters(coin=coin, pair=f"{coin}/USDC:USDC", valid_until_ms=valid_until_ms).write(
                tmp_path / "parameters"
            )
        bot = start(
            "MarketMaking",
            ROOT / "user_data" / "strategies",
            market_making={"edge": OFF | dict.fromkeys(names, True), "quote": {"minimum_life_s": 0}},
            exchange={"pair_whitelist": [f"{coin}/USDC:USDC" for coin in COINS]},
            max_open_trades=2,
        )
        for _ in range(3):
            bot.process()
        return bot

    yield start_maker
    patience.restore()


def resting(venue):
    """The number of each coin's order."""
    return {order["coin"]: order["oid"] for order in venue.open_orders()}


def test_freqtrade_has_the_shape_that_is_relied_on():
    """It goes on after an order that cannot be asked about, and sleeps for a number that its module has."""
    patience.restore()  # an earlier bot of this process may have left its own
    source = inspect.getsource(FreqtradeBot.manage_open_orders)
    assert source.index("self.exchange.fetch_order(") < source.index("except ExchangeError") < source.index("continue")
    assert "time.sleep(RETRY_TIMEOUT)" in inspect.getsource(Worker._process_running)
    assert worker.RETRY_TIMEOUT == 30


@pytest.mark.parametrize("fault", CANNOT_BE_ASKED, ids=lambda fault: f"{fault['fault']}{fault.get('code', '')}")
def test_one_order_that_cannot_be_asked_about_holds_up_no_other_pair(maker, venue, fault):
    """The other pair is quoted anew in the loop that sees the market move, and the order is gone a loop later.

    When it can be asked about again the pair goes on, and the bot's books are those of the venue.
    """
    bot = maker("unanswered", "sound_answers")
    before = resting(venue)
    venue.inject(fault | {"info": "orderStatus", "coin": "ETH"})
    venue.market.mid -= 1.0
    began = time.monotonic()
    while resting(venue).get("BTC") in (before["BTC"], None):
        bot.process()
        assert time.monotonic() - began < 3.0
    while before["ETH"] in resting(venue).values():
        bot.process()
        assert time.monotonic() - began < 15.0
    venue.heal()
    for _ in range(3):
        bot.process()
    known = {order.order_id for trade in Trade.get_open_trades() for order in trade.open_orders}
    assert known == {str(oid) for oid in resting(venue).values()}
    assert len(known) == 2


def test_without_it_the_other_pair_waits_for_half_a_minute(maker, venue, monkeypatch):
    """Freqtrade's own way, with its waits counted instead of waited for."""
    bot = maker()
    waits = []
    monkeypatch.setattr("freqtrade.exchange.common.time.sleep", waits.append)
    before = resting(venue)
    venue.inject({"fault": "unknown", "info": "orderStatus", "coin": "ETH"})
    venue.market.mid -= 1.0
    bot.process()
    assert sum(waits) >= 30
    assert before["ETH"] in resting(venue).values()
    venue.heal()  # or the end of the bot would wait as long


def test_patience_lets_the_bot_sleep_one_second_after_a_failed_request(maker):
    """And without it half a minute."""
    maker("patience")
    assert worker.RETRY_TIMEOUT == patience.RETRY_S == 1
    maker("unanswered")
    assert worker.RETRY_TIMEOUT == 30
