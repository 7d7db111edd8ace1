"""What held under faults from the beginning keeps holding (docs/faults.md has the table)."""

import time
from contextlib import suppress

import orjson
import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.exceptions import OperationalException, TemporaryError
from freqtrade.persistence import Trade
from freqtrade.rpc import RPC, RPCException
from freqtrade.worker import Worker

from market_making.trading.freqtrade import closed_markets
from tests.freqtrade_contract.faults.loops import (
    LOT,
    agree,
    fill,
    hand,
    held,
    loops,
    resting,
    some,
    strikes,
    until,
)  # fmt: skip
from tests.live_bot import ROOT, merged
from tests.puppet_market import ADDRESS, live_config, parameters

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::Warning")]
PAIR = "ETH/USDC:USDC"


@pytest.mark.parametrize("fault", some([{"fault": "cut"}, {"fault": "half"}, {"fault": "status", "code": 504}]))
def test_a_cancel_whose_answer_is_lost_leads_to_one_new_order(maker, venue, fault):
    """Carried out by the exchange, unknown to the bot: the next quote comes at once, and none is doubled."""
    bot = maker()
    loops(bot, 2)
    old = venue.open_orders()[0]["oid"]
    venue.inject(fault | {"action": "cancel", "executed": True, "times": 1})
    venue.market.mid += 3.0
    counts = []
    until(bot, lambda: bool(counts.append(len(venue.open_orders()))) or strikes(venue) == 1, 5, "a lost answer")
    until(bot, lambda: [order["oid"] for order in venue.open_orders()] not in ([], [old]), 5, "a new quote")
    loops(bot)
    assert len(venue.open_orders()) == 1
    assert max(counts) == 1
    assert agree(venue)


def test_a_lost_exit_never_flips(maker, venue):
    """Its answer is lost and it is taken: nothing is held, and not the other way round."""
    bot = maker()
    loops(bot, 2)
    fill(venue)
    venue.inject({"fault": "cut", "action": "order", "side": "sell", "times": 1})
    until(bot, lambda: strikes(venue) == 1, 5, "a lost answer")
    fill(venue)
    assert held(venue) == 0.0
    until(bot, lambda: resting(venue) == ["B"] and agree(venue), 15, "going on")


def test_what_filled_while_no_bot_ran_is_offered_after_the_start(maker, venue):
    """The process was killed, its order filled, and the next one offers the position within two loops."""
    loops(maker(), 2)
    fill(venue)
    again = maker()
    loops(again, 2)
    assert resting(venue) == ["A"]
    assert agree(venue)


def test_a_position_closed_by_hand_is_not_opened_again_without_the_books(maker, venue, tmp_path):
    """What the books hold and the account does not is told; the bot opens nothing on it."""
    bot = maker()
    loops(bot, 2)
    fill(venue)
    loops(bot, 2)
    assert hand(venue).market_close("ETH")["status"] == "ok"
    loops(bot, 4)
    assert held(venue) == 0.0
    assert resting(venue) in ([], ["B"])
    assert "B" not in resting(venue) or agree(venue)
    assert resting(venue) or "unknown position" in (tmp_path / "state" / "market-making.json").read_text()


@pytest.mark.parametrize("code", some((429, 502)))
def test_an_outage_of_everything_ends_with_a_fresh_quote(maker, venue, code):
    """What rested goes in the first loops after the repair; nothing is doubled, and the books agree."""
    bot = maker()
    loops(bot, 2)
    old = venue.open_orders()[0]["oid"]
    venue.inject({"fault": "status", "code": code, "info": "any"}, {"fault": "status", "code": code, "action": "any"})
    venue.market.mid += 3.0
    for _ in range(4):
        with suppress(TemporaryError):  # the worker sleeps after it
            loops(bot)
    assert [order["oid"] for order in venue.open_orders()] == [old]
    venue.heal()
    until(bot, lambda: old not in {order["oid"] for order in venue.open_orders()}, 5, "cancelling")
    until(bot, lambda: resting(venue) == ["B"] and agree(venue), 10, "quoting again")


@pytest.mark.parametrize(
    "fault",
    some(
        [{"fault": "null"}, {"fault": "status", "code": 429}, {"fault": "status", "code": 500}, {"fault": "empty"}], 2
    ),
)
def test_without_a_book_nothing_rests(maker, venue, fault):
    """The order goes within two loops, although the book is refused, null, broken or empty."""
    bot = maker()
    loops(bot, 2)
    venue.inject(fault | {"info": "l2Book"})
    loops(bot, 2)
    assert resting(venue) == []
    venue.heal()
    until(bot, lambda: resting(venue) == ["B"], 10, "quoting again")


REFUSALS = ("Insufficient margin to place order. asset=1", "Trading is halted.", "Too many open orders.")


@pytest.mark.parametrize("text", some(REFUSALS))
def test_a_refused_order_is_no_reason_to_end_and_none_to_sell(maker, venue, text, monkeypatch):
    """Too little money, a halted coin: in the exchange's words, and the bot goes on when it is over."""
    monkeypatch.setattr(closed_markets, "AGAIN_MS", 3_000)  # a halted market is left alone for a minute
    bot = maker()
    loops(bot)
    hand(venue).cancel("ETH", venue.open_orders()[0]["oid"])
    venue.inject({"fault": "refuse", "action": "order", "text": text})
    loops(bot, 4)
    assert resting(venue) == []
    assert venue.audit()["taker_fills"] == 0
    venue.heal()
    until(bot, lambda: resting(venue) == ["B"] and agree(venue), 10, "quoting again")


@pytest.mark.parametrize("fault", some([{"fault": "status", "code": 500}, {"fault": "status", "code": 502}]))
def test_an_error_instead_of_the_balance_sells_nothing(maker, venue, fault):
    """The position is kept and offered as before when the balance can be read again."""
    bot = maker()
    loops(bot, 2)
    fill(venue)
    loops(bot, 2)
    venue.inject(fault | {"info": "clearinghouseState"})
    for _ in range(3):
        with suppress(TemporaryError):  # the worker sleeps after it
            loops(bot)
    assert held(venue) == pytest.approx(LOT)
    venue.heal()
    until(bot, lambda: resting(venue) == ["A"] and agree(venue), 10, "quoting again")
    assert venue.audit()["taker_fills"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"order_types": {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}},
        {"stake_amount": "unlimited", "max_open_trades": -1},
    ],
    ids=["market orders", "unlimited stake"],
)
def test_what_freqtrade_or_a_promise_refuses_does_not_start(maker, venue, changes):
    """Before any order."""
    with pytest.raises(OperationalException):
        maker(**changes)
    assert venue.open_orders() == []


@pytest.mark.parametrize("margin", some(("cross", "isolated")))
def test_both_margin_modes_are_traded(maker, venue, margin):
    """A round trip in each."""
    bot = maker(margin_mode=margin)
    loops(bot, 2)
    fill(venue)
    loops(bot, 2)
    assert resting(venue) == ["A"]
    fill(venue)
    loops(bot, 2)
    assert (held(venue), resting(venue)) == (0.0, ["B"])


def test_a_configuration_read_again_leaves_one_order(venue, tmp_path):
    """`/reload_config` cancels, builds the bot anew, and quotes again."""
    parameters(valid_until_ms=int(time.time() * 1e3) + 600_000).write(tmp_path / "parameters")
    private = tmp_path / "private.json"
    private.write_bytes(
        orjson.dumps(merged(live_config(venue.url, tmp_path), {"market_making": {"edge": {"pace": False}}}))
    )
    arguments = {
        "config": [str(ROOT / "user_data" / "config.json"), str(private)],
        "user_data_dir": str(ROOT / "user_data"),
        "strategy": "MarketMaking",
        "strategy_path": str(ROOT / "user_data" / "strategies"),
    }
    worker = Worker(arguments, Configuration(arguments, RunMode.LIVE).get_config())
    loops(worker.freqtrade, 2)
    before = venue.open_orders()[0]["oid"]
    RPC(worker.freqtrade)._rpc_reload_config()
    worker._reconfigure()
    loops(worker.freqtrade, 2)
    (order,) = venue.open_orders()
    assert order["oid"] != before
    assert agree(venue)
    worker.freqtrade.cleanup()
    Trade.session.remove()


def test_a_forced_entry_on_the_wrong_side_is_refused(maker, venue):
    """A long-only bot holds no short, whoever asks for it."""
    bot = maker(force_entry_enable=True, market_making={"sides": "long_only"})
    loops(bot, 2)
    with pytest.raises(RPCException):
        RPC(bot)._rpc_force_entry(PAIR, None, order_side="short")
    loops(bot, 2)
    assert resting(venue) == ["B"]
    assert agree(venue)


def test_a_deleted_trade_takes_its_order_with_it(maker, venue):
    """`/delete` of a trade whose entry rests: one order afterwards, known to the books."""
    bot = maker()
    loops(bot, 2)
    (trade,) = Trade.get_open_trades()
    RPC(bot)._rpc_delete(trade.id)
    assert resting(venue) == []
    until(bot, lambda: resting(venue) == ["B"] and agree(venue), 10, "quoting again")


def test_a_liquidation_is_no_reason_to_open_or_flip(maker, venue, tmp_path):
    """The exchange takes the position: the bot does not buy it back blindly, and never goes short by its exit."""
    bot = maker()
    loops(bot, 2)
    fill(venue)
    loops(bot, 2)
    venue.inject({"fault": "liquidate"})
    until(bot, lambda: held(venue) == 0.0, 10, "a liquidation")
    loops(bot, 4)
    assert held(venue) == 0.0
    assert "B" not in resting(venue) or agree(venue)


@pytest.mark.parametrize("price", some((2990.0, 2500.0)))
def test_a_stop_that_somebody_has_placed_beside_the_ask_stays(maker, venue, price):
    """A trigger order that may only reduce protects the position: it is neither cancelled nor a reason to stop."""
    bot = maker()
    loops(bot, 2)
    fill(venue)
    loops(bot, 2)
    trigger = {"trigger": {"triggerPx": price, "isMarket": True, "tpsl": "sl"}}
    answer = hand(venue).order("ETH", False, LOT, price, trigger, reduce_only=True)
    oid = answer["response"]["data"]["statuses"][0]["resting"]["oid"]
    began = time.monotonic()
    until(bot, lambda: time.monotonic() - began > 5, 10, "the grace")
    assert oid in {order["oid"] for order in venue.open_orders(ADDRESS)}
    assert len(venue.open_orders(ADDRESS)) == 2
