"""The orders of all levels, each planned by the planner that trades live.

A level is planned as if it were the bot's only quote, and as if the nearer levels of its side were filled: so the bound
of the inventory, and what may be opened or reduced, hold for all orders of a side together. A level across a flat
position is planned in two parts, what closes and what opens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Quotes
from market_making.trading.fills import DIGITS
from market_making.trading.holding import Holding
from market_making.trading.plan import Planner
from market_making.trading.planned import PlannedOrder
from market_making.trading.rules import Restraints, closed_sides

_NOT_ASKED = Because(Reason.NO_PLAN, "the other side is planned on its own")


def wanted_ladder(
    planner: Planner, levels: Sequence[Quotes], coins: float, restraints: Restraints
) -> Sides[tuple[PlannedOrder, ...]]:
    """The orders of all levels, nearest first.

    Parameters
    ----------
    planner : Planner
        Of the loop.
    levels : Sequence[Quotes]
        What the model wants on each level, nearest first.
    coins : float
        What is held [coins, signed].
    restraints : Restraints
        What holds for the moment.
    """
    sides = _Levels(planner, coins, restraints)
    return Sides(bid=sides.of(Side.BID, levels), ask=sides.of(Side.ASK, levels))


class _Levels:
    """Plans the levels of either side."""

    def __init__(self, planner: Planner, coins: float, restraints: Restraints) -> None:
        closed, is_long, is_short = restraints.closed, coins > 0, coins < 0
        self._planner, self._coins, self._restraints = planner, coins, restraints
        self._growing = closed.ask if is_short else closed.bid
        self._reducing = closed.ask if is_long else closed.bid if is_short else None

    def of(self, side: Side, levels: Sequence[Quotes]) -> tuple[PlannedOrder, ...]:
        """Orders of a side, nearest first, one a price."""
        found: dict[float, PlannedOrder] = {}
        held = self._coins
        for quotes in levels:
            for order in self._parts(side, quotes, held):
                known = found.get(order.price)
                size = order.size if known is None else round(known.size + order.size, DIGITS)
                found[order.price] = (known or order)._replace(size=size)
                held = round(held + (order.size if side is Side.BID else -order.size), DIGITS)
        return tuple(found.values())

    def _parts(self, side: Side, quotes: Quotes, held: float) -> Iterator[PlannedOrder]:
        """Orders of one level: what closes the position that nearer levels leave, and what opens the next one."""
        order, quote = self._order(side, quotes, held), quotes.of(side)
        if order is None:
            return
        yield order
        if quote is None or not order.closes:
            return
        left = quote.size - order.size / self._planner.lot
        if left > 0:
            rest = quotes.sides._replace(**{side.value: quote._replace(size=left)})
            opening = self._order(side, replace(quotes, sides=rest), 0.0)
            if opening is not None:
                yield opening

    def _order(self, side: Side, quotes: Quotes, held: float) -> PlannedOrder | None:
        """The order of one level of one side, with this position [coins, signed]."""
        holding = Holding(held)
        closed: Sides[Because | None] = closed_sides(holding, self._growing, self._reducing)
        only = closed._replace(**{side.opposite.value: _NOT_ASKED})
        planner = replace(self._planner, quoter=_Fixed(quotes))
        return planner.plan(holding, replace(self._restraints, closed=only)).order


class _Fixed(NamedTuple):
    """A model that has quoted already."""

    quotes: Quotes

    def __call__(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:  # noqa: ARG002 - a Quoter
        """The quotes of the level that is planned."""
        return self.quotes
