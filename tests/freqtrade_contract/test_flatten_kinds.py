"""Stock Freqtrade and the kill switch on a market of another dex and on spot: what is held is left, no order stays."""

import time

import pytest

from market_making.market.identity import Kind
from market_making.market.sides import Direction
from market_making.safety.kill_switch import Kill, write_kill
from market_making.simulation.known_markets import market_called
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
NVDA, HYPE = market_called("xyz:NVDA"), market_called("HYPE/USDC")


class KindsMarket(PuppetMarket):
    """A market of another dex, and one of spot."""

    @property
    def listings(self):
        return (market_called("BTC"), NVDA, HYPE)


@pytest.fixture
def venue():
    with VenueThread(KindsMarket(coins=("BTC", NVDA.wire, HYPE.wire))) as running:
        yield running


def changes(market):
    """Freqtrade's configuration of a bot on this market."""
    if market.kind is Kind.SPOT:
        mode = {"trading_mode": "spot", "margin_mode": "", "market_making": {"sides": "long_only"}}
        return mode | {"exchange": {"pair_whitelist": [market.pair]}}
    fetched = {"fetchMarkets": {"types": ["swap", "hip3"], "hip3": {"limit": 1, "dexes": ["xyz"]}}}
    exchange = {"pair_whitelist": [market.pair], "hip3_dexes": ["xyz"], "ccxt_config": {"options": fetched}}
    return {"exchange": exchange}


def held(venue, market):
    audit = venue.audit()
    return audit["positions"].get(market.wire, 0.0) + audit["tokens"].get("HYPE", 0.0)


@pytest.mark.parametrize("market", [NVDA, HYPE], ids=lambda market: market.key)
def test_the_kill_switch_cancels_and_flatten_leaves_what_was_bought(venue, start, tmp_path, market):
    """The bot offers what it holds at a maker's price; somebody takes it, and nothing is left but dust."""
    valid_until_ms = int(time.time() * 1e3) + 600_000
    parameters(coin=market.key, pair=market.pair, valid_until_ms=valid_until_ms).write(tmp_path / "parameters")
    bot = start("MarketMaking", ROOT / "user_data" / "strategies", **changes(market))

    def until(condition, what):
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, what
            bot.process()

    def sides():
        return [order["side"] for order in venue.open_orders()]

    until(lambda: sides() == ["B"], "no first quote")
    venue.market.print_trade(Direction.SELL, 2_900.0, 50.0, market.wire)
    until(lambda: held(venue, market) > 0, "it was not filled")
    write_kill(tmp_path / "state", Kill(1, flatten=True))
    until(lambda: sides() == ["A"], "what is held is not offered")

    def taken():
        """Somebody buys again and again: a quote may be on its way to another price."""
        venue.market.print_trade(Direction.BUY, 3_100.0, 50.0, market.wire)
        return held(venue, market) < 0.01

    until(taken, "it was not left")
    until(lambda: not sides(), "an order is left")
    for _ in range(3):
        bot.process()
    assert not sides()
