"""The orders of all levels are those that the planner would place, and together they keep to its rules."""

import numpy as np
import pytest

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.models.ladders import LadderSettings
from market_making.replay.levels.wanted import wanted_ladder
from market_making.settings.role import Role
from market_making.trading.holding import Holding
from market_making.trading.rules import Restraints, closed_sides
from tests.replay.levels.ladders_of_tests import BOUND, ETH, LOT, MARKET, levels_of, planner

NO_MORE = Because(Reason.VOLATILITY_SPIKE, "a test")


def wanted(known, coins=0.0, restraints=None):
    return wanted_ladder(known, levels_of(known, coins), coins, restraints or Restraints())


def test_flat_every_level_rests_where_the_ladder_has_it():
    orders = wanted(planner())
    assert [order.price for order in orders.bid] == [2998.5, 2997.0, 2995.5, 2994.0, 2992.5, 2991.0]
    assert [order.price for order in orders.ask] == [3001.5, 3003.0, 3004.5, 3006.0, 3007.5, 3009.0]
    assert {order.size for order in orders.ask} == {ETH.size(0.5 * LOT)}, "three lots over six levels"


@pytest.mark.parametrize("role", [Role.ALTERNATE, Role.LONG_ONLY, Role.SHORT_ONLY])
def test_the_orders_of_a_side_together_keep_to_the_bound_and_each_to_the_smallest(role):
    random, known = np.random.default_rng(3), planner(role=role)
    longest, shortest = (BOUND * LOT if role.opens_with(side) else 0.0 for side in Side)
    for _ in range(100):
        coins = ETH.size(abs(share := random.uniform(-1.0, 1.0)) * BOUND * LOT) * np.sign(share)
        coins = float(np.clip(coins, -shortest, longest))
        orders = wanted(known, coins)
        assert coins + sum(order.size for order in orders.bid) <= max(longest, coins) + 1e-9
        assert coins - sum(order.size for order in orders.ask) >= min(-shortest, coins) - 1e-9
        for order in (*orders.bid, *orders.ask):
            assert order.size * order.price >= ETH.minimum_notional
        for side in Side:
            prices = [order.price for order in orders.of(side)]
            assert prices == sorted(set(prices), reverse=side is Side.BID), "nearest first, one order a price"


def test_a_ladder_goes_through_flat_without_losing_a_level():
    orders, coins = wanted(planner(), 0.01), 0.01
    assert len(orders.ask) == 6
    share = (BOUND + coins / LOT) / 6 * LOT  # of the stock that the ladder has then
    assert [order.size for order in orders.ask[:2]] == [pytest.approx(share, abs=2e-4)] * 2
    assert not orders.ask[0].grows, "its first part closes the position"
    assert orders.ask[1].grows


def test_what_may_not_grow_is_reduced_only():
    coins = 0.04
    closed = Restraints(closed=closed_sides(Holding(coins), NO_MORE))
    orders = wanted(planner(), coins, closed)
    assert orders.bid == ()
    assert sum(order.size for order in orders.ask) == pytest.approx(coins)


def test_a_position_that_must_be_left_is_one_order_at_the_touch():
    orders = wanted(planner(), -0.04, Restraints(leaving=True))
    assert orders.ask == ()
    (order,) = orders.bid
    assert (order.price, order.size, order.closes) == (MARKET.bid_price, 0.04, True)


def test_a_ladder_of_one_level_rests_what_the_bot_plans():
    """The bot plans one side; that of the ladder on this side is the same order, with its terms."""
    known = planner(LadderSettings(live_orders=2, smallest_size=0.12))
    for share in np.linspace(-0.5, 0.5, 11):
        coins = ETH.size(abs(share) * LOT) * np.sign(share)
        plan = known.plan(Holding(coins), Restraints())
        first = wanted(known, coins).of(plan.order.side)[0]
        if plan.order.grows:
            assert first == plan.order
        else:
            assert (first.price, first.terms) == (plan.order.price, plan.order.terms)
            assert first.size >= plan.order.size, "what goes beyond flat is the ladder's, not the bot's"


def test_levels_at_one_price_are_one_order():
    near = planner()
    tight = LadderSettings(live_orders=12, step_bps=0.1, smallest_size=0.12, up_range=0.001, down_range=0.001)
    orders = wanted(planner(tight))
    assert len(orders.bid) < 6
    total = sum(order.size for order in wanted(near).bid)
    assert sum(order.size for order in orders.bid) == pytest.approx(total, abs=6e-4)
    assert orders == wanted(planner(tight)), "the same again"
    assert isinstance(orders, Sides)
