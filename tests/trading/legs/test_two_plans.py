"""Two planners that only know what the other has told: whatever order things happen in, they make one market."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.settings.role import Role
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.legs.leg_file import LegState
from market_making.trading.rules import Restraints, closed_sides
from tests.trading.conftest import eth_planner

LOCKED = Because(Reason.PAIR_LOCKED, "locked")
BOUND = 3


class Leg:
    """What a bot does in a loop: hear, plan, tell, cancel, tell, place, tell. A fill is known in its next loop."""

    def __init__(self, role):
        planner = eth_planner()
        self._planner = replace(planner, rules=replace(planner.rules, role=role))
        self.coins = 0.0
        self.order: RestingOrder | None = None
        self.is_locked = False
        self.told = LegState()
        self.orders = 0

    def loop(self, other: "Leg") -> None:
        held = Holding(self.coins, self.order, 0)
        plan = self._plan(held, other)
        self._tell(plan)
        if self.order is not None and not plan.keep:
            self.order = None
            self.told = self.told._replace(order=None)
            plan = self._plan(Holding(self.coins), other)  # Freqtrade goes on in the same loop
            self._tell(plan)
        if self.order is None and plan.order is not None:
            self.orders += 1
            order = plan.order
            self.told = self.told._replace(order=order.side)
            self.order = RestingOrder(str(self.orders), order.side, order.price, order.size, 0.0, 0)

    def fill(self) -> None:
        """Somebody takes the order; the bot does not know it yet."""
        if self.order is not None:
            self.coins += self.order.size if self.order.side is Side.BID else -self.order.size
            self.order = None

    def _plan(self, held, other):
        told = replace(self._planner, other_leg=other.told.coins, beside=other.told.beside)
        return told.plan(held, Restraints(closed=closed_sides(held, LOCKED if self.is_locked else None)))

    def _tell(self, plan):
        resting = None if self.order is None else self.order.side
        self.told = LegState(self.coins, resting, plan.sides)


class Pair:
    """Two legs, and what must hold after everything that happens."""

    def __init__(self):
        self.legs = Leg(Role.LONG_LEG), Leg(Role.SHORT_LEG)
        self.settle()

    def happens(self, what, number):
        leg, other = self.legs[number], self.legs[1 - number]
        if what == "loop":
            leg.loop(other)
        elif what == "fill":
            leg.fill()
        else:
            leg.is_locked = what == "lock"
        self.check()

    def settle(self):
        """Nothing happens but a few loops of each leg."""
        for number in (0, 1) * 4:
            self.happens("loop", number)

    def check(self):
        sides = [leg.order.side for leg in self.legs if leg.order is not None]
        assert len(set(sides)) == len(sides), "both on one side"
        one, other = (leg.coins for leg in self.legs)
        lot = 0.0333
        assert abs(one) + abs(other) <= abs(one + other) + 2.02 * lot
        assert abs(one + other) <= (BOUND + 1.01) * lot  # a fill that is not known yet may add one

    @property
    def sides(self):
        return {leg.order.side for leg in self.legs if leg.order is not None}

    @property
    def net(self):
        return round(sum(leg.coins for leg in self.legs) / 0.0333)


happenings = st.lists(
    st.tuples(st.sampled_from(["loop", "loop", "loop", "fill", "fill", "lock", "unlock"]), st.sampled_from([0, 1])),
    max_size=60,
)


@given(happenings)
@settings(max_examples=100, deadline=None)
def test_never_both_on_one_side_and_both_sides_again_as_soon_as_nothing_happens(course):
    """Loops, fills and pauses in any order; then both sides rest, but for what the bound closes."""
    pair = Pair()
    for what, number in course:
        pair.happens(what, number)
    for number in (0, 1):
        pair.happens("unlock", number)
    pair.settle()
    assert pair.sides == {Side.BID, Side.ASK} - ({Side.BID} if pair.net >= BOUND else set()) - (
        {Side.ASK} if pair.net <= -BOUND else set()
    )
    kept = [leg.order for leg in pair.legs]
    pair.settle()
    assert [leg.order for leg in pair.legs] == kept, "nobody turns for nothing"


@given(st.lists(st.sampled_from([0, 1]), max_size=40))
@settings(max_examples=30, deadline=None)
def test_legs_that_see_each_fill_never_hold_against_each_other(fills):
    """The gross position then is the net one."""
    pair = Pair()
    for number in fills:
        pair.happens("fill", number)
        pair.settle()
        one, other = (leg.coins for leg in pair.legs)
        assert one * other >= 0


def test_a_fill_that_ends_a_position_turns_nobody():
    """The other leg's order is as good for two flat legs."""
    pair = Pair()
    pair.happens("fill", 0)
    pair.settle()
    assert [leg.order.side for leg in pair.legs] == [Side.ASK, Side.BID]
    pair.happens("fill", 0)
    pair.settle()
    assert (pair.net, [leg.order.side for leg in pair.legs]) == (0, [Side.ASK, Side.BID])


def test_one_leg_that_is_paused_leaves_the_market_to_the_other():
    """A flat one rests nothing, one that holds something only leaves it."""
    pair = Pair()
    pair.legs[1].is_locked = True
    pair.settle()
    assert pair.sides == {Side.BID}
    pair.happens("fill", 0)
    pair.settle()
    assert pair.sides == {Side.ASK}
    assert pair.legs[0].order.side is Side.ASK


@pytest.mark.parametrize("number", [0, 1])
def test_both_fills_at_once_are_left_by_both(number):
    """It is the only way to hold against each other, and both leave."""
    pair = Pair()
    pair.happens("fill", 0)
    pair.happens("fill", 1)
    pair.settle()
    assert {leg.order.side for leg in pair.legs if leg.coins > 0} == {Side.ASK}
    assert {leg.order.side for leg in pair.legs if leg.coins < 0} == {Side.BID}
    pair.happens("fill", number)
    pair.settle()
    assert pair.sides == {Side.BID, Side.ASK}
