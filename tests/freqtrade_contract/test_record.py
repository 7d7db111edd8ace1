"""What the record of a bot relies on: tags of orders, the words of a refusal, finished orders told again, the end."""

import pytest
from freqtrade.persistence import Trade

from market_making.market.sides import Direction
from market_making.trading.freqtrade.exchange_words import ExchangeWords
from market_making.trading.freqtrade.trade import resting_order_of

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
PAIR = "ETH/USDC:USDC"


@pytest.fixture
def words():
    """What is heard of Freqtrade."""
    heard = ExchangeWords()
    heard.attach()
    yield heard
    heard.detach()


def process_until(bot, condition, loops=20):
    """Loops until something holds: the venue's market goes on in its own time."""
    for _ in range(loops):
        bot.process()
        if condition():
            return
    raise AssertionError("it never came to hold")


def opened(bot, venue):
    """A bot that holds one lot."""
    bot.strategy.order_time_in_force = {"entry": "ALO", "exit": "ALO"}
    bot.strategy.side, bot.strategy.tag = "long", "open"
    bot.process()
    venue.market.print_trade(Direction.SELL, 2998.0, 10.0)
    process_until(bot, lambda: Trade.get_open_trades()[0].amount > 0)
    return Trade.get_open_trades()[0]


def test_an_order_carries_the_tag_of_its_signal_or_of_its_adjustment(bot, venue):
    """`enter_tag` of the dataframe for an entry, the second of the pair that adjust_trade_position returns later."""
    trade = opened(bot, venue)
    for tag, stake in (("add", 50.0), ("reduce", "all")):
        bot.strategy.tag, bot.strategy.adjustment = tag, stake
        bot.process()
        bot.strategy.adjustment, bot.strategy.cancel = None, True
        bot.process()
        bot.strategy.cancel = False
    assert [resting_order_of(order).tag for order in trade.orders] == ["open", "add", "reduce"]


def test_the_words_of_a_refusal_are_in_the_log_with_the_pair(bot, venue, words):
    """Of an entry, of an addition and of a reduction."""
    bot.strategy.order_time_in_force = {"entry": "ALO", "exit": "ALO"}
    bot.strategy.side, bot.strategy.entry_price = "long", 3000.5
    bot.process()
    assert "immediately matched" in words.about(PAIR)
    bot.strategy.entry_price = 2999.0
    opened(bot, venue)
    for stake, prices in ((50.0, {"entry_price": 3000.5}), ("all", {"exit_price": 2999.5})):
        words.forget()
        assert words.about(PAIR) == ""
        bot.strategy.adjustment = stake
        vars(bot.strategy).update(prices)
        bot.process()
        assert "immediately matched" in words.about(PAIR)
        assert words.about("BTC/USDC:USDC") == ""


def test_a_finished_order_is_told_again_when_its_fee_comes_late(bot, venue):
    """Freqtrade calls order_filled a second time for it; whoever counts fills must know."""
    trade = opened(bot, venue)
    trade.fee_open_currency = None
    Trade.commit()
    bot.strategy.calls = []
    bot.update_trades_without_assigned_fees()
    assert "order_filled" in bot.strategy.calls


def test_the_strategy_is_told_of_the_end_after_the_orders_are_cancelled(start, venue):
    """`ft_bot_cleanup` comes last, while the database still answers."""
    bot = start(market_making={"probe_may_short": True})
    bot.strategy.order_time_in_force = {"entry": "ALO", "exit": "ALO"}
    bot.strategy.side = "long"
    bot.process()
    assert len(venue.open_orders()) == 1
    assert bot.strategy.rested_at_the_end is None
    bot.cleanup()
    assert venue.open_orders() == []
    assert bot.strategy.rested_at_the_end == []
