"""Where an order should rest as mid moves, from the last plan."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.decision_log import Event
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.wanted import WantedOrder
from tests.trading.conftest import MemoryLog

PAIR = "ETH/USDC:USDC"


@given(st.sampled_from(Side), st.floats(-5, 5), st.floats(0.01, 3))
def test_only_what_comes_closer_than_allowed_is_too_close(side, move, tolerance):
    """A move away is never too close; one towards the order is, beyond the tolerance."""
    sign = -1 if side is Side.BID else 1
    wanted = WantedOrder(PAIR, side, 3000 + sign * 2, 3000.0, tolerance)
    by = wanted.too_close_by(3000 + sign * 2, 3000 + sign * move)
    assert by == pytest.approx(move - tolerance, abs=1e-6)


def test_the_desk_tells_the_orders_of_its_plans(planner):
    """At the plan's mid, with the tolerance of the plan; also when the price has followed a newer touch since."""
    desk = Desk(ActionBudget(600), 400, None)
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding())
    (wanted,) = desk.wanted()
    assert wanted[:4] == (PAIR, plan.order.side, plan.order.price, plan.mid)
    assert wanted.tolerance == pytest.approx(0.5e-4 * plan.mid)
    touch = planner.market.bid_price if plan.order.side is Side.BID else planner.market.ask_price
    order = desk.follow(PAIR, touch + 0.7, grows=True)
    (after,) = desk.wanted()
    assert after.price == pytest.approx(wanted.price)
    assert after.too_close_by(order.price, plan.mid + 0.7) == pytest.approx(-wanted.tolerance)
    desk.clear()
    assert not list(desk.wanted())


@pytest.mark.parametrize("response", [0.6, -0.6])
def test_an_order_that_mid_is_expected_to_come_to_is_not_too_close_when_it_comes(planner, response):
    """It may come closer by as much as it was anchored away; one that was anchored nearer is as close as any."""
    market = planner.market._replace(bid_size=1.0, ask_size=3.0)  # mid is expected to fall where β is positive
    flow = replace(planner.flow, imbalance_response=response)
    desk = Desk(ActionBudget(600), 400, None)
    plan = desk.open(PAIR, PairInputs(replace(planner, market=market, flow=flow), "c"), Holding())
    shift = -plan.order.terms.imbalance if plan.order.side is Side.BID else plan.order.terms.imbalance
    assert shift == pytest.approx(-response / 2)
    (wanted,) = desk.wanted()
    away = max(plan.order.terms.imbalance, 0.0)
    assert wanted.tolerance == pytest.approx(0.5e-4 * plan.mid + away)
    assert wanted.too_close_by(plan.order.price, plan.mid + shift) <= 0


def test_what_leaves_at_the_touch_is_close_on_purpose(planner):
    """A position that must leave is not held back."""
    desk = Desk(ActionBudget(600), 0, None)
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding(0.0333, None, 1))
    assert plan.order.terms.touch != 0
    assert not list(desk.wanted())


def test_an_order_cancelled_first_is_in_the_log_with_its_reason(planner):
    """As one that Freqtrade is told to cancel; its action is booked when its end is seen."""
    log, budget = MemoryLog(), ActionBudget(600)
    desk = Desk(budget, 400, Journal(log, None))
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding())
    order = RestingOrder("7", plan.order.side, plan.order.price, plan.order.size, 0.0, planner.now_ms)
    desk.look(PAIR, Holding(0.0, order), planner.now_ms)
    desk.cancelling_first(PAIR, order, planner.now_ms)
    assert (log.lines[-1]["event"], log.lines[-1]["reason"]) == (Event.CANCEL, Reason.TOO_CLOSE)
    assert budget.left(planner.now_ms) == 600
    desk.look(PAIR, Holding(), planner.now_ms)
    assert budget.left(planner.now_ms) == 599
