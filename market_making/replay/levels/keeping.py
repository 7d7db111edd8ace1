"""Which orders of a ladder stay: the wanted ones are held against those that rest, and only what changed is touched.

Each wanted order is matched with the resting order nearest to its price, and the planner says of each pair whether the
resting one is good. One too close to mid, too large or not wanted goes at once. One that is too far, and a level that
is missing, wait for the action budget, unless they reduce the position; the nearest levels come first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

from market_making.market.sides import Side, Sides
from market_making.replay.makers.maker import Resting
from market_making.trading.actions.budget import CANCEL_ACTIONS
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.plan import MOVE_ACTIONS, Planner
from market_making.trading.planned import Plan, PlannedOrder
from market_making.trading.rules import Restraints
from market_making.trading.wanted import WantedOrder


class Pair(NamedTuple):
    """A wanted order and the resting one that stands for it; None where there is none."""

    order: PlannedOrder | None
    resting: Resting | None


class Changes(NamedTuple):
    """Numbers of orders that go, orders that come, and those that stay with the orders that they stand for."""

    cancel: tuple[int, ...]
    place: tuple[PlannedOrder, ...]
    stay: tuple[Pair, ...]


def matched(wanted: Sequence[PlannedOrder], resting: Sequence[Resting]) -> list[Pair]:
    """Pairs of one side with the least distance between their prices, nearest wanted order first; then what is over."""
    distances = sorted(
        (abs(order.price - known.price), place, other)
        for place, order in enumerate(wanted)
        for other, known in enumerate(resting)
    )
    found: dict[int, int] = {}
    for _, place, other in distances:
        if place not in found and other not in found.values():
            found[place] = other
    pairs = [Pair(order, resting[found[place]] if place in found else None) for place, order in enumerate(wanted)]
    return pairs + [Pair(None, known) for other, known in enumerate(resting) if other not in found.values()]


class LadderKeeping:
    """Decides about all orders of one loop.

    Parameters
    ----------
    planner : Planner
        Of the loop.
    plan : Plan
        Of the loop; what is held and mid are looked at.
    restraints : Restraints
        What holds for the moment.
    actions : float
        How many are left.
    """

    def __init__(self, planner: Planner, plan: Plan, restraints: Restraints, actions: float) -> None:
        self._planner, self._plan, self._restraints, self._actions = planner, plan, restraints, actions
        self._cancel: list[int] = []
        self._place: list[PlannedOrder] = []
        self._stay: list[Pair] = []

    def changes(self, wanted: Sides[tuple[PlannedOrder, ...]], resting: Sides[tuple[Resting, ...]]) -> Changes:
        """What goes, comes and stays."""
        for pair in _by_rank(*(matched(wanted.of(side), resting.of(side)) for side in Side)):
            if pair.resting is None:
                self._come(pair.order)
            elif self._is_good(pair):
                self._stay.append(pair)
            else:
                self._cancel.append(pair.resting.number)
                self._actions -= CANCEL_ACTIONS
                self._come(pair.order)
        return Changes(tuple(self._cancel), tuple(self._place), tuple(self._stay))

    @property
    def _is_saving(self) -> bool:
        """Whether no action is left for a better price."""
        return self._restraints.saving or self._actions < MOVE_ACTIONS

    def _come(self, order: PlannedOrder | None) -> None:
        """Place an order; one that opens needs an action that is left."""
        if order is not None and not (order.grows and (self._restraints.saving or self._actions < 1)):
            self._place.append(order)
            self._actions -= 1

    def _is_good(self, pair: Pair) -> bool:
        """Whether the resting order of a pair stays, as the planner says of a bot's only order."""
        order, resting = pair
        if order is None or resting is None:
            return False
        left = resting.size - resting.filled
        known = RestingOrder("", order.side, resting.price, left, resting.filled, resting.placed_ms)
        plan = self._plan._replace(order=order, holding=Holding(self._plan.holding.coins, known))
        return self._planner.compared(plan, replace(self._restraints, saving=self._is_saving)).keep


def stale_orders(planner: Planner, restraints: Restraints, changes: Changes) -> Iterator[WantedOrder]:
    """The order of each side that mid comes too close to first; none that leaves at the touch."""
    pairs = [*changes.stay, *(Pair(order, None) for order in changes.place)]
    watched = list(filter(None, (_watched(planner, restraints, pair) for pair in pairs)))
    bids = [wanted for wanted in watched if wanted.side is Side.BID]
    asks = [wanted for wanted in watched if wanted.side is Side.ASK]
    if bids:
        yield max(bids, key=lambda wanted: wanted.mid - wanted.tolerance)
    if asks:
        yield min(asks, key=lambda wanted: wanted.mid + wanted.tolerance)


def _watched(planner: Planner, restraints: Restraints, pair: Pair) -> WantedOrder | None:
    """An order as it rests, with the mid at which it would be where it is wanted."""
    order, resting = pair
    if order is None or order.terms.touch != 0:
        return None
    near_bps, _ = planner.tolerances_bps(order, restraints.patience)
    mid, price = planner.market.mid, order.price if resting is None else resting.price
    tolerance = near_bps * mid / 1e4 + max(order.terms.imbalance, 0.0)
    return WantedOrder(planner.instrument.pair, order.side, price, mid + price - order.price, tolerance)


def _by_rank(bids: Sequence[Pair], asks: Sequence[Pair]) -> Iterator[Pair]:
    """The nearest of both sides, then the next ones."""
    for rank in zip_longest(bids, asks):
        yield from filter(None, rank)
