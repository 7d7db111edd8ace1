"""The objects that the edge replaces have the shape it relies on; each override does what its name says, or nothing.

An upgrade of Freqtrade or ccxt that changes one of them fails here.
"""

import inspect
import time
from collections import Counter
from pathlib import Path

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest
import requests
from ccxt.base.types import Entry
from freqtrade.exchange import Exchange
from freqtrade.exchange.hyperliquid import Hyperliquid
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade
from freqtrade.worker import Worker

from market_making.settings.edge import EdgeSettings
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.desk import Desk
from market_making.trading.freqtrade.edge import sleep
from market_making.trading.freqtrade.edge.install import install
from market_making.trading.freqtrade.edge.overrides import OVERRIDES, names_of
from tests.live_bot import ROOT
from tests.puppet_market import parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
PAIR = "ETH/USDC:USDC"
CLIENTS = (ccxt.hyperliquid, ccxt.async_support.hyperliquid, ccxt.pro.hyperliquid)
REPLACED = (
    *("_lev_prep", "get_funding_fees", "get_trades_for_order", "close"),
    *("reload_markets", "_api_reload_markets", "_async_get_candle_history"),
)
OFF = dict.fromkeys(EdgeSettings.model_fields, False)


@pytest.fixture(autouse=True)
def _stock_sleep():
    """The pause is an attribute of a class, which outlives a bot."""
    yield
    sleep.restore()


@pytest.fixture
def maker(start, tmp_path, venue):
    """Start the market maker with some overrides on and all others off."""

    def start_maker(*names, **changes):
        parameters().write(tmp_path / "parameters")
        edge = OFF | dict.fromkeys(names, True)
        quote = {"actions_per_minute": 600, "minimum_life_s": 0}
        changes = {"market_making": {"edge": edge, "leverage": 2, "quote": quote}} | changes
        return start("MarketMaking", ROOT / "user_data" / "strategies", **changes)

    return start_maker


def traffic(venue, call):
    """Kinds of requests that come while `call` runs."""
    before = len(venue.asked)
    call()
    return Counter(asked.kind for asked in venue.asked[before:])


def requote(bot, venue):
    """Move the market up, so that the resting entry is replaced in one loop."""
    bot.process()
    order = venue.open_orders()[0]
    venue.market.mid = round(venue.market.mid * 1.002, 1)
    _shown(venue)
    counts = traffic(venue, bot.process)
    assert venue.open_orders()[0]["oid"] != order["oid"]
    return counts


def _shown(venue):
    """Wait until the venue's book is that of the market."""

    def best():
        answer = requests.post(f"{venue.url}/info", json={"type": "l2Book", "coin": "ETH"}, timeout=5).json()
        return float(answer["levels"][1][0]["px"])

    deadline = time.monotonic() + 5
    while abs(best() - venue.market.mid) > 0.2:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_override_has_a_switch_and_every_switch_an_override():
    """Whoever reads the register knows all; the fresh price uses public hooks only."""
    assert {override.name for override in OVERRIDES} == set(EdgeSettings.model_fields) - {"fresh"}


@pytest.mark.parametrize("client", CLIENTS)
def test_every_request_of_a_client_passes_its_request_method(client):
    """The door stands in its place; the parameters must be these, with these defaults."""
    kinds = [(p.name, p.default) for p in inspect.signature(client.request).parameters.values()]
    assert kinds[0][0] == "self"
    assert [name for name, _ in kinds[1:]] == ["path", "api", "method", "params", "config"]
    source = inspect.getsource(Entry)
    assert "_self.request(self.path, self.api, self.method, params, config=self.config)" in source


@pytest.mark.parametrize("client", CLIENTS)
def test_the_limiter_of_a_client_can_be_switched_off(client):
    """Only where `enableRateLimit` is true does a request wait."""
    source = inspect.getsource(client.fetch2)
    assert source.count("throttle") == 1
    assert source.index("if self.enableRateLimit:") < source.index("throttle")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_has_one_way_to_approve_a_builder(client):
    """And asks this option before it adds the builder to an order."""
    assert list(inspect.signature(client.handle_builder_fee_approval).parameters) == ["self"]
    assert "approvedBuilderFee" in inspect.getsource(client.create_orders_request)


def test_freqtrade_prepares_leverage_and_funding_through_these_methods():
    """Their parameters, and that an entry but no exit prepares the leverage."""
    assert list(inspect.signature(Hyperliquid._lev_prep).parameters) == [
        *("self", "pair", "leverage", "side", "accept_fail")
    ]
    assert list(inspect.signature(Hyperliquid.get_funding_fees).parameters) == [
        *("self", "pair", "amount", "is_short", "open_date")
    ]
    assert "if not reduceOnly:\n                self._lev_prep(" in inspect.getsource(Exchange.create_order)
    assert list(inspect.signature(Exchange.funding_fee_cutoff).parameters) == ["self", "open_date"]


def test_freqtrade_sleeps_between_two_loops_and_nowhere_else():
    """By a static method of the worker, after the loop."""
    assert isinstance(inspect.getattr_static(Worker, "_sleep"), staticmethod)
    assert list(inspect.signature(Worker._sleep).parameters) == ["sleep_duration"]
    throttle = inspect.getsource(Worker._throttle)
    assert throttle.index("func(*args") < throttle.index("self._sleep(")
    assert inspect.getsource(Worker).count("self._sleep(") == 1


def test_freqtrade_asks_for_fills_and_closes_an_exchange_by_these_methods():
    """Their parameters; the status of an order that is filled asks for its fills."""
    names = [*("self", "order_id", "pair", "since", "params")]
    assert list(inspect.signature(Exchange.get_trades_for_order).parameters) == names
    assert list(inspect.signature(Exchange.close).parameters) == ["self"]
    assert "self.get_trades_for_order(" in inspect.getsource(Hyperliquid._adjust_hyperliquid_order)
    assert "self.exchange.close()" in inspect.getsource(FreqtradeBot.cleanup)


def test_a_client_cancels_orders_of_several_pairs_in_one_action():
    """And has the address of the websocket where the asynchronous one has it."""
    assert list(inspect.signature(ccxt.hyperliquid.cancel_orders_for_symbols).parameters) == [
        "self",
        "orders",
        "params",
    ]
    assert ccxt.pro.hyperliquid().urls["api"]["ws"]["public"] == "wss://api.hyperliquid.xyz/ws"


def test_off_nothing_is_replaced(bot, tmp_path):
    """Every object is as ccxt and Freqtrade ship it, so off means stock."""
    stock = {name: getattr(bot.exchange, name) for name in REPLACED}
    clients = [client for client in (bot.exchange._api, bot.exchange._api_async) if client is not None]
    limits = [client.enableRateLimit for client in clients]
    edge = install(
        bot.exchange, names_of(EdgeSettings(**OFF), is_live=True), tmp_path, Desk(ActionBudget(60), 400, None)
    )
    assert edge.installed == ()
    assert {name: getattr(bot.exchange, name) for name in stock} == stock
    assert [client.enableRateLimit for client in clients] == limits
    for client in clients:
        assert not {"request", "throttle", "handle_builder_fee_approval"} & set(vars(client))
    assert not list(tmp_path.glob("pace*"))


def test_all_on_a_dry_run_has_no_account_to_ask():
    """What concerns orders is left out."""
    left_out = {"asked_once", "leverage_once", "address_budget", "named", "unanswered", "cancel_first"}
    assert set(names_of(EdgeSettings(), is_live=False)) == {override.name for override in OVERRIDES} - left_out


def test_the_strategy_installs_what_is_switched_on(maker, tmp_path):
    """From the configuration, at the start of the bot."""
    bot = maker("pace", "funding")
    assert bot.strategy._edge.installed == ("pace", "funding")
    assert len(list((tmp_path / "state").glob("pace-127.0.0.1_*"))) == 1
    assert bot.strategy._edge.weight_per_minute > 0


def test_leverage_once_makes_a_requote_of_an_entry_two_actions(maker, venue):
    """Cancel and place; the leverage was set before and verified."""
    counts = requote(maker("leverage_once"), venue)
    assert (counts["cancel"], counts["order"], counts["updateLeverage"]) == (1, 1, 0)
    answer = Counter(asked.kind for asked in venue.asked)
    assert (answer["updateLeverage"], answer["activeAssetData"]) == (1, 1)


def test_without_it_a_requote_of_an_entry_is_three(maker, venue):
    """As Freqtrade ships."""
    counts = requote(maker(), venue)
    assert (counts["cancel"], counts["order"], counts["updateLeverage"]) == (1, 1, 1)


def test_after_a_restart_the_leverage_is_sent_again(maker, venue):
    """Another program may have changed it."""
    first = maker("leverage_once")
    first.process()
    first.cleanup()
    Trade.session.remove()
    second = maker("leverage_once")
    assert requote(second, venue)["updateLeverage"] <= 1
    assert Counter(asked.kind for asked in venue.asked)["updateLeverage"] == 2


def test_the_leverage_that_is_sent_once_is_that_of_the_positions(maker, venue):
    """Isolated, at twice, as configured."""
    bot = maker("leverage_once")
    bot.process()
    answer = bot.exchange._api.publicPostInfo(
        {"type": "activeAssetData", "user": bot.exchange._api.walletAddress, "coin": "ETH"}
    )
    assert (answer["leverage"]["type"], answer["leverage"]["value"]) == ("isolated", 2)


def test_asked_once_halves_the_questions_about_the_account(maker, venue):
    """Between two events one question instead of two."""
    asked = requote(maker("asked_once"), venue)["clearinghouseState"]
    assert 0 < asked <= 3


def test_without_it_the_account_is_asked_about_each_time(maker, venue):
    """As Freqtrade ships."""
    assert requote(maker(), venue)["clearinghouseState"] >= 4


def test_the_pace_lets_a_loop_pass_without_a_wait(maker, venue, tmp_path):
    """A requote of 13 units takes 0.65 s at ccxt's own limit."""
    limit = {"ccxt_config": {"rateLimit": 50}}
    took = {}
    for names in ((), ("pace",)):
        bot = maker(*names, exchange=limit)
        bot.process()
        began = time.monotonic()
        for _ in range(3):
            bot.process()
        took[names] = time.monotonic() - began
        bot.cleanup()
        Trade.session.remove()
    assert took[("pace",)] < took[()] / 2


def test_freqtrade_proposes_the_touch_of_a_book_read_just_before(bot, venue):
    """The price hook of a long's entry gets the best bid of the last book before the order."""
    seen = []

    def price(**hook):
        seen.append(hook["proposed_rate"])
        return 2999.0

    bot.strategy.custom_entry_price = price
    bot.strategy.side = "long"
    bot.process()
    assert seen == [venue.market.mid - 0.1]
    assert [asked.kind for asked in venue.asked if asked.kind in ("l2Book", "order")][-2:] == ["l2Book", "order"]


def test_a_price_follows_a_book_that_is_newer_than_the_plans(maker, venue):
    """The market moves between the plan and the order: the order moves with it and is confirmed."""
    bot = maker("fresh")
    open_desk = bot.strategy._desk.open

    def planned_then_moved(*inputs):
        plan = open_desk(*inputs)
        venue.market.mid = 3002.0
        _shown(venue)
        return plan

    bot.strategy._desk.open = planned_then_moved
    bot.process()
    plan, resting = bot.strategy._desk.made(PAIR).plan, venue.open_orders()[0]
    order = bot.strategy._desk.order(PAIR, grows=True)
    assert plan.mid == pytest.approx(3000.0)
    assert float(resting["limitPx"]) == order.price == pytest.approx(plan.order.price + 2.0)
    assert order.terms.fresh == pytest.approx(-2.0)
    assert plan.mid - order.price == pytest.approx(order.terms.depth)


def test_without_it_a_price_is_that_of_the_plans_book(maker, venue):
    """As planned."""
    bot = maker()
    bot.process()
    plan = bot.strategy._desk.made(PAIR).plan
    assert bot.strategy._follows_touch is False
    assert float(venue.open_orders()[0]["limitPx"]) == plan.quotes.sides.bid.price


def test_the_files_of_the_edge_are_the_only_ones_that_touch_a_client():
    """Nobody else reaches into `_api`."""
    package = ROOT / "market_making"
    touching = [file for file in package.rglob("*.py") if "._api" in file.read_text()]
    strategies = [file for file in (ROOT / "user_data" / "strategies").glob("*.py") if "._api" in file.read_text()]
    assert {file.parent for file in touching} == {Path(package / "trading" / "freqtrade" / "edge")}
    assert not strategies
