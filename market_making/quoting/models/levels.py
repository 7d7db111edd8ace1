"""Models that quote several levels a side: a bot with one order per side rests one of them, a replay may rest all."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Protocol, runtime_checkable

from market_making.market.reasons import Reason
from market_making.market.sides import Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Quote, Quotes, Withheld

NO_LEVEL = Withheld(Reason.AT_BOUND, "the ladder is stopped on this side")


@runtime_checkable
class Levelled(Protocol):
    """A quoting model with levels or tiers, which as a `Quoter` quotes one of them."""

    def levels(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> tuple[Quotes, ...]:
        """Quotes of every level, at least one, nearest first; a side with fewer levels is withheld in the rest."""
        ...


def by_level(bids: Sequence[Quote | Withheld], asks: Sequence[Quote | Withheld]) -> tuple[Sides[Quote | Withheld], ...]:
    """Both sides level by level, at least one; `NO_LEVEL` where a side has no further one."""
    levels = tuple(Sides(bid, ask) for bid, ask in zip_longest(bids, asks, fillvalue=NO_LEVEL))
    return levels or (Sides(NO_LEVEL, NO_LEVEL),)
