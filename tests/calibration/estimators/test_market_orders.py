"""Prints become market orders, measured against the quotes just before and a second after."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.estimators.market_orders import MarketOrders, market_orders
from calibration.observation.observations import observe
from market_making.market.sides import Direction
from market_making.market.tape import Tape, TradeTape


def orders_of(tape: Tape, tick: float = 1.0) -> MarketOrders:
    """Market orders of a tape."""
    return market_orders(tape.quotes, tape.trades, tick, tape.gaps, tape.end_ms)


def test_prints_of_one_block_and_direction_are_one_order(make_tape):
    """A sweep over three prices is one order that reaches its farthest price."""
    tape = make_tape([(0, 99, 101), (3000, 99, 101)], [(500, 1, 101), (500, 1, 103), (500, 1, 102)])
    orders = orders_of(tape)
    assert (len(orders), orders.reach[0], orders.ticks_through[0]) == (1, 3.0, 2)


def test_opposite_directions_and_other_orders_stay_apart(make_tape):
    """Buys and sells of one block are two orders, and so are two buyers that the source tells apart."""
    prints = [(500, 1, 101, 7), (500, 1, 102, 8), (500, -1, 99, 7)]
    orders = orders_of(make_tape([(0, 99, 101), (3000, 99, 101)], prints))
    assert sorted(zip(orders.sign, orders.reach, strict=True)) == [(-1, 1.0), (1, 1.0), (1, 2.0)]


def test_only_a_quote_strictly_before_an_order_measures_it(make_tape):
    """A quote with the stamp of the trade already shows the book after it."""
    orders = orders_of(make_tape([(0, 99, 101), (500, 103, 105), (3000, 103, 105)], [(500, 1, 104)]))
    assert (orders.reach[0], orders.ticks_through[0]) == (4.0, 3)


def test_an_order_before_the_first_quote_is_not_measured(make_tape):
    """Without a quote there is no depth."""
    assert len(orders_of(make_tape([(1000, 99, 101), (3000, 99, 101)], [(1000, 1, 101), (900, 1, 101)]))) == 0


def test_markout_is_the_last_mid_within_a_second(make_tape):
    """A quote exactly one second later counts, one a millisecond later does not."""
    quotes = [(0, 99, 101), (1500, 100, 102), (1501, 200, 202), (4000, 200, 202)]
    orders = orders_of(make_tape(quotes, [(500, 1, 101), (500, -1, 99)]))
    assert dict(zip(orders.sign.tolist(), orders.markout.tolist(), strict=True)) == {1: 1.0, -1: -1.0}


@pytest.mark.parametrize(
    ("gaps", "orders", "known"),
    [([], 1, 1), ([(1400, 1600)], 1, 0), ([(400, 600)], 0, 0), ([(1500, 1600)], 1, 1), ([(499, 500)], 0, 0)],
)
def test_nothing_is_counted_in_a_gap_and_no_move_over_one(make_tape, gaps, orders, known):
    """An order in a gap is left out; one whose second crosses a gap has no markout."""
    found = orders_of(make_tape([(0, 99, 101), (4000, 99, 101)], [(500, 1, 101)], gaps=gaps))
    assert (len(found), int((~np.isnan(found.markout)).sum())) == (orders, known)


def test_a_second_that_is_not_over_has_no_markout(make_tape):
    """What comes after the end of the tape is not known."""
    assert np.isnan(orders_of(make_tape([(0, 99, 101), (1000, 99, 101)], [(500, 1, 101)])).markout[0])


@settings(max_examples=30, deadline=None)
@given(parts=st.lists(st.integers(1, 5), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_splitting_prints_changes_nothing(half_hour, increments, parts, seed):
    """A print reported in several pieces, in any order within its block, is the same order."""
    trades = half_hour.trades
    repeat = np.resize(parts, len(trades.time_ms))
    pieces = TradeTape(*(np.repeat(column, repeat) for column in trades))
    shuffled = np.lexsort((np.random.default_rng(seed).random(len(pieces.time_ms)), pieces.time_ms))
    split = half_hour._replace(trades=TradeTape(*(column[shuffled] for column in pieces)))
    one, other = (observe(tape, increments.tick).orders for tape in (half_hour, split))
    for name in ("time_ms", "sign", "reach", "ticks_through", "mid", "markout"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_simulated_orders_are_found_with_their_true_reach(half_hour, truth, increments):
    """As many orders as were simulated, and in the mean they walk 1/(1 − p) ticks beyond the touch."""
    orders = observe(half_hour, increments.tick).orders
    assert len(orders) == pytest.approx(len(np.unique(half_hour.trades.order)), rel=0.002)
    for direction in Direction:
        walked = orders.of(direction).ticks_through
        assert walked[walked > 0].mean() == pytest.approx(1 / (1 - truth.continuation(direction)), rel=0.2)
