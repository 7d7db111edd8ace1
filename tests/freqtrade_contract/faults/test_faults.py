"""What can go wrong between stock Freqtrade and the exchange, one loop at a time (docs/faults.md has the table)."""

import json
from pathlib import Path
from typing import Any

import pytest
from freqtrade.persistence import Trade
from sqlalchemy.exc import OperationalError

from market_making.quoting.risk.rules import RiskState
from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from tests.freqtrade_contract.faults.loops import (
    LOT,
    agree,
    booked,
    fill,
    hand,
    held,
    loops,
    marked,
    most_beside,
    rest_by_hand,
    resting,
    shown,
    some,
    strikes,
    until,
)  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::Warning")]

# --- 1, 8, 9, 15: an order that rests and that no database knows -------------------------------------------------


LOST = (
    {"fault": "status", "code": 504, "executed": True},
    {"fault": "status", "code": 429, "executed": True},
    {"fault": "cut"},
    {"fault": "half"},
    {"fault": "null"},
    {"fault": "empty"},
    {"fault": "content", "content": {"status": "ok", "response": {"type": "order"}}},
)


@pytest.mark.parametrize("fault", some(LOST), ids=lambda fault: f"{fault['fault']}{fault.get('code', '')}")
@pytest.mark.parametrize("side", ["entry", "exit"])
def test_an_order_whose_answer_is_lost_has_no_other_beside_it(maker, venue, fault, side):
    """The exchange is asked for it by its name, or it is cancelled; the bot goes on with books that are the venue's."""
    bot = maker()
    if side == "exit":
        loops(bot, 2)
        fill(venue)
    counts: list[int] = []
    venue.inject(fault | {"action": "order", "times": 1})
    until(bot, lambda: bool(counts.append(len(venue.open_orders()))) or strikes(venue) == 1, 10, "a lost answer")
    until(bot, lambda: bool(counts.append(len(venue.open_orders()))) or agree(venue), 10, "agreeing")
    assert len(venue.open_orders()) == max(counts) == 1


def test_an_unknown_order_at_the_start_is_cancelled_before_anything_else_is_opened(maker, venue):
    """As after kill -9 between acceptance and the database: the next process knows nothing of the order."""
    oid = rest_by_hand(venue, price=2990.0)
    bot = maker()
    assert most_beside(bot, venue, oid) == 1
    until(bot, lambda: resting(venue) == ["B"], 8, "quoting")


def test_an_entry_whose_answer_is_lost_and_that_fills_is_the_bots_and_is_offered(maker, venue):
    """It fills before anybody has asked for it: the position is in the books, and nothing is opened beside it."""
    bot = maker()
    venue.inject({"fault": "cut", "action": "order", "times": 1})
    until(bot, lambda: strikes(venue) == 1, 10, "a lost answer")
    fill(venue)
    until(bot, lambda: resting(venue) == ["A"] and agree(venue), 8, "offering it")
    assert held(venue) == pytest.approx(LOT)


@pytest.mark.parametrize("late_s", [0.5, 7.0])
def test_a_bot_that_ends_while_an_order_is_on_its_way_leaves_nothing(maker, venue, late_s, monkeypatch):
    """A stop that cannot wait any more interrupts the request: the order is found at the end and cancelled."""
    bot = maker()
    loops(bot)
    hand(venue).cancel("ETH", venue.open_orders()[0]["oid"])
    venue.inject({"fault": "late", "action": "order", "seconds": late_s, "times": 1})

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def stop(*arguments: Any, **more: Any) -> Any:
        stock(*arguments, **more)
        interrupted()

    stock = bot.exchange._api.create_order
    monkeypatch.setattr(bot.exchange._api, "create_order", stop)
    with pytest.raises(KeyboardInterrupt):
        loops(bot, 3)
    assert resting(venue) == ["B"]
    bot.cleanup()
    assert resting(venue) == []


@pytest.mark.parametrize(
    "fault", some(({"fault": "status", "code": 502}, {"fault": "null"})), ids=lambda each: each["fault"]
)
def test_a_bot_that_ends_while_no_question_is_answered_leaves_nothing(maker, venue, fault):
    """Neither the order nor the list of orders can be asked for: what the books have open is cancelled unasked."""
    bot = maker()
    loops(bot, 2)
    assert resting(venue) == ["B"]
    venue.inject(fault | {"info": "any"})
    bot.cleanup()
    assert resting(venue) == []


@pytest.mark.parametrize("size", some((0.0017, 0.0004, 0.0036)))
def test_a_bot_that_ends_leaves_no_remainder_that_freqtrade_does_not_cancel(maker, venue, size):
    """First fills of 1, 5 and 11 USDC: Freqtrade keeps the rest, as what is filled could not be sold by itself."""
    bot = maker()
    loops(bot)
    fill(venue, size)
    loops(bot)
    bot.cleanup()
    assert resting(venue) == []
    again = maker()
    loops(again, 3)
    assert booked() == pytest.approx(held(venue))


def test_a_full_disk_while_an_order_is_created_leaves_no_second_one(maker, venue, monkeypatch):
    """The database cannot be written, the bot ends; the next process finds the order and opens nothing beside it."""
    bot = maker()
    stock = Trade.session.commit

    def commit() -> None:
        """Write, unless an order rests: then what SQLite says of a full disk."""
        if venue.open_orders():
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        stock()

    with monkeypatch.context() as patch:
        patch.setattr(Trade.session, "commit", commit)
        with pytest.raises(OperationalError):
            loops(bot, 3)
        Trade.session.rollback()
    (lost,) = (order["oid"] for order in venue.open_orders())
    assert most_beside(maker(), venue, lost) == 1


# --- 2: a position that the books do not explain --------------------------------------------------------------------


@pytest.mark.parametrize(("buy", "size"), some([(True, 0.01), (True, 0.1), (False, 0.1)], 2))
def test_a_trade_by_hand_stops_opening_at_once_and_is_told(maker, venue, tmp_path, buy, size):
    """Larger or smaller than what rests, with it or against it: within the time of two loops, and said in the state."""
    bot = maker()
    loops(bot, 2)
    answer = hand(venue).market_open("ETH", buy, size)
    assert answer["status"] == "ok"
    until(bot, lambda: resting(venue) == [], 6, "cancelling")
    assert "unknown position" in (tmp_path / "state" / "market-making.json").read_text()
    assert hand(venue).market_close("ETH")["status"] == "ok"
    until(bot, lambda: resting(venue) == ["B"], 8, "quoting again")


def test_what_is_certainly_the_bots_is_offered_beside_what_is_not(maker, venue):
    """A hand-made purchase on top of the bot's own position: the bot's part is sold, no more."""
    bot = maker()
    loops(bot, 2)
    fill(venue)
    loops(bot, 2)
    assert hand(venue).market_open("ETH", True, 0.1)["status"] == "ok"
    loops(bot, 3)
    (order,) = venue.open_orders()
    assert (order["side"], float(order["sz"])) == ("A", LOT)
    fill(venue)
    loops(bot, 2)
    assert held(venue) == pytest.approx(0.1)
    assert booked() == 0


# --- 3: an answer that is null, zero or empty; a loss that is real ---------------------------------------------------

KINDS = (
    "clearinghouseState", "openOrders", "frontendOpenOrders", "orderStatus", "l2Book", "userFillsByTime", "userFunding",
    "candleSnapshot", "fundingHistory", "userRateLimit", "activeAssetData", "userFees", "meta", "metaAndAssetCtxs",
    "allMids", "spotMetaAndAssetCtxs", "userAbstraction", "spotClearinghouseState", "allPerpMetas", "perpDexs",
)  # fmt: skip


@pytest.mark.parametrize("answer", ["null", "zero", "empty"])
@pytest.mark.parametrize("holds", some((False, True)), ids=lambda holds: "position" if holds else "flat")
def test_one_odd_answer_of_any_kind_neither_sells_nor_latches(maker, venue, tmp_path, answer, holds):
    """Each kind of question is answered so once, while something is held or not; then all is as before."""
    bot = maker()
    loops(bot, 2)
    if holds:
        fill(venue)
        loops(bot, 2)
    side, before = resting(venue), venue.audit()
    for kind in KINDS:
        venue.inject({"fault": answer, "info": kind, "times": 1})
        loops(bot, 2)
        venue.heal()
    until(bot, lambda: resting(venue) == side, 15, "quoting again")
    after = venue.audit()
    assert after["fills"] == before["fills"]
    assert after["positions"] == before["positions"]
    assert after["orders_by_tif"].keys() == {"Alo"}
    assert booked() == pytest.approx(held(venue))
    assert not latched(tmp_path)
    again = maker()
    until(again, lambda: resting(venue) == side, 15, "quoting after a restart")


def latched(folder: Path) -> bool:
    """Whether a loss limit was reached according to what is kept over restarts."""
    states = [RiskState.from_json(json.loads(file.read_text())) for file in (folder / "risk").glob("*.json")]
    return any(state.equity.drawn_down or state.equity.lost_today for state in states)


@pytest.mark.parametrize(("limit", "beyond"), [("daily_loss", "drawdown"), ("drawdown", "daily_loss")])
def test_a_real_loss_of_twice_the_limit_halts_within_two_loops(maker, venue, tmp_path, limit, beyond):
    """The position is left at the touch, nothing is opened, and a restart does not forget a drawdown."""
    bot = maker(market_making={"risk": {limit: 1.0, beyond: 1000.0}})
    loops(bot, 2)
    fill(venue)
    loops(bot, 3)
    assert held(venue) == pytest.approx(LOT)
    venue.market.mid -= 60.0  # of one lot: 2 USDC
    shown(venue)
    loops(bot, 2)
    assert latched(tmp_path)
    (order,) = venue.open_orders()
    assert (order["side"], float(order["limitPx"])) == ("A", round(venue.market.mid + 0.1, 1))
    fill(venue)
    loops(bot, 3)
    assert (held(venue), resting(venue)) == (0.0, [])
    again = maker(market_making={"risk": {limit: 1.0, beyond: 1000.0}})
    loops(again, 3)
    assert resting(venue) == []


SETTLED = {"balances": [{"coin": "USDC", "token": 0, "total": "9999.9", "hold": "100.0", "entryNtl": "0.0"}]}


@pytest.mark.parametrize("content", some((SETTLED, None)), ids=lambda content: "settled" if content else "worth")
@pytest.mark.parametrize("fall", some((40.0, 60.0)))
@pytest.mark.parametrize("venue", [{"abstraction": "unifiedAccount"}], indirect=True, ids=[""])
def test_an_open_loss_of_a_unified_account_counts_whatever_its_balance_contains(maker, venue, tmp_path, content, fall):
    """The exchange tells in contradictory ways whether the balance contains open results; the worse reading counts."""
    if content is not None:
        venue.inject({"fault": "content", "info": "spotClearinghouseState", "content": content})
    unified = {"ccxt_config": {"options": {"enableUnifiedMargin": True}}}
    bot = maker(market_making={"risk": {"daily_loss": 1.0, "drawdown": 100.0}}, exchange=unified)
    loops(bot, 2)
    fill(venue)
    loops(bot, 3)
    assert held(venue) == pytest.approx(LOT)
    assert not latched(tmp_path)
    for _ in range(3):  # of one lot 1.3 or 2 USDC, slowly: a fall that the mark price lags shows by itself
        venue.market.mid = round(venue.market.mid - fall / 3, 1)
        marked(venue)
        loops(bot)
    until(bot, lambda: latched(tmp_path), 5, "a halt")


# --- 4, 5: what Freqtrade does not cancel ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", some((0.0017, 0.0004, 0.0036)))
def test_a_small_first_fill_keeps_no_order_from_the_kill_switch(maker, venue, tmp_path, size):
    """5, 1 and 11 USDC are filled: Freqtrade keeps the rest; the bot cancels it a loop later, without the guard."""
    bot = maker()
    loops(bot, 2)
    fill(venue, size)
    loops(bot)
    write_kill(tmp_path / "state", Kill(1))
    assert until(bot, lambda: resting(venue) == [], 3, "cancelling") < 3
    remove_kill(tmp_path / "state")
    until(bot, lambda: len(resting(venue)) == 1 and agree(venue), 8, "going on")


@pytest.mark.parametrize("left", some((0.003, 0.0017)))
def test_the_rest_of_an_exit_does_not_keep_its_pair_from_quoting(maker, venue, left):
    """9 or 5 USDC are left of it while the market has gone on: it is cancelled, and the rest is offered or booked."""
    bot = maker()
    loops(bot, 2)
    fill(venue)
    loops(bot, 2)
    order = venue.open_orders()[0]
    fill(venue, round(LOT - left, 4))
    loops(bot)
    venue.market.mid -= 6.0
    shown(venue)
    until(bot, lambda: order["oid"] not in {each["oid"] for each in venue.open_orders()}, 5, "cancelling")
    until(bot, lambda: len(resting(venue)) == 1 and agree(venue), 8, "quoting again")


@pytest.mark.parametrize("leverage", some((3, 10, 5)))
@pytest.mark.parametrize("share", some((0.8, 0.2)))
def test_a_partly_filled_exit_with_leverage_does_not_disable_the_stop(maker, venue, leverage, share):
    """Most of the exit is filled, or little, then the price falls beyond the stop: the rest is sold.

    Freqtrade cancels no exit of which less is left than its smallest stake times the leverage.
    """
    smallest = 40.0 * leverage
    bot = maker(stoploss=-0.05, market_making={"leverage": leverage, "model": {"order_notional": smallest}})
    loops(bot, 2)
    fill(venue)
    loops(bot, 2)
    (order,) = venue.open_orders()
    assert order["side"] == "A"
    fill(venue, round(float(order["sz"]) * share, 4))
    loops(bot)
    venue.market.mid = round(venue.market.mid * (1 - 0.1 / leverage), 1)
    shown(venue)
    until(bot, lambda: held(venue) == 0.0, 10, "the stop")


# --- 13: a key that may not trade ------------------------------------------------------------------------------------


WORDS = "User or API Wallet 0x0000000000000000000000000000000000000001 does not exist."


@pytest.mark.parametrize("text", some((WORDS, "Must deposit before performing actions.")))
def test_a_key_that_may_not_trade_is_told_in_the_exchanges_words_and_asks_little(maker, venue, tmp_path, text):
    """One action in ten seconds, and no more; the bot goes on with a key that may."""
    bot = maker()
    venue.inject({"fault": "refuse", "action": "any", "text": text, "whole": True})
    loops(bot, 5)
    assert strikes(venue) <= 2
    assert resting(venue) == []
    lines = "".join(file.read_text() for file in (tmp_path / "decisions").glob("*.jsonl"))
    assert text in lines
    venue.heal()
    until(bot, lambda: resting(venue) == ["B"] and agree(venue), 15, "quoting")


# --- 18: a clock that is wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset_ms", some((45_000, -45_000, 5_000), 2))
def test_a_wrong_clock_stops_quoting_and_is_told(maker, venue, tmp_path, offset_ms):
    """In whichever direction: no age of a book can be told. Set right, the bot goes on."""
    bot = maker()
    loops(bot, 2)
    venue.inject({"fault": "clock", "offset_ms": offset_ms})
    until(bot, lambda: resting(venue) == [], 4, "cancelling")
    state = (tmp_path / "state" / "market-making.json").read_text()
    assert ("ahead of this machine's clock" if offset_ms > 0 else "s old") in state
    venue.heal()
    until(bot, lambda: resting(venue) == ["B"], 8, "quoting again")


# --- 20: the price falls through a power of ten ----------------------------------------------------------------------


@pytest.mark.parametrize("above", some((1000.2, 1000.6)))
@pytest.mark.parametrize("step", [-0.9, -2.0])
def test_below_a_power_of_ten_the_order_rests_on_the_finer_grid_and_is_kept(maker, venue, above, step):
    """The markets were loaded above it, with a tick ten times as coarse."""
    venue.market.mid = above
    shown(venue)
    bot = maker(mid=above, market_making={"quote": {"minimum_half_spread_bps": 10}})
    loops(bot, 2)
    venue.market.mid = round(above + step, 1)
    shown(venue)
    loops(bot, 3)
    (order,) = venue.open_orders()
    quotes = bot.strategy._desk.made("ETH/USDC:USDC").plan.quotes.sides
    planned = quotes.bid if order["side"] == "B" else quotes.ask
    assert abs(planned.terms.tick) <= 0.0101  # what rounding to the grid has cost
    assert abs(float(order["limitPx"]) - planned.price) <= 0.0101
    assert order["side"] == "B" if step > -1 else True
    loops(bot, 5)
    assert [each["oid"] for each in venue.open_orders()] == [order["oid"]]
