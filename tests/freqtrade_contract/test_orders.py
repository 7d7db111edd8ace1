"""What reaches the exchange: post-only flags, and no builder."""

import ccxt
import pytest
from freqtrade.exceptions import ConfigurationError
from freqtrade.persistence import Trade

from market_making.trading.freqtrade.edge.builder_fee import refuse_builder_fee
from market_making.trading.freqtrade.exchange_rules import instrument_of, post_only_flag

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
PAIR = "ETH/USDC:USDC"


def post_only(bot):
    """What the strategy does when it starts."""
    bot.strategy.order_time_in_force = {"entry": "ALO", "exit": "ALO"}
    bot.strategy.side = "long"


def test_the_time_in_force_is_read_at_each_order(bot, venue):
    """The flag set while running is the one on the wire: Alo, add liquidity only."""
    post_only(bot)
    bot.process()
    assert venue.audit()["orders_by_tif"] == {"Alo": 1}


@pytest.mark.parametrize("flag", ["ALO", "PO"])
def test_no_configuration_can_make_orders_post_only(start, flag):
    """Freqtrade refuses both words for Hyperliquid, which is why the strategy sets the flag itself."""
    with pytest.raises(ConfigurationError):
        start(order_time_in_force={"entry": flag, "exit": flag})


def test_a_rejected_post_only_entry_leaves_no_trade_and_is_tried_again(bot, venue):
    """A quote that would have crossed is refused by the exchange; the next loop places the next one."""
    post_only(bot)
    bot.strategy.entry_price = 3000.5
    bot.process()
    assert venue.audit()["rejected"] == 1
    assert not Trade.get_open_trades()
    bot.strategy.entry_price = 2999.0
    bot.process()
    assert len(venue.open_orders()) == 1


def test_no_builder_is_approved_and_none_is_on_an_order(bot, venue):
    """With the options of config.json and the strategy's one call, no approval, no referrer and no builder is sent."""
    sent = []
    client = bot.exchange._api
    refuse_builder_fee(client)
    sign = client.sign_l1_action

    def remember(action, *arguments):
        sent.append(action)
        return sign(action, *arguments)

    client.sign_l1_action = remember
    bot.strategy.side = "long"
    bot.process()
    assert [action["type"] for action in sent] == ["updateLeverage", "order"]
    assert not any("builder" in action for action in sent)
    audit = venue.audit()
    assert (audit["approvals_asked"], audit["referrals_asked"], audit["builder_fees"]) == (0, 0, 0)


def test_without_the_call_a_builder_is_on_every_order(bot):
    """What configuration alone leaves, at a fee of zero: the reason for the one exception to the public interface."""
    sent = []
    client = bot.exchange._api
    sign = client.sign_l1_action

    def remember(action, *arguments):
        sent.append(action)
        return sign(action, *arguments)

    client.sign_l1_action = remember
    bot.strategy.side = "long"
    bot.process()
    assert sent[-1]["builder"]["f"] == 0


async def test_the_asynchronous_client_is_covered_too():
    """The same call stops the approval of an asynchronous client."""
    client = ccxt.async_support.hyperliquid()
    refuse_builder_fee(client)
    assert await client.handle_builder_fee_approval()
    assert client.options["approvedBuilderFee"] is False
    await client.close()


def test_the_instrument_of_a_pair_comes_from_its_market(bot):
    """Step, tick and smallest order as Hyperliquid's rules give them, under Freqtrade's name of the pair."""
    instrument = instrument_of("hyperliquid", bot.dataprovider.market(PAIR))
    assert (instrument.coin, instrument.pair) == ("ETH", PAIR)
    assert instrument.tick(3000.0) == 0.1
    assert instrument.tick(300.0) == 0.01
    assert instrument.size(0.03339) == 0.0333
    assert instrument.minimum_notional == 10


def test_post_only_is_a_limit_maker_order_on_binance():
    """ccxt turns the flag PO of other exchanges into their own; Binance's spot market calls it LIMIT_MAKER."""
    client = ccxt.binance()
    market = {"id": "ETHUSDT", "symbol": "ETH/USDT", "base": "ETH", "quote": "USDT", "type": "spot", "spot": True}
    steps = {"precision": {"price": 0.01, "amount": 0.0001}, "limits": {"cost": {"min": 5.0}}}
    info = {"info": {"orderTypes": ["LIMIT", "LIMIT_MAKER"]}, "active": True}
    client.set_markets([client.safe_market_structure(market | steps | info)])
    parameters = {"timeInForce": post_only_flag("binance")}
    request = client.create_order_request("ETH/USDT", "limit", "buy", 0.1, 3000.0, parameters)
    assert request["type"] == "LIMIT_MAKER"
    instrument = instrument_of("binance", client.market("ETH/USDT"))
    assert (instrument.tick(3000.0), instrument.size(0.12345), instrument.minimum_notional) == (0.01, 0.1234, 5.0)
