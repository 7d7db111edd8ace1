"""Which side each leg quotes: both come to one answer, never to one side, and never hold against each other."""

import itertools

import pytest

from market_making.market.sides import Side
from market_making.trading.legs.sides import LegRoom, shared_sides

BID, ASK = Side.BID, Side.ASK
HELD = (0.0, 1.0, -1.0, 3.0, -3.0)
RULES = ((), (BID,), (ASK,), (BID, ASK))
EVERY = [
    (LegRoom(one, its, at), LegRoom(other, others, there))
    for one, other, its, others, at, there in itertools.product(
        HELD, HELD, RULES, RULES, (None, BID, ASK), (None, BID, ASK)
    )
]


@pytest.mark.parametrize(
    ("long", "short", "sides"),
    [
        (0.0, 0.0, (BID, ASK)),
        (1.0, 0.0, (ASK, BID)),
        (0.0, 1.0, (BID, ASK)),
        (-1.0, 0.0, (BID, ASK)),
        (0.0, -1.0, (ASK, BID)),
        (1.0, -1.0, (ASK, BID)),
        (-1.0, 1.0, (BID, ASK)),
        (2.0, 1.0, (ASK, BID)),
        (1.0, 2.0, (BID, ASK)),
        (-1.0, -2.0, (ASK, BID)),
    ],
)
def test_the_rule(long, short, sides):
    """Who holds something leaves it, the larger position first, and the other takes the opposite side."""
    assert shared_sides(LegRoom(long), LegRoom(short)) == sides


def test_never_both_on_one_side_and_never_where_the_rules_forbid():
    """Whatever is held and rests, and whatever the rules of either leg say."""
    for long, short in EVERY:
        one, other = shared_sides(long, short)
        assert one is None or one is not other
        assert one in (*long.sides, None)
        assert other in (*short.sides, None)


def test_the_legs_never_come_to_hold_against_each_other_while_both_sides_are_free():
    """So the gross position is the net one; where they do all the same, both leave."""
    for long, short in EVERY:
        if long.sides == short.sides == (BID, ASK) and (long.coins or short.coins):
            one, other = shared_sides(long, short)
            grows = {side for side, leg in ((one, long), (other, short)) if side is not leg.leaves}
            assert len(grows) == (0 if long.coins * short.coins < 0 else 1)
            assert grows <= ({BID} if long.coins + short.coins > 0 else {ASK})


def test_what_they_hold_against_each_other_never_grows():
    """Also where the rules of a leg forbid it to leave."""
    for long, short in EVERY:
        if long.coins * short.coins < 0:
            one, other = shared_sides(long, short)
            assert one in (None, long.leaves) or other in (None, short.leaves)


def test_two_sides_are_quoted_wherever_they_can_be_and_one_where_only_one_can():
    """No side is given away."""
    for long, short in EVERY:
        quoted = sum(side is not None for side in shared_sides(long, short))
        possible = {(one, other) for one in long.sides for other in short.sides if one is not other}
        if long.coins * short.coins < 0:
            possible.discard((BID, ASK) if long.coins > 0 else (ASK, BID))
        assert quoted == (2 if possible else 1 if long.sides or short.sides else 0)


def test_who_need_not_turn_does_not():
    """Orders of two flat legs, or of two that hold the same direction, stay where they are."""
    assert shared_sides(LegRoom(0.0), LegRoom(0.0, order=BID)) == (ASK, BID)
    assert shared_sides(LegRoom(0.0, order=ASK), LegRoom(0.0, order=BID)) == (ASK, BID)
    assert shared_sides(LegRoom(1.0, order=ASK), LegRoom(2.0, order=BID)) == (ASK, BID)
    assert shared_sides(LegRoom(1.0, order=BID), LegRoom(0.0, order=ASK)) == (ASK, BID)


@pytest.mark.parametrize(
    ("long", "short", "sides"),
    [
        (LegRoom(1.0), LegRoom(0.0, ()), (ASK, None)),  # the other may not open: leave alone
        (LegRoom(1.0, (ASK,)), LegRoom(0.0), (ASK, BID)),  # paused with a position
        (LegRoom(0.0), LegRoom(-1.0, (BID,)), (ASK, BID)),
        (LegRoom(0.0, ()), LegRoom(-1.0), (None, BID)),
        (LegRoom(3.0, (ASK,)), LegRoom(0.0, (ASK,)), (ASK, None)),  # at the bound no bid is wanted
        (LegRoom(0.0), LegRoom(0.0, ()), (BID, None)),  # each begins with its own side, also where it starts first
        (LegRoom(0.0, ()), LegRoom(0.0), (None, ASK)),
    ],
)
def test_a_leg_whose_rules_forbid_a_side_never_puts_both_on_one(long, short, sides):
    """The leg that reduces comes first, and the other makes room."""
    assert shared_sides(long, short) == sides
