"""What the strategy relies on in Freqtrade's loop; an upgrade that changes one of these facts fails here."""

import time
from math import nan

import pytest
from freqtrade.enums import State
from freqtrade.persistence import PairLocks, Trade

from market_making.market.sides import Direction, Sides
from market_making.quoting.quote import Quote, Quotes
from market_making.quoting.terms import Terms
from tests.live_bot import ROOT
from tests.puppet_market import parameters

# Freqtrade's own code warns of the next pandas; that is not what is tested.
pytestmark = pytest.mark.filterwarnings("ignore::Warning")
PAIR = "ETH/USDC:USDC"


def trade():
    """The open trade, as the database has it."""
    return Trade.get_open_trades()[0]


def open_long(bot, *, fill):
    """Rest a bid, and let somebody sell to it."""
    bot.strategy.side = "long"
    bot.process()
    if fill:
        sell_to(bot, 10.0)


def sell_to(bot, size):
    """Let an aggressor sell through every bid, and wait until the venue has matched it."""
    trade_against(bot, Direction.SELL, 2990.0, size)


def trade_against(bot, direction, price, size):
    """Print a trade and wait until the order that rests has changed."""
    venue = bot.venue
    before = venue.open_orders()
    venue.market.print_trade(direction, price, size)
    deadline = time.monotonic() + 5
    while venue.open_orders() == before:
        assert time.monotonic() < deadline, "nobody was filled"
        time.sleep(0.02)


@pytest.fixture
def bot(bot, venue):
    """The bot knows its venue."""
    bot.venue = venue
    return bot


def test_the_hooks_of_a_loop_come_in_this_order(bot):
    """Plan, signal, then an entry's price and its confirmation; with an order resting its timeout comes in between."""
    open_long(bot, fill=False)
    assert bot.strategy.calls == ["bot_loop_start", "populate_entry_trend", "custom_entry_price", "confirm_trade_entry"]
    bot.process()
    assert bot.strategy.calls == [
        "bot_loop_start",
        "populate_entry_trend",
        "check_entry_timeout",
        "adjust_trade_position",
    ]


def test_a_cancelled_entry_is_replaced_in_the_same_loop(bot, venue):
    """An unfilled entry that times out leaves no trade behind and its successor rests when the loop ends."""
    open_long(bot, fill=False)
    first = venue.open_orders()[0]["oid"]
    bot.strategy.cancel, bot.strategy.entry_price = True, 2998.0
    bot.process()
    (order,) = venue.open_orders()
    assert order["oid"] != first
    assert float(order["limitPx"]) == 2998.0
    assert len(trade().orders) == 1


def test_a_fill_is_answered_in_the_loop_that_sees_it(bot, venue):
    """order_filled comes before adjust_trade_position, whose exit rests when the loop ends."""
    open_long(bot, fill=True)
    bot.strategy.adjustment = "all"
    bot.process()
    calls = bot.strategy.calls
    assert calls.index("order_filled") < calls.index("adjust_trade_position") < calls.index("custom_exit_price")
    (order,) = venue.open_orders()
    assert order["side"] == "A"
    assert float(order["sz"]) == trade().amount


def test_minus_the_stake_closes_the_trade_and_locks_the_pair_through_the_strategy(bot):
    """A full exit through adjust_trade_position ends the trade; the pause after it is asked of `lock_pair`."""
    open_long(bot, fill=True)
    bot.strategy.adjustment, bot.strategy.side = "all", None
    bot.process()
    trade_against(bot, Direction.BUY, 3010.0, 10.0)
    bot.process()
    assert not Trade.get_open_trades()
    assert bot.strategy.calls.index("order_filled") < bot.strategy.calls.index("lock_pair: Auto lock")
    assert not PairLocks.is_pair_locked(PAIR, side="long")


def test_a_trade_may_reopen_in_the_loop_of_its_last_exit(bot, venue):
    """With the entry signal set and no lock, the next entry rests when the loop of the exit's fill ends."""
    open_long(bot, fill=True)
    bot.strategy.adjustment = "all"
    bot.process()
    trade_against(bot, Direction.BUY, 3010.0, 10.0)
    bot.process()
    assert [order["side"] for order in venue.open_orders()] == ["B"]


def test_a_partial_fill_counts_in_the_order_before_it_counts_in_the_trade(bot):
    """trade.amount stays 0 while the first entry is open; the order's own filled size is known after the loop."""
    open_long(bot, fill=False)
    sell_to(bot, 0.01)
    bot.process()
    assert trade().amount == 0
    assert trade().open_orders[0].safe_filled == pytest.approx(0.01)


def test_a_tiny_partial_fill_cannot_be_cancelled(bot, venue):
    """Freqtrade refuses to leave a position it could not sell: the known hole that a watchdog has to close."""
    open_long(bot, fill=False)
    sell_to(bot, 0.001)
    bot.strategy.cancel, bot.strategy.side = True, None
    bot.process()
    assert len(venue.open_orders()) == 1


def test_an_order_of_the_position_is_adjusted_while_it_rests(bot):
    """adjust_trade_position is asked every loop, with an order resting too, and with amount 0 before the first fill."""
    open_long(bot, fill=False)
    bot.process()
    assert bot.strategy.amounts == [0.0]
    sell_to(bot, 10.0)
    bot.strategy.adjustment = "all"
    bot.process()
    bot.process()
    assert bot.strategy.amounts[-1] > 0
    assert bot.strategy.calls[-2:] == ["adjust_trade_position", "custom_exit_price"]


@pytest.mark.parametrize(("hook", "placed_at"), [("entry_price", 2999.9), ("confirm", 2999.0)])
def test_hooks_fail_open(bot, venue, hook, placed_at):
    """An error in a price hook means the price at the touch, one in the confirmation means yes: never raise there."""
    setattr(bot.strategy, hook, RuntimeError("on purpose"))
    open_long(bot, fill=False)
    assert float(venue.open_orders()[0]["limitPx"]) == placed_at


def test_an_error_at_the_start_of_a_loop_does_not_stop_the_loop(bot, venue):
    """bot_loop_start may raise: the loop goes on, with whatever plans were left."""
    bot.strategy.fail_in_loop_start = True
    open_long(bot, fill=False)
    assert bot.strategy.calls[-1] == "confirm_trade_entry"
    assert len(venue.open_orders()) == 1


def test_a_far_price_is_pulled_near_and_a_refused_entry_leaves_nothing(bot, venue):
    """The price hook cannot refuse: half the price becomes the touch less 2 %; the confirmation can."""
    bot.strategy.entry_price = 1500.0
    open_long(bot, fill=False)
    assert float(venue.open_orders()[0]["limitPx"]) == pytest.approx(2999.9 * 0.98, rel=1e-4)
    bot.strategy.cancel, bot.strategy.confirm = True, False
    bot.process()
    assert venue.open_orders() == []
    assert not Trade.get_open_trades()


def test_no_stake_means_no_order(bot, venue):
    """A stake of 0 from custom_stake_amount is not raised to the minimum."""
    bot.strategy.stake = 0.0
    open_long(bot, fill=False)
    assert venue.open_orders() == []


def test_a_short_position_is_opened_by_an_ask(bot, venue):
    """`can_short` set when the strategy is created counts, so a configuration can decide it."""
    bot.strategy.side, bot.strategy.entry_price = "short", 3001.0
    bot.process()
    assert [order["side"] for order in venue.open_orders()] == ["A"]
    assert trade().is_short


def test_amounts_are_truncated_to_lots(bot, venue):
    """A stake a hair above size times price gives that size, one a hair below gives a lot less."""
    for hair, size in ((1e-9, 0.0333), (-1e-9, 0.0332)):
        bot.strategy.stake, bot.strategy.cancel = 0.0333 * 2999.0 * (1 + hair), True
        open_long(bot, fill=False)
        assert float(venue.open_orders()[0]["sz"]) == size


def test_an_entry_below_the_reserved_minimum_is_raised_to_it(bot, venue):
    """Freqtrade's smallest order is the exchange's times 1.05 / (1 − stop-loss): the plan must not go below it."""
    bot.strategy.stake = 11.0
    open_long(bot, fill=False)
    order = venue.open_orders()[0]
    assert float(order["sz"]) * float(order["limitPx"]) == pytest.approx(10 * 1.05 / 0.9, abs=0.31)
    assert float(order["sz"]) * float(order["limitPx"]) > 11.0


def test_a_paused_bot_drops_additions_before_it_asks_for_their_price_and_keeps_what_rests(bot, venue):
    """After /stopentry (State.PAUSED) a resting entry may still fill, nothing is added, a position may be left."""
    open_long(bot, fill=False)
    bot.state = State.PAUSED
    bot.process()
    assert len(venue.open_orders()) == 1
    sell_to(bot, 10.0)
    bot.strategy.adjustment = 99.0
    bot.process()
    assert bot.strategy.calls[-1] == "adjust_trade_position"
    assert venue.open_orders() == []
    bot.strategy.adjustment = "all"
    bot.process()
    assert [order["side"] for order in venue.open_orders()] == ["A"]


def test_an_addition_is_asked_for_its_price_and_not_confirmed(bot, venue):
    """So its actions are counted where its price is asked."""
    open_long(bot, fill=True)
    bot.strategy.adjustment = 99.0
    bot.process()
    assert bot.strategy.calls[-2:] == ["adjust_trade_position", "custom_entry_price"]
    assert [order["side"] for order in venue.open_orders()] == ["B"]


def test_a_paused_maker_offers_its_position_and_spends_nothing_on_additions(start, venue, tmp_path):
    """The model wants to add, Freqtrade drops it without a word: from the next loop on the reducing side rests."""
    parameters().write(tmp_path / "parameters")
    maker = start("MarketMaking", ROOT / "user_data" / "strategies")
    maker.strategy.quoter = lambda: (
        lambda *_: Quotes(Sides(bid=Quote(nan, Terms(level=0.5)), ask=Quote(nan, Terms(level=2.0))))
    )
    maker.venue = venue
    maker.process()
    sell_to(maker, 10.0)
    maker.state = State.PAUSED
    before = venue.audit()["orders_by_tif"]["Alo"]
    maker.process()
    assert venue.open_orders() == []
    for _ in range(3):
        maker.process()
        assert [order["side"] for order in venue.open_orders()] == ["A"]
    assert venue.audit()["orders_by_tif"]["Alo"] == before + 1
