"""Which side each leg quotes: both come to one answer, never to one side, and the gross position is bounded."""

import itertools

import pytest

from market_making.market.sides import Side
from market_making.trading.legs.sides import LegRoom, shared_sides

BID, ASK = Side.BID, Side.ASK
LONG, SHORT = (0.0, 1.0, 3.0), (0.0, -1.0, -3.0)
RULES = ((), (BID,), (ASK,), (BID, ASK))
EVERY = [
    (LegRoom(one, BID, its), LegRoom(other, ASK, others))
    for one, other, its, others in itertools.product(LONG, SHORT, RULES, RULES)
]


@pytest.mark.parametrize(
    ("long", "short", "sides"),
    [
        (0.0, 0.0, (BID, ASK)),
        (1.0, 0.0, (BID, ASK)),
        (0.0, -1.0, (BID, ASK)),
        (1.0, -1.0, (ASK, BID)),
        (3.0, -1.0, (ASK, BID)),
    ],
)
def test_the_table(long, short, sides):
    """Where both hold something both leave, else each quotes the side it opens with."""
    assert shared_sides(LegRoom(long, BID), LegRoom(short, ASK)) == sides


def test_never_both_on_one_side_and_never_where_the_rules_forbid():
    """Whatever is held and whatever the rules of either leg say."""
    for long, short in EVERY:
        one, other = shared_sides(long, short)
        assert one is None or one is not other
        assert one in (*long.sides, None)
        assert other in (*short.sides, None)
        assert one is not ASK or long.coins  # a flat leg can only open
        assert other is not BID or short.coins


def test_where_both_hold_something_never_both_add():
    """So the gross position is never more than two lots above the net one."""
    for long, short in EVERY:
        if long.coins and short.coins:
            assert shared_sides(long, short) != (BID, ASK)


def test_two_sides_are_quoted_wherever_they_can_be_and_one_where_only_one_can():
    """No side is given away."""
    for long, short in EVERY:
        one, other = shared_sides(long, short)
        may = [set(leg.sides) & ({BID, ASK} if leg.coins else {leg.opens}) for leg in (long, short)]
        opposite = {(BID, ASK), (ASK, BID)} - ({(BID, ASK)} if long.coins and short.coins else set())
        possible = {pair for pair in opposite if pair[0] in may[0] and pair[1] in may[1]}
        assert ((one, other) in possible) if possible else ((one is None) == (not may[0]) or (other is not None))
        assert (one, other) != (None, None) or not (may[0] or may[1])


@pytest.mark.parametrize(
    ("long", "short", "sides"),
    [
        (LegRoom(1.0, BID), LegRoom(0.0, ASK, ()), (ASK, None)),  # the other may not open: leave alone
        (LegRoom(1.0, BID, (ASK,)), LegRoom(0.0, ASK), (ASK, None)),  # paused with a position: the other makes room
        (LegRoom(0.0, BID), LegRoom(-1.0, ASK, (BID,)), (None, BID)),
        (LegRoom(0.0, BID, ()), LegRoom(-1.0, ASK), (None, BID)),
        (LegRoom(3.0, BID, (ASK,)), LegRoom(0.0, ASK), (ASK, None)),  # at the bound no bid is wanted
        (LegRoom(0.0, BID), LegRoom(0.0, ASK, ()), (BID, None)),
    ],
)
def test_a_leg_whose_rules_forbid_a_side_never_puts_both_on_one(long, short, sides):
    """The leg that reduces comes first, and the other makes room."""
    assert shared_sides(long, short) == sides
