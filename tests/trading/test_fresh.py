"""A price follows the touch of a newer book, keeps its distance to it, and tells so in its terms."""

from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.instrument import Instrument
from market_making.market.sides import Side
from market_making.quoting.quote import MarketView
from market_making.quoting.terms import Terms
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.fresh import fresh_order
from market_making.trading.holding import Holding
from market_making.trading.plan import PlannedOrder

PAIR = "ETH/USDC:USDC"
ETH = Instrument.hyperliquid("ETH", 4)
MARKET = MarketView(3000.0, 5.0, 3000.1, 5.0, 1_000_000)


def planned(side, price):
    depth = MARKET.mid - price if side is Side.BID else price - MARKET.mid
    return PlannedOrder(side, price, 0.0333, Terms(room=depth), grows=True, closes=False)


@given(st.sampled_from(Side), st.integers(0, 300), st.lists(st.integers(-300, 300), min_size=1, max_size=4))
def test_an_order_keeps_its_distance_from_the_touch_however_often_it_follows(side, depth, moves):
    """The last book counts, not the way to it; and the terms sum to the distance from the plan's mid."""
    touch = MARKET.bid_price if side is Side.BID else MARKET.ask_price
    sign = -1 if side is Side.BID else 1
    first = planned(side, round(touch + sign * depth / 10, 1))
    order = first
    for move in moves:
        order = fresh_order(order, MARKET, ETH, round(touch + move / 10, 1))
    assert order.price == pytest.approx(first.price + moves[-1] / 10, abs=1e-6)
    assert ETH.is_valid_price(order.price)
    assert order.terms.depth == pytest.approx(sign * (order.price - MARKET.mid), abs=1e-6)


@pytest.mark.parametrize("touch", [nan, inf, -inf, 0.0, -1.0])
def test_a_touch_that_is_none_is_not_followed(touch):
    """The hook that calls this must not raise: Freqtrade would place at the touch."""
    order = planned(Side.BID, 2999.0)
    assert fresh_order(order, MARKET, ETH, touch) == order


def test_at_a_power_of_ten_the_price_is_one_of_the_finer_grid():
    """Below 1000 the tick is ten times finer; a bid is never rounded up."""
    market = MARKET._replace(bid_price=1000.1, ask_price=1000.2)
    order = PlannedOrder(Side.BID, 1000.0, 0.1, Terms(room=0.15), grows=True, closes=False)
    fresh = fresh_order(order, market, ETH, 999.98)
    assert fresh.price == 999.88
    assert ETH.is_valid_price(fresh.price)


@pytest.fixture
def desk():
    return Desk(ActionBudget(600), 400, None)


def test_the_plan_is_confirmed_at_the_price_that_followed(desk, planner):
    """Price and size of the order about to be placed are compared with the plan as it is now."""
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding())
    order = desk.follow(PAIR, planner.market.bid_price - 0.7, grows=True)
    if plan.order.side is Side.ASK:
        order = desk.follow(PAIR, planner.market.ask_price - 0.7, grows=True)
    assert order.price == pytest.approx(plan.order.price - 0.7)
    assert desk.planned_entry(PAIR, order.price, order.size) == order
    assert desk.planned_entry(PAIR, plan.order.price, order.size) is None


def test_an_entry_does_not_follow_a_jump_and_what_is_held_does(desk, planner):
    """Beyond the greatest half-spread nothing is opened on a plan of before; a position is still offered."""
    desk.open(PAIR, PairInputs(planner, "c"), Holding())
    far = planner.market.bid_price * 1.006
    assert desk.follow(PAIR, far, grows=True) is None
    assert desk.order(PAIR, grows=True) is None
    planner = replace(planner, now_ms=planner.now_ms + 1000)
    plan = desk.open(PAIR, PairInputs(planner, "c"), Holding(coins=0.0333))
    assert plan.order.side is Side.ASK
    assert desk.follow(PAIR, planner.market.ask_price * 1.006, grows=False).price > plan.order.price


def test_without_a_plan_nothing_follows(desk):
    """Looking up never computes."""
    assert desk.follow(PAIR, 3000.0, grows=True) is None
