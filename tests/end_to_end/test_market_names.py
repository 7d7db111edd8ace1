"""Names as Freqtrade's lists and the exchange write them, in a running bot."""

import pytest

from market_making.market.reasons import Reason
from market_making.market.sides import Direction
from market_making.safety.state_file import read_state
from tests.live_bot import LiveBot
from tests.puppet_market import PuppetMarket, VenueThread

pytestmark = pytest.mark.slow

ETH, K_COIN = "ETH/USDC:USDC", "KPEPE/USDC:USDC"


def resting(venue):
    """Side by coin of what rests."""
    return {order["coin"]: order["side"] for order in venue.open_orders()}


def said_of(folder, coin):
    """Why there is no bid of a coin, by the bot's state file."""
    state = read_state(folder / "state" / "market-making.json")
    return next((pair.bid.reason for pair in state.pairs if pair.coin == coin), None)


def test_a_coin_in_thousands_an_expression_and_a_black_listed_pair(tmp_path):
    """A whitelist with an expression and a pair that never was; then one pair is to be delisted and is black-listed.

    Its position is offered as a maker and left, nothing of it is opened again, and the other goes on.
    """
    exchange = {"pair_whitelist": ["(ETH|K.*)/USDC:USDC", "NEVER/USDC:USDC"]}
    changes = {"max_open_trades": 2, "exchange": exchange}
    with VenueThread(PuppetMarket(coins=("ETH", "kPEPE"))) as venue:
        bot = LiveBot(venue, tmp_path, changes=changes)
        bot.publish()
        bot.publish(coin="kPEPE", pair=K_COIN)
        with bot:
            bot.wait(lambda: resting(venue) == {"ETH": "B", "kPEPE": "B"}, 150, "a bid of each")
            venue.market.print_trade(Direction.SELL, 2900.0, 10.0, "ETH")
            bot.wait(lambda: resting(venue) == {"ETH": "A", "kPEPE": "B"}, 40, "an ask of what was bought")
        changes["exchange"] |= {"pair_blacklist": ["ETH/.*"]}
        bot = LiveBot(venue, tmp_path, changes=changes)
        with bot:
            bot.publish()
            bot.publish(coin="kPEPE", pair=K_COIN)
            bot.wait(lambda: resting(venue) == {"ETH": "A", "kPEPE": "B"}, 150, "the ask again")
            bot.wait(lambda: said_of(tmp_path, "ETH") == Reason.WINDING_DOWN, 10, "why there is no bid")
            venue.market.print_trade(Direction.BUY, 3100.0, 10.0, "ETH")
            bot.wait(lambda: resting(venue) == {"kPEPE": "B"}, 40, "the end of the position")
            venue.market.print_trade(Direction.SELL, 2900.0, 10.0, "kPEPE")
            bot.wait(lambda: resting(venue) == {"kPEPE": "A"}, 40, "an ask of the other")
        audit = venue.audit()
    assert audit["taker_fills"] == 0
    assert {coin for coin, size in audit["positions"].items() if size} == {"kPEPE"}
    places = [(line["coin"], line["pair"], line["tag"]) for line in bot.decisions() if line["event"] == "place"]
    assert {(coin, pair) for coin, pair, _ in places} == {("ETH", ETH), ("kPEPE", K_COIN)}
    assert [tag for coin, _, tag in places if coin == "ETH"].count("open") == 1
