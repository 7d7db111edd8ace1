"""The life of orders as clients ask for it: actions in the wire's own form, answers in the exchange's own words."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from market_making.hyperliquid.actions import read_action
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.instrument import Listing
from market_making.market.sides import Direction
from market_making.venue.accounts.account import Account
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.engine.exchange import Exchange
from market_making.venue.protocol.action_desk import ActionDesk
from market_making.venue.protocol.audit import audit
from market_making.venue.protocol.info import Info

ALICE, BOB = "0x" + "a" * 40, "0x" + "b" * 40
BUILDER = "0x" + "9" * 40
START_MS = 1_000_000
CLOID = "0x" + "0" * 31 + "7"


class Desk:
    """An exchange with one coin at 3000, and two accounts that speak JSON."""

    def __init__(self, **settings: Any) -> None:
        accounts = (AccountConfig(ALICE, balance=1_000.0), AccountConfig(BOB, balance=1_000_000.0))
        config = VenueConfig(accounts=accounts, mark_period_s=0.0, **settings)
        self.exchange = Exchange([Listing("ETH", 4, 25)], config, START_MS)
        self.actions = ActionDesk(self.exchange)
        self.info = Info(self.exchange, None)  # type: ignore[arg-type]
        self.move(0)

    def account(self, address: str = ALICE) -> Account:
        return self.exchange.state.accounts[address]

    def move(self, shift: int, wait_ms: int = 0) -> None:
        bids, asks = (
            tuple(Level(round(3000 + 0.1 * (shift + sign * step), 1), 5.0) for step in range(1, 21)) for sign in (-1, 1)
        )
        self.exchange.on_book(BookSnapshot("ETH", self.exchange.state.now_ms + wait_ms, bids, asks))

    def show(self, bid: float, ask: float) -> None:
        """A book with these sizes at 2999.9 and 3000.1, and one coin a step behind."""
        bids = Level(2999.9, bid), Level(2999.8, 1.0)
        asks = Level(3000.1, ask), Level(3000.2, 1.0)
        self.exchange.on_book(BookSnapshot("ETH", self.exchange.state.now_ms, bids, asks))

    def sell_print(self, price: float, size: float) -> None:
        self.exchange.on_trade(Trade("ETH", self.exchange.state.now_ms, Direction.SELL, price, size, "5"))

    def do(self, address: str = ALICE, **action: Any) -> dict[str, Any]:
        return self.actions.execute(self.account(address), read_action(action))

    def order(self, address: str = ALICE, **changes: Any) -> Any:
        """Place one order and return its status."""
        answer = self.do(address, type="order", orders=[wire(**changes)], grouping="na")
        return answer["response"]["data"]["statuses"][0] if answer["status"] == "ok" else answer["response"]

    def status(self, oid: int | str, address: str = ALICE) -> str:
        answer = self.info.answer({"type": "orderStatus", "user": address, "oid": oid})
        return answer["order"]["status"] if answer["status"] == "order" else answer["status"]


@pytest.fixture
def desk() -> Iterator[Desk]:
    return Desk()


def wire(**changes: Any) -> dict[str, Any]:
    return {"a": 0, "b": True, "p": "2999.9", "s": "0.1", "r": False, "t": tif("Gtc"), **changes}


def tif(name: str) -> dict[str, Any]:
    return {"limit": {"tif": name}}


def trigger(price: str, kind: str, *, is_market: bool = True) -> dict[str, Any]:
    return {"trigger": {"isMarket": is_market, "triggerPx": price, "tpsl": kind}}


@pytest.mark.parametrize(("changes", "text"), [
    ({"p": "2999.95"}, "Price must be divisible by tick size. asset=0"),
    ({"p": "12345.6"}, "Price must be divisible by tick size. asset=0"),
    ({"s": "0.00001"}, "Order has invalid size."),
    ({"s": "0"}, "Order has zero size."),
    ({"s": "0.0033"}, "Order must have minimum value of $10. asset=0"),
    ({"s": "7"}, "Insufficient margin to place order. asset=0"),
    ({"r": True}, "Reduce only order would increase position. asset=0"),
    ({"p": "3000.1", "t": tif("Alo")},
     "Post only order would have immediately matched, bbo was 2999.9@3000.1. asset=0"),
    ({"p": "2999.9", "t": tif("Ioc")}, "Order could not immediately match against any resting orders. asset=0"),
    ({"p": "500"}, "Order price cannot be more than 80% away from the reference price"),
    ({"b": False, "r": True, "t": trigger("3001", "sl")}, "Invalid TP/SL price. asset=0"),
])  # fmt: skip
def test_a_refusal_has_the_exchanges_words(desk: Desk, changes: dict[str, Any], text: str):
    """Every refusal tells its reason in the text that clients look for, and leaves nothing open."""
    assert desk.order(**changes) == {"error": text}
    assert not desk.account().open_orders
    assert desk.info.answer({"type": "historicalOrders", "user": ALICE})[0]["status"].endswith("ejected")


@pytest.mark.parametrize("price", ["3000", "2999.9", "3000.1"])
def test_valid_prices_have_five_figures_or_are_integers(desk: Desk, price: str):
    """Prices on the grid are accepted."""
    assert "error" not in desk.order(p=price)


def test_a_resting_order_is_known_by_both_of_its_names(desk: Desk):
    """Order id and client order id lead to the same order, with every field that was sent."""
    oid = desk.order(c=CLOID, t=tif("Alo"))["resting"]["oid"]
    for key in (oid, CLOID):
        shown = desk.info.answer({"type": "orderStatus", "user": ALICE, "oid": key})["order"]["order"]
        assert (shown["oid"], shown["cloid"], shown["tif"], shown["side"], shown["limitPx"], shown["sz"]) == (
            oid, CLOID, "Alo", "B", "2999.9", "0.1"
        )  # fmt: skip
    assert desk.status(oid, BOB) == "unknownOid"


def test_an_aggressor_is_told_its_average_price(desk: Desk):
    """An order that fills at once reports size and average price over the levels it took."""
    status = desk.order(BOB, s="6", p="3000.2")
    assert status == {"filled": {"totalSz": "6.0", "avgPx": "3000.116667", "oid": status["filled"]["oid"]}}
    assert desk.status(status["filled"]["oid"], BOB) == "filled"


def test_what_an_immediate_order_cannot_get_is_cancelled(desk: Desk):
    """The rest of a partly filled Ioc order does not stay."""
    status = desk.order(BOB, s="7", p="3000.1", t=tif("Ioc"))
    assert status["filled"]["totalSz"] == "5.0"
    assert not desk.account(BOB).open_orders
    assert desk.status(status["filled"]["oid"], BOB) == "canceled"


def test_a_good_till_cancelled_order_rests_with_what_is_left(desk: Desk):
    """A Gtc order takes what it can reach and waits with the rest at its price."""
    oid = desk.order(BOB, s="7", p="3000.1")["resting"]["oid"]
    (shown,) = desk.info.answer({"type": "openOrders", "user": BOB})
    assert (shown["oid"], shown["sz"], shown["origSz"]) == (oid, "2.0", "7.0")
    assert desk.exchange.state.coins[0].matching.best_quote(0).bid == Level(3000.1, 2.0, 1)


def test_a_partial_fill_keeps_the_order_open(desk: Desk):
    """A print that reaches into an order fills its share; the order keeps its place with the rest."""
    oid = desk.order(p="3000")["resting"]["oid"]
    desk.sell_print(3000.0, 0.04)
    assert desk.status(oid) == "open"
    (fill,) = desk.info.answer({"type": "userFills", "user": ALICE})
    assert (fill["sz"], fill["px"], fill["dir"], fill["crossed"], fill["fee"]) == (
        "0.04", "3000.0", "Open Long", False, "0.018"
    )  # fmt: skip
    desk.sell_print(3000.0, 1.0)
    assert desk.status(oid) == "filled"


def test_whoever_came_in_between_is_served_before_a_later_order(desk: Desk):
    """Size that came after one own order and before another trades between them, also within one print."""
    desk.show(5.0, 5.0)
    early = desk.order(t=tif("Alo"))["resting"]["oid"]
    desk.show(9.0, 5.0)
    late = desk.order(BOB, t=tif("Alo"))["resting"]["oid"]
    desk.sell_print(2999.9, 5.2)
    assert (desk.status(early), desk.status(late, BOB)) == ("filled", "open")
    desk.sell_print(2999.9, 3.9)
    assert desk.status(late, BOB) == "open"
    desk.sell_print(2999.9, 0.1)
    assert desk.status(late, BOB) == "filled"


def test_an_order_that_ends_within_a_print_leaves_the_queue(desk: Desk):
    """Reduce-only orders that a print makes useless hold nobody up who stands behind them."""
    desk.order(s="0.1", p="3000.1", t=tif("Ioc"))
    for size in (1.0, 2.0, 3.0):
        desk.show(5.0, size)
        assert "resting" in desk.order(b=False, r=True, p="3000.1", t=tif("Alo"))
    desk.show(5.0, 3.1)
    oid = desk.order(BOB, b=False, p="3000.1", t=tif("Alo"))["resting"]["oid"]
    desk.show(5.0, 9.0)
    desk.exchange.on_trade(Trade("ETH", START_MS, Direction.BUY, 3000.1, 3.3, "9"))
    assert (desk.account().open_orders, desk.status(oid, BOB)) == ({}, "filled")


def test_cancelling_twice_is_an_error(desk: Desk):
    """The second cancel, a foreign order and an unknown client order id get the same words."""
    oid = desk.order()["resting"]["oid"]
    gone = {"error": "Order was never placed, already canceled, or filled. asset=0"}
    cancel = {"type": "cancel", "cancels": [{"a": 0, "o": oid}]}
    assert desk.do(BOB, **cancel)["response"]["data"]["statuses"] == [gone]
    assert desk.do(**cancel)["response"]["data"]["statuses"] == ["success"]
    assert desk.do(**cancel)["response"]["data"]["statuses"] == [gone]
    by_cloid = {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]}
    assert desk.do(**by_cloid)["response"]["data"]["statuses"] == [gone]


def test_modifying_replaces_the_order(desk: Desk):
    """The new order has its own id and goes to the end of the queue; the old one is cancelled."""
    oid = desk.order()["resting"]["oid"]
    new = {"a": 0, "b": True, "p": "2999.8", "s": "0.2", "r": False, "t": tif("Alo")}
    answer = desk.do(type="batchModify", modifies=[{"oid": oid, "order": new}])
    (status,) = answer["response"]["data"]["statuses"]
    assert desk.status(oid) == "canceled"
    assert desk.status(status["resting"]["oid"]) == "open"


def test_a_modification_that_is_refused_leaves_the_order(desk: Desk):
    """An order stays as it is when the one to replace it would be refused."""
    oid = desk.order()["resting"]["oid"]
    new = {"a": 0, "b": True, "p": "3000.5", "s": "0.2", "r": False, "t": tif("Alo")}
    answer = desk.do(type="modify", oid=oid, order=new)
    assert answer["status"] == "err"
    assert answer["response"].startswith("Post only order would have immediately matched")
    assert desk.status(oid) == "open"
    new["p"] = "2999.7"
    assert desk.do(type="modify", oid=oid, order=new)["status"] == "ok"
    assert desk.do(type="modify", oid=oid, order=new)["response"] == "Cannot modify canceled or filled order"


def test_a_modification_that_is_always_placed_needs_nothing_to_replace(desk: Desk):
    """With ``a`` beside the orders, an order that is gone or was never there is no reason not to place the new one."""
    oid = desk.order()["resting"]["oid"]
    desk.do(type="cancel", cancels=[{"a": 0, "o": oid}])
    new = {"a": 0, "b": True, "p": "2999.7", "s": "0.2", "r": False, "t": tif("Alo")}
    assert desk.do(type="modify", oid=oid, order=new)["status"] == "err"
    assert desk.do(type="modify", oid=oid, order=new, a=True)["status"] == "ok"
    answer = desk.do(type="batchModify", modifies=[{"oid": 999_999, "order": new}], a=True)
    (status,) = answer["response"]["data"]["statuses"]
    assert desk.status(status["resting"]["oid"]) == "open"
    assert len(desk.account().open_orders) == 2


def test_a_modification_that_is_always_placed_still_replaces(desk: Desk):
    """What rests is canceled as without it."""
    oid = desk.order()["resting"]["oid"]
    new = {"a": 0, "b": True, "p": "2999.7", "s": "0.2", "r": False, "t": tif("Alo")}
    assert desk.do(type="modify", oid=oid, order=new, a=True)["status"] == "ok"
    assert desk.status(oid) == "canceled"


REFUSED = [{"p": "3000.5", "t": tif("Alo")}, {"p": "2999.95"}, {"s": "7", "p": "2990"}]


@pytest.mark.parametrize("change", [*REFUSED, {"p": "2990", "t": tif("Ioc")}])
def test_a_refused_order_does_not_take_a_client_order_id(desk: Desk, change: dict[str, Any]):
    """While an order rests its client order id leads to it, also when another one with the same id was refused."""
    oid = desk.order(c=CLOID)["resting"]["oid"]
    assert "error" in desk.order(c=CLOID, **change)
    assert desk.info.answer({"type": "orderStatus", "user": ALICE, "oid": CLOID})["order"]["order"]["oid"] == oid
    cancel = {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": CLOID}]}
    assert desk.do(**cancel)["response"]["data"]["statuses"] == ["success"]
    assert desk.status(oid) == "canceled"


@pytest.mark.parametrize("change", REFUSED)
def test_a_refused_modification_does_not_take_a_client_order_id(desk: Desk, change: dict[str, Any]):
    """The order that stays keeps its name: it can be modified by it again, and cancelled."""
    oid = desk.order(c=CLOID)["resting"]["oid"]
    for _ in range(2):
        answer = desk.do(type="modify", oid=CLOID, order=wire(c=CLOID, **change))
        assert answer["response"] != "Cannot modify canceled or filled order"
    desk.do(type="cancelByCloid", cancels=[{"asset": 0, "cloid": CLOID}])
    assert desk.status(oid) == "canceled"


def test_a_refused_order_is_found_by_a_client_order_id_nobody_else_holds(desk: Desk):
    """Without an open order of that id the refused one is what the id leads to; an accepted one takes it over."""
    desk.order(c=CLOID, p="2999.95")
    assert desk.status(CLOID) == "tickRejected"
    oid = desk.order(c=CLOID)["resting"]["oid"]
    assert desk.status(CLOID) == "open"
    desk.do(type="modify", oid=oid, order=wire(c=CLOID, p="2999"))
    assert (desk.status(oid), desk.status(CLOID)) == ("canceled", "open")


def test_a_batch_may_end_its_own_orders(desk: Desk):
    """The status of an order is what became of it when it came, whatever a later order of the batch does to it."""
    answer = desk.do(type="order", orders=[wire(p="3000"), wire(p="3000", b=False)], grouping="na")
    first, second = [status["resting"]["oid"] for status in answer["response"]["data"]["statuses"]]
    assert (desk.status(first), desk.status(second)) == ("selfTradeCanceled", "open")
    desk.order(BOB, s="0.1", p="3000.1", t=tif("Ioc"))
    exits = [wire(b=False, r=True, p="3000.5", t=tif("Alo")), wire(b=False, r=True, p="2990", t=tif("Ioc"))]
    answer = desk.do(BOB, type="order", orders=exits, grouping="na")
    resting, filled = answer["response"]["data"]["statuses"]
    assert filled["filled"]["totalSz"] == "0.1"
    assert desk.status(resting["resting"]["oid"], BOB) == "reduceOnlyCanceled"


def test_a_batch_of_modifications_may_end_its_own_orders(desk: Desk):
    """A modification that crosses another one of its batch expires it, and both are answered."""
    bid, ask = (desk.order(b=is_bid, p=price)["resting"]["oid"] for is_bid, price in ((True, "2999"), (False, "3001")))
    modifies = [{"oid": bid, "order": wire(p="3000")}, {"oid": ask, "order": wire(p="3000", b=False)}]
    answer = desk.do(type="batchModify", modifies=modifies)
    first, second = [status["resting"]["oid"] for status in answer["response"]["data"]["statuses"]]
    assert (desk.status(first), desk.status(second)) == ("selfTradeCanceled", "open")


def test_orders_reserve_margin_and_reductions_are_free(desk: Desk):
    """Resting orders bind margin, the other side of a position does not, and a cancel frees it."""
    assert "error" not in desk.order(p="2990", s="6")
    assert desk.order(p="2990", s="2")["error"].startswith("Insufficient margin")
    assert "error" not in desk.order(b=False, p="3010", s="6")
    desk.exchange.desk.end_all(desk.account(), desk.exchange.state.orders[100_000_001].status.CANCELLED)
    assert "error" not in desk.order(p="2990", s="6")


def test_reduce_only_orders_end_with_the_position(desk: Desk):
    """A reduce-only order fills at most the position, and is cancelled when nothing is left to reduce."""
    desk.order(s="0.1", p="3000.1", t=tif("Ioc"))
    oid = desk.order(b=False, r=True, p="3000", s="0.3")["resting"]["oid"]
    desk.exchange.on_trade(Trade("ETH", START_MS, Direction.BUY, 3000.0, 5.0, "9"))
    assert not desk.account().held()
    assert desk.status(oid) == "reduceOnlyCanceled"
    assert desk.info.answer({"type": "orderStatus", "user": ALICE, "oid": oid})["order"]["order"]["sz"] == "0.2"


def test_own_orders_do_not_trade_with_each_other(desk: Desk):
    """The resting order of the same account is cancelled; that of another account trades."""
    mine = desk.order(b=False, p="3000", t=tif("Alo"))["resting"]["oid"]
    theirs = desk.order(BOB, b=False, p="3000", t=tif("Alo"))["resting"]["oid"]
    taken = desk.order(p="3000")["filled"]["oid"]
    assert (desk.status(mine), desk.status(theirs, BOB), desk.status(taken)) == (
        "selfTradeCanceled",
        "filled",
        "filled",
    )


@pytest.mark.parametrize(("is_buy", "kind", "trigger_price", "limit", "shift"), [
    (False, "sl", "2999", "2900", -20), (False, "tp", "3001", "2900", 20),
    (True, "sl", "3001", "3100", 20), (True, "tp", "2999", "3100", -20),
])  # fmt: skip
def test_a_trigger_order_waits_for_the_mark_price(desk: Desk, is_buy, kind, trigger_price, limit, shift):
    """Stops and take-profits of both sides sleep until mark reaches their trigger, then close the position."""
    desk.order(b=not is_buy, s="0.1", p="3000.1" if not is_buy else "2999.9", t=tif("Ioc"))
    oid = desk.order(b=is_buy, r=True, p=limit, t=trigger(trigger_price, kind))["resting"]["oid"]
    shown = desk.info.answer({"type": "frontendOpenOrders", "user": ALICE})[0]
    assert shown["isTrigger"]
    assert shown["orderType"] == ("Stop Market" if kind == "sl" else "Take Profit Market")
    assert shown["triggerCondition"] == f"Price {'above' if shift > 0 else 'below'} {trigger_price}"
    desk.move(shift // 4)
    assert desk.status(oid) == "open"
    desk.move(shift)
    assert desk.status(oid) == "filled"
    assert not desk.account().held()


def test_take_profit_and_stop_belong_to_their_order(desk: Desk):
    """Children wait for the parent's fill; the fill of one ends the other."""
    entry = wire(p="3000")
    profit = wire(b=False, r=True, p="2900", t=trigger("3002", "tp"))
    stop = wire(b=False, r=True, p="2900", t=trigger("2998", "sl"))
    answer = desk.do(type="order", orders=[entry, profit, stop], grouping="normalTpsl")
    statuses = answer["response"]["data"]["statuses"]
    assert statuses[1:] == ["waitingForFill", "waitingForFill"]
    parent = statuses[0]["resting"]["oid"]
    assert len(desk.info.answer({"type": "frontendOpenOrders", "user": ALICE})[0]["children"]) == 2
    desk.move(30)
    desk.move(0)
    assert desk.status(parent + 1) == "open"
    desk.sell_print(3000.0, 1.0)
    assert desk.status(parent) == "filled"
    desk.move(30)
    assert (desk.status(parent + 1), desk.status(parent + 2)) == ("filled", "siblingFilledCanceled")


def test_children_are_cancelled_with_their_parent(desk: Desk):
    """A parent that is cancelled takes its waiting children with it."""
    entry = wire(p="2990")
    stop = wire(b=False, r=True, p="2900", t=trigger("2980", "sl"))
    answer = desk.do(type="order", orders=[entry, stop], grouping="normalTpsl")
    oid = answer["response"]["data"]["statuses"][0]["resting"]["oid"]
    desk.do(type="cancel", cancels=[{"a": 0, "o": oid}])
    assert desk.status(oid + 1) == "canceled"


def test_whoever_protects_a_refused_order_is_refused_with_it(desk: Desk):
    """Without its parent a take-profit or stop would close a position that nobody opened."""
    entry = wire(p="2990.05")
    stop = wire(b=False, r=True, p="2900", t=trigger("2980", "sl"))
    answer = desk.do(type="order", orders=[entry, stop], grouping="normalTpsl")
    first, second = answer["response"]["data"]["statuses"]
    assert first == second == {"error": "Price must be divisible by tick size. asset=0"}
    assert not desk.account().open_orders


def test_an_entry_by_trigger_needs_margin_when_it_fires(desk: Desk):
    """A waiting trigger order binds no margin; at its trigger it is refused like any other without margin."""
    oid = desk.order(p="3100", s="5", t=trigger("3001", "sl"))["resting"]["oid"]
    assert "resting" in desk.order(p="2990", s="5", t=tif("Alo"))
    desk.move(20)
    assert desk.status(oid) == "perpMarginRejected"
    assert not desk.account().held()


def test_a_stop_of_the_whole_position_takes_its_size_when_it_fires(desk: Desk):
    """A position stop without a size closes what there is at that moment."""
    desk.order(s="0.1", p="3000.1", t=tif("Ioc"))
    stop = {"a": 0, "b": False, "p": "2900", "s": "0", "r": True, "t": trigger("2990", "sl")}
    answer = desk.do(type="order", orders=[stop], grouping="positionTpsl")
    assert answer["response"]["data"]["statuses"] == ["waitingForTrigger"]
    desk.order(s="0.05", p="3000.1", t=tif("Ioc"))
    desk.move(-200)
    assert not desk.account().held()


def test_the_dead_mans_switch_needs_volume_and_notice(desk: Desk):
    """scheduleCancel is refused without volume or less than five seconds ahead; else it cancels everything on time."""
    time_ms = START_MS + 6_000
    refusal = desk.do(type="scheduleCancel", time=time_ms)["response"]
    assert refusal == "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $0."
    desk.account().budget.volume = Decimal(2_000_000)
    assert "at least 5 seconds" in desk.do(type="scheduleCancel", time=START_MS + 4_000)["response"]
    oid = desk.order()["resting"]["oid"]
    assert desk.do(type="scheduleCancel", time=time_ms)["status"] == "ok"
    desk.exchange.advance(time_ms - 1)
    assert desk.status(oid) == "open"
    desk.exchange.advance(time_ms)
    assert desk.status(oid) == "scheduledCancel"


def test_the_dead_mans_switch_can_be_unset():
    """scheduleCancel without a time forgets the earlier one; the volume it needs is a setting."""
    desk = Desk(schedule_cancel_volume=0.0)
    oid = desk.order()["resting"]["oid"]
    desk.do(type="scheduleCancel", time=START_MS + 6_000)
    desk.do(type="scheduleCancel")
    desk.exchange.advance(START_MS + 10_000)
    assert desk.status(oid) == "open"


def test_the_budget_of_actions_ends_and_trading_refills_it():
    """Beyond its budget an address gets one action in ten seconds, cancels go on, every dollar traded adds one."""
    desk = Desk(free_actions=3)
    oids = [desk.order(p="2990")["resting"]["oid"] for _ in range(3)]
    assert "resting" in desk.order(p="2990")
    text = desk.order(p="2990")
    assert text.startswith("Too many cumulative requests sent (5 > 3) for cumulative volume traded $0.00.")
    assert desk.do(type="cancel", cancels=[{"a": 0, "o": oids[0]}])["response"]["data"]["statuses"] == ["success"]
    desk.exchange.advance(START_MS + 10_000)
    assert "filled" in desk.order(p="3000.1", s="0.1")
    limits = desk.info.answer({"type": "userRateLimit", "user": ALICE})
    assert (limits["cumVlm"], limits["nRequestsUsed"], limits["nRequestsCap"]) == ("300.01", 6, 303)
    assert "resting" in desk.order(p="2990")


def test_actions_can_be_bought(desk: Desk):
    """Reserved actions cost 0.0005 USDC each and raise the limit."""
    desk.do(type="reserveRequestWeight", weight=1000)
    assert desk.account().purse.cash == Decimal("999.5")
    assert desk.account().budget.limit == 11_000
    assert desk.do(type="reserveRequestWeight", weight=10**9)["status"] == "err"
    assert desk.account().budget.limit == 11_000


def test_leverage_changes_only_within_the_rules(desk: Desk):
    """Leverage lies between 1 and the coin's maximum, and the margin mode of an open position stays."""
    assert desk.do(type="updateLeverage", asset=0, isCross=False, leverage=3)["status"] == "ok"
    assert desk.do(type="updateLeverage", asset=0, isCross=False, leverage=26)["response"] == "Invalid leverage value"
    desk.order(s="0.1", p="3000.1", t=tif("Ioc"))
    refusal = desk.do(type="updateLeverage", asset=0, isCross=True, leverage=3)["response"]
    assert refusal == "Cannot switch leverage type with open position."


def test_isolated_margin_moves_between_account_and_position(desk: Desk):
    """What is added to a position leaves the account's cash; what would leave too little behind is refused."""
    desk.do(type="updateLeverage", asset=0, isCross=False, leverage=5)
    desk.order(s="0.1", p="3000.1", t=tif("Ioc"))
    cash = desk.account().purse.cash
    assert desk.do(type="updateIsolatedMargin", asset=0, isBuy=True, ntli=50_000_000)["status"] == "ok"
    assert desk.account().purse.cash == cash - 50
    assert desk.do(type="updateIsolatedMargin", asset=0, isBuy=True, ntli=-60_000_000)["status"] == "err"
    assert desk.do(type="updateIsolatedMargin", asset=0, isBuy=True, ntli=10**10)["status"] == "err"
    assert desk.do(type="updateIsolatedMargin", asset=0, isBuy=True, ntli=-40_000_000)["status"] == "ok"


def test_a_builder_must_be_approved():
    """An order that names a builder is refused until its owner has approved that fee; an approval may be refused."""
    desk = Desk()
    routed = {"type": "order", "orders": [wire()], "grouping": "na", "builder": {"b": BUILDER, "f": 10}}
    assert desk.do(**routed)["response"] == "Builder fee has not been approved."
    approval = {"type": "approveBuilderFee", "maxFeeRate": "0.01%", "builder": BUILDER, "nonce": 1}
    assert desk.do(**approval)["status"] == "ok"
    assert desk.do(**routed)["status"] == "ok"
    assert desk.info.answer({"type": "maxBuilderFee", "user": ALICE, "builder": BUILDER}) == 10
    assert Desk(builder_approval=False).do(**approval)["status"] == "err"
    assert desk.do(**{**approval, "maxFeeRate": "1%"})["response"].startswith("Builder fee too high")


def test_nothing_trades_before_there_is_a_book():
    """Without a mark price every order is refused."""
    exchange = Exchange([Listing("ETH", 4, 25)], VenueConfig(accounts=(AccountConfig(ALICE),)), START_MS)
    action = read_action({"type": "order", "orders": [wire(), wire(a=7)], "grouping": "na"})
    answer = ActionDesk(exchange).execute(exchange.state.accounts[ALICE], action)
    assert answer["response"]["data"]["statuses"] == [{"error": "Trading is halted."}] * 2


def test_the_audit_counts_what_happened(desk: Desk):
    """Orders by time in force, refusals by reason, fills, round trips, resting times and the answer to each fill."""
    desk.order(t=tif("Alo"), p="3000")
    desk.order(t=tif("Alo"), p="3000.1")
    desk.exchange.advance(START_MS + 1_000)
    desk.sell_print(3000.0, 1.0)
    desk.exchange.advance(START_MS + 1_700)
    desk.order(b=False, r=True, t=tif("Alo"), p="3000")
    desk.exchange.advance(START_MS + 2_000)
    desk.exchange.on_trade(Trade("ETH", START_MS + 2_000, Direction.BUY, 3000.0, 5.0, "9"))
    report = audit(desk.account(), desk.exchange.state)
    assert report["orders_by_tif"] == {"Alo": 2}
    assert report["post_only_share"] == 1.0
    assert report["rejected_by_reason"] == {"Post only order would have immediately matched": 1}
    assert (report["maker_fills"], report["taker_fills"], report["round_trips"]) == (2, 0, 1)
    assert report["resting_s"] == {"bid_only": 1.0, "ask_only": 0.3, "both": 0.0, "none": 0.7}
    assert report["fill_to_quote_ms"] == [700]
    assert report["net_pnl"] == pytest.approx(-0.09)
    assert report["volume"] == 600.0


def test_a_fill_by_the_book_is_told_from_a_fill_by_a_trade(desk: Desk):
    """Somebody prints a trade through the first order; the book comes to the second, and nobody has to trade."""
    desk.order(p="2999.5", s="0.01")
    desk.sell_print(2999.0, 5.0)
    desk.order(p="2999.5", s="0.01")
    desk.move(-20)
    assert [fill.crossed for fill in desk.account().fills] == [False, True]
