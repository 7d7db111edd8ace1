"""A ladder that rests is touched only where it changed; what is too close goes first."""

from dataclasses import replace

import numpy as np
import pytest

from market_making.market.sides import Side, Sides
from market_making.replay.levels.keeping import LadderKeeping, Pair, matched, stale_orders
from market_making.replay.levels.wanted import wanted_ladder
from market_making.replay.makers.maker import Resting
from market_making.trading.holding import Holding
from market_making.trading.rules import Restraints
from tests.replay.levels.ladders_of_tests import MARKET, levels_of, planner

FREE = Restraints()


def orders_at(mid_moved=0.0):
    """The ladder when mid has moved so far [price], and its planner."""
    moved = MARKET._replace(bid_price=MARKET.bid_price + mid_moved, ask_price=MARKET.ask_price + mid_moved)
    known = planner(market=moved)
    return known, wanted_ladder(known, levels_of(known, 0.0), 0.0, FREE)


def at_rest(orders, placed_ms=0):
    """The same orders at the exchange; numbered from 0, bids first."""
    numbers = iter(range(100))
    return orders.map(lambda side: tuple(Resting(next(numbers), o.price, o.size, 0.0, placed_ms) for o in side))


def changed(mid_moved, resting, actions=100.0, restraints=FREE):
    known, wanted = orders_at(mid_moved)
    plan = known.plan(Holding(), restraints)
    return LadderKeeping(known, plan, restraints, actions).changes(wanted, resting)


def test_nothing_changed_sends_nothing():
    _, orders = orders_at()
    kept = changed(0.0, at_rest(orders))
    assert (kept.cancel, kept.place, len(kept.stay)) == ((), (), 12)


def test_within_the_tolerance_nothing_is_sent_either():
    """Half a basis point of 3000 is 0.15."""
    _, orders = orders_at()
    kept = changed(0.05, at_rest(orders))
    assert (kept.cancel, kept.place) == ((), ())


def test_what_is_too_close_goes_at_once_and_what_is_too_far_when_it_is_old_enough():
    _, orders = orders_at()
    young = changed(-0.5, at_rest(orders, placed_ms=99_000))
    assert sorted(young.cancel) == [0, 1, 2, 3, 4, 5], "mid has fallen: bids are too close, asks too far"
    assert [order.side for order in young.place] == [Side.BID] * 6
    old = changed(-0.5, at_rest(orders, placed_ms=0))
    assert sorted(old.cancel) == list(range(12))


def test_what_is_missing_is_placed_alone():
    _, orders = orders_at()
    resting = at_rest(orders)
    kept = changed(0.0, resting._replace(ask=resting.ask[:2] + resting.ask[3:]))
    assert kept.cancel == ()
    assert kept.place == (orders.ask[2],)


def test_a_level_that_is_not_wanted_any_more_goes():
    known, orders = orders_at()
    resting = at_rest(orders)
    plan = known.plan(Holding(), FREE)
    kept = LadderKeeping(known, plan, FREE, 100.0).changes(orders._replace(bid=orders.bid[:4]), resting)
    assert kept.cancel == (4, 5)
    assert kept.place == ()


def test_without_actions_the_nearest_levels_come_first_and_what_is_too_close_goes_all_the_same():
    _, orders = orders_at()
    assert len(changed(0.0, Sides((), ()), actions=5.0).place) == 5
    depths = [abs(order.price - 3000.0) for order in changed(0.0, Sides((), ()), actions=4.0).place]
    assert depths == pytest.approx([1.5, 1.5, 3.0, 3.0])
    spent = changed(-0.5, at_rest(orders), actions=0.0, restraints=replace(FREE, saving=True))
    assert sorted(spent.cancel) == [0, 1, 2, 3, 4, 5]
    assert spent.place == ()


def test_matching_pairs_each_order_once_and_leaves_none_out():
    random, (_, orders) = np.random.default_rng(5), orders_at()
    for _ in range(50):
        count = int(random.integers(0, 9))
        known = tuple(Resting(n, round(random.uniform(2980, 2999), 1), 0.01, 0.0, 0) for n in range(count))
        pairs = matched(orders.bid, known)
        assert [pair.order for pair in pairs if pair.order] == list(orders.bid)
        assert sorted(pair.resting.number for pair in pairs if pair.resting) == list(range(count))
        assert sum(None not in pair for pair in pairs) == min(count, len(orders.bid))
    same = at_rest(orders).bid
    assert matched(orders.bid, same[::-1]) == [Pair(*each) for each in zip(orders.bid, same, strict=True)]


def test_the_mid_that_wakes_the_loop_is_the_first_at_which_an_order_goes():
    _, orders = orders_at()
    resting = at_rest(orders, placed_ms=99_000)
    known, _ = orders_at(0.05)
    kept = changed(0.05, resting)
    bid, ask = stale_orders(known, FREE, kept)
    for wanted, sign in ((bid, -1), (ask, 1)):
        edge = wanted.mid + sign * wanted.tolerance - 3000.0
        assert changed(edge - sign * 0.01, resting).cancel == ()
        assert changed(edge + sign * 0.01, resting).cancel != ()
