"""The desk fails closed: no plan, no order; and its log tells what happened once."""

from dataclasses import replace
from math import nan

import pytest

from market_making.market.errors import NoSolution
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.quote import Quote, Quotes
from market_making.quoting.terms import Terms
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.decision_log import Event
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.own_orders import OwnOrders
from tests.trading.conftest import MemoryLog

PAIR = "ETH/USDC:USDC"
LOT = 0.0333
LOCKED = Because(Reason.PAIR_LOCKED, "the pair is locked")


@pytest.fixture
def log():
    """Decisions written so far."""
    return MemoryLog()


@pytest.fixture
def desk(log):
    """A desk with plenty of actions."""
    return Desk(ActionBudget(600), 400, Journal(log))


def resting(plan, *, filled=0.0, order_id="1"):
    """The planned order, resting."""
    order = plan.order
    return RestingOrder(order_id, order.side, order.price, order.size - filled, filled, 0)


def events(log):
    """Kinds of the lines but for the plans."""
    return [line["event"] for line in log.lines if line["event"] not in (Event.PLAN, Event.BASIS)]


def test_a_cleared_desk_places_nothing_and_cancels_everything(desk, planner):
    """After the start of a loop and before a plan there is no order, and a resting one must go."""
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding())
    order = resting(plan)
    desk.clear()
    assert desk.order(PAIR, grows=True) is None
    assert desk.opening_side(PAIR) is None
    assert desk.must_cancel(PAIR, Holding(0.0, order), order, 1_000_000)


def test_a_model_that_fails_leaves_no_plan(desk, planner):
    """An error while planning, of any kind, leaves the pair without a plan, not with the old one."""

    def broken(*_):
        raise NoSolution("on purpose")

    desk.open(PAIR, PairInputs(planner, "c"), Holding())
    desk.clear()
    with pytest.raises(NoSolution):
        desk.open(PAIR, PairInputs(replace(planner, quoter=broken), "c"), Holding())
    assert desk.order(PAIR, grows=True) is None
    assert desk.plan(PAIR, Holding()) is None


def test_a_failure_while_planning_again_leaves_no_plan(desk, planner):
    """A fill changes what is held; if the new plan fails, the old one is gone too."""
    answers = iter([planner.quoter(planner.market, 0.0, planner.flow, 0)])
    model = lambda *_: next(answers)  # noqa: E731
    desk.open(PAIR, PairInputs(replace(planner, quoter=model), "c"), Holding())
    with pytest.raises(StopIteration):
        desk.plan(PAIR, Holding(LOT))
    assert desk.order(PAIR, grows=True) is None
    assert desk.order(PAIR, grows=False) is None


def test_a_fill_turns_the_plan_around(desk, planner):
    """When the bid is filled the plan is the ask, without a new look at the market."""
    assert desk.open(PAIR, PairInputs(planner, "c"), Holding()).order.side is Side.BID
    assert desk.plan(PAIR, Holding(LOT)).order.side is Side.ASK
    assert desk.order(PAIR, grows=True) is None
    assert desk.order(PAIR, grows=False).side is Side.ASK


def test_the_opening_side_is_known_while_a_position_is_held(desk, planner):
    """So that a trade may be reopened in the loop in which it is closed."""
    desk.open(PAIR, PairInputs(planner, "c"), Holding(LOT))
    assert desk.opening_side(PAIR) is Side.BID


def loops(desk, planner, *, seconds, placed):
    """Loops of a long position that the model wants to add to: the sides planned, each order asked for and placed."""
    wishes = Quotes(Sides(bid=Quote(nan, Terms(level=0.5)), ask=Quote(nan, Terms(level=2.0))))
    sides = []
    for second in range(seconds):
        now_ms = planner.now_ms + 1_000 * second
        desk.clear()
        adding = replace(planner, quoter=lambda *_: wishes, now_ms=now_ms)
        order = desk.open(PAIR, PairInputs(adding, "c"), Holding(LOT)).order
        if order.grows:
            desk.asking(PAIR, now_ms + 500)
        if placed or not order.grows:
            desk.placing(PAIR, order, now_ms + 600)
        sides.append(order.side)
    return sides


def test_an_addition_that_freqtrade_drops_costs_nothing_and_the_position_is_offered(planner):
    """After /stopentry it says nothing: the reducing side rests, and adding is tried again half a minute later."""
    budget = ActionBudget(60)
    sides = loops(Desk(budget, 400, None), planner, seconds=32, placed=False)
    assert sides == [Side.BID, *[Side.ASK] * 30, Side.BID]
    # An ask is one action, and one is earned a second.
    assert budget.left(planner.now_ms + 32_000) == 60


def test_an_addition_that_is_placed_counts_once(planner):
    """With its leverage it is two actions; the next loop may add again."""
    budget = ActionBudget(60)
    assert loops(Desk(budget, 400, None), planner, seconds=2, placed=True) == [Side.BID, Side.BID]
    assert budget.left(planner.now_ms + 1_600) == 60 - 2 - 2 + 1


def test_a_dropped_addition_does_not_stop_a_new_position(desk, planner):
    """When the position has ended the next one may be opened at once."""
    loops(desk, planner, seconds=1, placed=False)
    desk.clear()
    later = replace(planner, now_ms=planner.now_ms + 1_000)
    assert desk.open(PAIR, PairInputs(later, "c"), Holding()).order.grows


def test_a_locked_pair_only_leaves(desk, planner):
    """A lock withholds what would open and keeps what closes."""
    assert desk.open(PAIR, PairInputs(planner, "c", LOCKED), Holding()).order is None
    desk.clear()
    assert desk.open(PAIR, PairInputs(planner, "c", LOCKED), Holding(LOT)).order.side is Side.ASK


def test_too_many_orders_close_the_position(desk, planner):
    """After so many orders the whole position is offered at the touch."""
    order = desk.open(PAIR, PairInputs(planner, "c"), Holding(2 * LOT, None, 400)).order
    assert order.closes
    assert order.price == planner.market.ask_price


def test_an_empty_budget_opens_nothing_and_still_closes(log, planner):
    """Actions are owed for leaving, never for entering."""
    budget = ActionBudget(4)
    desk = Desk(budget, 400, Journal(log))
    budget.spend(4, planner.now_ms)
    assert desk.open(PAIR, PairInputs(planner, "c"), Holding()).order is None
    desk.clear()
    assert desk.open(PAIR, PairInputs(planner, "c"), Holding(LOT)).order.side is Side.ASK


def test_the_log_tells_the_life_of_an_order_once(desk, planner, log):
    """Asked for, placed, filled in part, filled, each once, however often the order is seen."""
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding())
    desk.placing(PAIR, plan.order, planner.now_ms)
    for filled in (0.0, 0.0, 0.01, 0.01):
        order = resting(plan, filled=filled)
        desk.look(PAIR, Holding(filled, order), planner.now_ms)
        desk.open(PAIR, PairInputs(planner, "c"), Holding(filled, order))
    for _ in range(2):
        desk.finished(PAIR, resting(plan, filled=plan.order.size), planner.now_ms)
    assert events(log) == [Event.PLACE, Event.PLACED, Event.FILL, Event.FILL]
    place, placed, *fills = log.of(Event.PLACE, Event.PLACED, Event.FILL)
    assert placed["place"] == place["sequence"]
    assert [fill["cumulated"] for fill in fills] == [0.01, plan.order.size]
    assert sum(fill["size"] for fill in fills) == pytest.approx(plan.order.size)
    assert {line["order_id"] for line in (placed, *fills)} == {"1"}


def test_a_reason_is_logged_once_until_it_changes(desk, planner, log):
    """A bot that withholds for an hour writes a line, not 3600; figures in the reason do not make it another."""
    for age in range(5):
        desk.withhold(PAIR, Because(Reason.PARAMETERS_STALE, f"ETH.json expired {age} s ago"), planner.now_ms)
    desk.withhold(PAIR, Because(Reason.BOOK_UNUSABLE, "the book has no bids"), planner.now_ms)
    withheld = replace(planner, quoter=lambda *_: Quotes.none(Because(Reason.TOXIC_FLOW, "paused")))
    desk.open(PAIR, PairInputs(withheld, "c"), Holding())
    assert events(log) == [Event.WITHHOLD] * 3
    assert (log.lines[-1]["reason"], log.lines[-1]["detail"]) == (Reason.TOXIC_FLOW, "paused")


def test_a_cancellation_is_logged_with_its_reason_and_booked_when_it_is_seen(planner, log):
    """The log says why a quote is given up, once however often it is asked for, and later that it is gone."""
    budget = ActionBudget(60)
    desk = Desk(budget, 400, Journal(log))
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding())
    desk.placing(PAIR, plan.order, planner.now_ms)
    order, left = resting(plan)._replace(price=plan.order.price + 1.0), budget.left(planner.now_ms)
    for _ in range(3):
        assert desk.must_cancel(PAIR, Holding(0.0, order), order, planner.now_ms)
    assert budget.left(planner.now_ms) == left
    desk.look(PAIR, Holding(), planner.now_ms)
    assert budget.left(planner.now_ms) == left - 1
    assert events(log) == [Event.PLACE, Event.PLACED, Event.CANCEL, Event.CANCELLED]
    (cancel,) = log.of(Event.CANCEL)
    assert cancel["reason"] == Reason.TOO_CLOSE
    assert "too close" in cancel["detail"]


@pytest.mark.parametrize("told", [None, Because(Reason.GUARD, "mid has come too close")])
def test_an_order_that_somebody_else_has_cancelled_is_logged_with_who_and_why(planner, log, told):
    """As the guard's record says; where nobody has said so, that the bot has not asked for it."""
    desk = Desk(ActionBudget(60), 400, Journal(log, None, lambda order_id, _: told if order_id == "1" else None))
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding())
    desk.placing(PAIR, plan.order, planner.now_ms)
    desk.look(PAIR, Holding(0.0, resting(plan)), planner.now_ms)
    desk.look(PAIR, Holding(), planner.now_ms)
    (cancelled,) = log.of(Event.CANCELLED)
    detail = "the bot has not asked for it" if told is None else told.detail
    assert (cancelled.get("reason"), cancelled["detail"]) == (told and told.reason, detail)


def test_a_place_line_tells_of_the_plan_that_priced_it(desk, planner, log):
    """Mid, book and quotes are those of the plan with its number, also when the market has moved on by then."""
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding())
    desk.placing(PAIR, plan.order, planner.now_ms + 700)
    (place,) = log.of(Event.PLACE)
    (line,) = (line for line in log.lines if line["sequence"] == place["plan"])
    assert line["event"] is Event.PLAN
    assert place["mid"] == line["mid"] == planner.market.mid
    assert place["price"] == line["order"]["price"] == plan.order.price
    assert line["quotes"]["sides"]["bid"]["price"] == plan.order.price
    assert place["tag"] == "open"


def test_a_place_line_never_says_that_the_resting_order_is_good(desk, planner, log):
    """The plan kept an order that has ended by the time Freqtrade asks for one: cancelled by the edge, or filled."""
    first = desk.open(PAIR, PairInputs(planner, "c"), Holding())
    kept = desk.open(PAIR, PairInputs(planner, "c"), Holding(resting=resting(first)))
    assert kept.keep
    desk.placing(PAIR, kept.order, planner.now_ms + 700)
    (place,) = log.of(Event.PLACE)
    assert place["reason"] == Reason.SIDE_FREE
    assert place["detail"] == "the order that rested has ended, placing another"


def test_an_order_that_follows_the_touch_leaves_its_plan_as_it_was(desk, planner, log):
    """The place line has the price that is sent, with the term that tells the move; the plan stays what it was."""
    planned = desk.open(PAIR, PairInputs(planner, "c"), Holding()).order
    followed = desk.follow(PAIR, planner.market.bid_price - 0.2, grows=True)
    assert followed.price == pytest.approx(planned.price - 0.2)
    assert desk.order(PAIR, grows=True) is followed
    desk.placing(PAIR, followed, planner.now_ms + 700)
    (plan,), (place,) = log.of(Event.PLAN), log.of(Event.PLACE)
    assert plan["order"]["price"] == planned.price
    assert place["price"] == followed.price
    assert place["terms"]["fresh"] == pytest.approx(0.2)


def test_a_refused_order_is_logged_with_the_words_of_the_exchange(planner, log):
    """What was asked for and is not there in the next loop has been refused, or dropped without a word."""
    words = {"ETH/USDC:USDC": "Order would have immediately matched"}
    budget, journal = ActionBudget(600), Journal(log)
    orders = OwnOrders(budget, journal, words=lambda pair: words.pop(pair, ""))
    desk = Desk(budget, 400, journal, orders=orders)
    for _ in range(2):
        plan = desk.open(PAIR, PairInputs(planner, "c"), Holding())
        desk.placing(PAIR, plan.order, planner.now_ms)
        desk.look(PAIR, Holding(), planner.now_ms)
        desk.clear()
    told, silent = log.of(Event.REFUSED)
    assert (told["reason"], told["detail"]) == (Reason.ORDER_REFUSED, "Order would have immediately matched")
    assert silent["reason"] == Reason.ADDITION_DROPPED
    assert [told["place"], silent["place"]] == [line["sequence"] for line in log.of(Event.PLACE)]


def test_an_order_that_nobody_asked_for_is_foreign_and_one_of_freqtrades_own_is_told_by_its_tag(desk, planner, log):
    """A stop-loss or a forced exit is Freqtrade's; what has no tag was placed by somebody else."""
    desk.open(PAIR, PairInputs(planner, "c"), Holding(LOT))
    stop = RestingOrder("7", Side.ASK, 2999.0, 0.0, LOT, 0, "stop_loss", is_taker=True, average=2998.5)
    desk.finished(PAIR, stop, planner.now_ms)
    desk.look(PAIR, Holding(0.0, RestingOrder("8", Side.BID, 2990.0, LOT, 0.0, 0)), planner.now_ms)
    placed, fill, foreign = log.of(Event.PLACED, Event.FILL, Event.FOREIGN)
    assert placed["tag"] == "stop_loss"
    assert "place" not in placed
    assert (fill["price"], fill["is_taker"]) == (2998.5, True)
    assert (foreign["event"], foreign["order_id"]) == (Event.FOREIGN, "8")


@pytest.mark.parametrize(
    ("coins", "orders", "leaving", "tag"),
    [
        (0.0, 0, False, "open"),
        (LOT, 0, False, "reduce"),
        (LOT, 400, False, "leave-orders"),
        (LOT, 400, True, "leave-risk"),
    ],
)
def test_the_tag_tells_what_an_order_is_for(desk, planner, coins, orders, leaving, tag):
    """Opening, reducing, and why a position is left."""
    desk.open(PAIR, PairInputs(planner, "c", leaving=leaving), Holding(coins, None, orders))
    assert desk.tag(PAIR) == tag


def test_an_addition_has_a_tag_of_its_own(desk, planner, log):
    """It opens nothing, and its place line says so."""
    loops(desk, planner, seconds=1, placed=True)
    assert [line["tag"] for line in log.of(Event.PLACE)] == ["add"]
