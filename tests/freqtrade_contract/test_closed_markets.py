"""Stock Freqtrade on a market of another dex that is halted, at its cap of open interest, or without its oracle."""

import time

import pytest
import requests

from market_making.market.reasons import Reason
from market_making.safety.state_file import read_state
from market_making.simulation.known_markets import market_called
from market_making.trading.freqtrade.edge import oracles
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
NVDA = market_called("xyz:NVDA")


class DexMarket(PuppetMarket):
    """A market of another dex, and one of the main dex."""

    @property
    def listings(self):
        return (market_called("BTC"), NVDA)


@pytest.fixture
def venue():
    with VenueThread(DexMarket(coins=("BTC", NVDA.wire)), faults=Faults(), context_period_s=0.2) as running:
        yield running


@pytest.fixture
def bot(venue, start, tmp_path):
    """It quotes the market of the dex."""
    valid_until_ms = int(time.time() * 1e3) + 600_000
    parameters(coin=NVDA.key, pair=NVDA.pair, valid_until_ms=valid_until_ms).write(tmp_path / "parameters")
    fetched = {"fetchMarkets": {"types": ["swap", "hip3"], "hip3": {"limit": 1, "dexes": ["xyz"]}}}
    exchange = {"pair_whitelist": [NVDA.pair], "hip3_dexes": ["xyz"], "ccxt_config": {"options": fetched}}
    changes = {"exchange": exchange, "market_making": {"edge": {"socket": True}, "quote": {"minimum_life_s": 0}}}
    running = start("MarketMaking", ROOT / "user_data" / "strategies", **changes)
    until(running, venue.open_orders, "no first quote")
    return running


def until(bot, condition, what, within_s=10.0):
    """Let it loop until something holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what
        bot.process()


def shown(tmp_path):
    """What the bot says about its pair."""
    (pair,) = read_state(next((tmp_path / "state").glob("*.json"))).pairs
    return pair


def test_at_the_cap_of_open_interest_one_order_is_refused_and_no_more_are_sent(bot, venue, tmp_path):
    """The exchange ends what rests; the first refusal tells why, and its words are the reason that is shown."""
    before = venue.audit()["rejected"]
    venue.inject({"fault": "cap", "coin": NVDA.wire, "seconds": 60})
    until(bot, lambda: not venue.open_orders(), "the order rests")
    until(bot, lambda: shown(tmp_path).reason == Reason.MARKET_CLOSED, "it does not say why")
    for _ in range(5):
        bot.process()
    assert venue.audit()["rejected"] == before + 1
    assert not venue.open_orders()
    assert "open interest is capped" in shown(tmp_path).detail


def test_a_halted_market_is_not_quoted_until_it_is_open_again(bot, venue, tmp_path):
    """Its orders and its book are gone; nothing is sent meanwhile."""
    venue.inject({"fault": "halt", "coin": NVDA.wire, "seconds": 3})
    until(bot, lambda: not venue.open_orders(), "the order rests")
    bot.process()
    assert shown(tmp_path).reason in (Reason.BOOK_UNUSABLE, Reason.MARKET_CLOSED)
    assert "levels of bids" in shown(tmp_path).detail or "halted" in shown(tmp_path).detail
    until(bot, venue.open_orders, "it does not quote again", 80)


def test_an_oracle_that_stands_still_closes_the_market(bot, venue, tmp_path, monkeypatch):
    """The book moves on, and the bot takes its quote away until the oracle is renewed."""
    monkeypatch.setattr(oracles, "STANDS_AFTER_S", 1.0)
    venue.inject({"fault": "hold_oracle", "coin": NVDA.wire, "seconds": 8})
    struck = lambda: requests.get(f"{venue.url}/faults", timeout=5).json()["strikes"]  # noqa: E731
    until(bot, struck, "the oracle does not stand still")
    venue.market.mid += 3.0
    until(bot, lambda: shown(tmp_path).reason == Reason.MARKET_CLOSED, "it does not say why")
    assert "the oracle has said" in shown(tmp_path).detail
    until(bot, lambda: not venue.open_orders(), "the quote rests")
    until(bot, venue.open_orders, "it does not quote again")
