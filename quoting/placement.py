"""The last steps of every model: from depths to quotes that may be shown."""

import math
from dataclasses import dataclass

from market.errors import ConfigurationError
from market.sides import Side, Sides
from quoting.quote import MarketView, Quote, Quotes, Withheld

# An order smaller than this share of a lot is rounding of the position, not a wish to trade.
SMALLEST_SIZE = 1e-6


@dataclass(frozen=True)
class DepthBounds:
    """The least and the greatest distance of a quote from mid [basis points of mid].

    Raises
    ------
    ConfigurationError
        Unless 0 ≤ minimum ≤ maximum.
    """

    minimum_bps: float = 0.0
    maximum_bps: float = 50.0

    def __post_init__(self) -> None:
        if not 0 <= self.minimum_bps <= self.maximum_bps:
            raise ConfigurationError(
                f"the half-spread is bounded by {self.minimum_bps} and {self.maximum_bps} bps, "
                "needed is 0 <= minimum <= maximum"
            )

    def apply(self, depth: float, mid: float) -> float:
        """The depth within the bounds [price]."""
        return min(max(depth, self.minimum_bps * mid / 1e4), self.maximum_bps * mid / 1e4)


def book_fault(market: MarketView) -> str | None:
    """Why the top of the book cannot be quoted around, or None."""
    bid, ask = market.bid_price, market.ask_price
    if not (math.isfinite(bid) and math.isfinite(ask) and bid > 0 and ask > 0):
        return f"a side of the book is empty: bid {bid}, ask {ask}"
    if bid >= ask:
        return f"the book is crossed: bid {bid}, ask {ask}"
    return None


def place(market: MarketView, offers: Sides[Quote | Withheld], bounds: DepthBounds) -> Quotes:
    """Quotes at the offers' depths, bounded; a depth that is no number is withheld."""

    def placed(side: Side, offer: Quote | Withheld) -> Quote | Withheld:
        if isinstance(offer, Withheld):
            return offer
        if not (math.isfinite(offer.depth) and offer.size >= SMALLEST_SIZE):
            return Withheld(f"the model gives depth {offer.depth} and size {offer.size}")
        depth = bounds.apply(offer.depth, market.mid)
        price = market.mid - depth if side is Side.BID else market.mid + depth
        return offer._replace(price=price, depth=depth) if price > 0 else Withheld("the bid would be below zero")

    return Quotes(Sides(bid=placed(Side.BID, offers.bid), ask=placed(Side.ASK, offers.ask)))
