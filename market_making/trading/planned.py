"""What a plan says: the one order that should rest, or why none should."""

from typing import NamedTuple

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.quoting.quote import Quotes
from market_making.quoting.terms import Terms
from market_making.trading.holding import Holding


class PlannedOrder(NamedTuple):
    """An order to rest: valid price [price], valid size [coins], the terms that sum to its distance from mid [price].

    `grows` says that a fill enlarges the position, `closes` that it ends it.
    """

    side: Side
    price: float
    size: float
    terms: Terms
    grows: bool
    closes: bool


class Plan(NamedTuple):
    """What should rest on one pair, given what was held when the plan was made.

    `keep` says that the resting order is good as it is. `reason` and its text `detail` tell why there is no order, or
    why the resting one is kept or replaced. `quotes` are those of both sides at valid prices, of which one may rest;
    `sides` are those on which the rules let one rest.
    """

    holding: Holding
    inventory: float
    mid: float
    order: PlannedOrder | None
    keep: bool
    reason: Reason
    detail: str
    quotes: Quotes
    sides: tuple[Side, ...] = ()

    @property
    def because(self) -> Because:
        """The reason together with its text."""
        return Because(self.reason, self.detail)

    @property
    def because_placed(self) -> Because:
        """Why its order is asked for. One that the plan keeps has ended since: while it rests, none is asked for."""
        if self.keep:
            return Because(Reason.SIDE_FREE, "the order that rested has ended, placing another")
        return self.because
