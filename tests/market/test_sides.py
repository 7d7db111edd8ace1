"""Sides of a quote and directions of an aggressor: two words that must not be confused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.sides import Direction, Directions, Side, Sides

VALUES = st.integers()


def test_a_market_buy_lifts_the_ask_and_a_market_sell_hits_the_bid():
    """The one translation between the two, stated once."""
    quotes = Directions(buy="lifted", sell="hit").on_quotes()
    assert quotes == Sides(bid="hit", ask="lifted")


@given(VALUES, VALUES)
def test_each_side_is_the_opposite_of_its_opposite(bid, ask):
    """Looking up a side and its opposite gives both values."""
    sides = Sides(bid=bid, ask=ask)
    for side in Side:
        assert side.opposite.opposite is side
        assert {sides.of(side), sides.of(side.opposite)} == {bid, ask}
    assert (sides.of(Side.BID), sides.of(Side.ASK)) == (bid, ask)


@given(VALUES, VALUES)
def test_a_function_is_applied_to_each_value_in_its_place(one, other):
    """map keeps the sides and the directions where they are."""
    assert Sides(bid=one, ask=other).map(str) == Sides(bid=str(one), ask=str(other))
    assert Directions(buy=one, sell=other).map(str) == Directions(buy=str(one), sell=str(other))


@given(VALUES, VALUES)
def test_translating_to_quotes_commutes_with_a_function(buy, sell):
    """It does not matter whether values are computed before or after the sides are arranged."""
    directions = Directions(buy=buy, sell=sell)
    assert directions.map(abs).on_quotes() == directions.on_quotes().map(abs)


@pytest.mark.parametrize(("direction", "sign"), [(Direction.BUY, 1), (Direction.SELL, -1)])
def test_an_aggressor_pushes_the_price_his_way(direction, sign):
    """Buys up, sells down."""
    assert direction.sign == sign
    assert Directions(buy=1, sell=-1).of(direction) == sign
