"""The last steps of every model: from depths to quotes that may be shown."""

import math
from dataclasses import dataclass

from market_making.market.errors import ConfigurationError
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Quote, Quotes, Withheld

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

    def at_least(self, minimum_bps: float) -> "DepthBounds":
        """The same bounds with a minimum that is not below this one; it wins over the maximum."""
        minimum = max(self.minimum_bps, minimum_bps)
        return DepthBounds(minimum, max(self.maximum_bps, minimum))


def book_fault(market: MarketView) -> Because | None:
    """Why the top of the book cannot be quoted around, or None."""
    bid, ask = market.bid_price, market.ask_price
    if not (math.isfinite(bid) and math.isfinite(ask) and bid > 0 and ask > 0):
        return Because(Reason.BOOK_UNUSABLE, f"a side of the book is empty: bid {bid}, ask {ask}")
    if bid >= ask:
        return Because(Reason.BOOK_UNUSABLE, f"the book is crossed: bid {bid}, ask {ask}")
    return None


def fault(market: MarketView, inventory: float, flow: OrderFlow) -> Because | None:
    """Why nothing can be quoted, or None."""
    wrong = _number_fault(inventory, flow) or _observation_fault(market)
    return book_fault(market) or (None if wrong is None else Because(Reason.NUMBERS_UNUSABLE, wrong))


def _number_fault(inventory: float, flow: OrderFlow) -> str | None:
    if not math.isfinite(inventory):
        return f"the inventory is {inventory}"
    if not (0 < flow.fill_decay.buy < math.inf and 0 < flow.fill_decay.sell < math.inf):
        return f"a fill decay is not positive and finite: {tuple(flow.fill_decay)}"
    if not (0 <= flow.fill_intensity.buy < math.inf and 0 <= flow.fill_intensity.sell < math.inf):
        return f"a fill intensity is not finite and not negative: {tuple(flow.fill_intensity)}"
    if not all(map(math.isfinite, (*flow.adverse_selection_on_fill, *flow.adverse_selection_slope))):
        return f"adverse selection is {tuple(flow.adverse_selection_on_fill)}, not finite"
    if not (0 <= flow.volatility < math.inf and 0 <= flow.half_spread < math.inf):
        return f"volatility {flow.volatility} and half-spread {flow.half_spread} are not both finite and not negative"
    return None


def _observation_fault(market: MarketView) -> str | None:
    seen = market.observations
    if not math.isfinite(seen.bias):
        return f"the trend is {seen.bias}"
    for volatility in (seen.volatility, seen.usual_volatility):
        if volatility is not None and not 0 <= volatility < math.inf:
            return f"the observed volatility is {volatility}"
    return None


def sizes_within(inventory: float, maximum_inventory: float) -> Sides[float | Withheld]:
    """Size of each side [lots]: one lot, cut to the room up to the bound; without room the side is withheld."""

    def size(signed: float) -> float | Withheld:
        room = maximum_inventory - signed
        return min(1.0, room) if room > SMALLEST_SIZE else Withheld(Reason.AT_BOUND, "at maximum inventory")

    return Sides(bid=size(inventory), ask=size(-inventory))


def offers(depths: Sides[float], sizes: Sides[float | Withheld]) -> Sides[Quote | Withheld]:
    """Depths and sizes put together; the price is still to be found."""

    def offer(depth: float, size: float | Withheld) -> Quote | Withheld:
        return size if isinstance(size, Withheld) else Quote(price=math.nan, depth=depth, size=size)

    return Sides(bid=offer(depths.bid, sizes.bid), ask=offer(depths.ask, sizes.ask))


def place(market: MarketView, offers: Sides[Quote | Withheld], bounds: DepthBounds) -> Quotes:
    """Quotes at the offers' depths, bounded; a depth that is no number is withheld."""

    def placed(side: Side, offer: Quote | Withheld) -> Quote | Withheld:
        if isinstance(offer, Withheld):
            return offer
        if not (math.isfinite(offer.depth) and offer.size >= SMALLEST_SIZE):
            return Withheld(Reason.NUMBERS_UNUSABLE, f"the model gives depth {offer.depth} and size {offer.size}")
        depth = bounds.apply(offer.depth, market.mid)
        price = market.mid - depth if side is Side.BID else market.mid + depth
        if price <= 0:
            return Withheld(Reason.MODEL_WITHHOLDS, "the bid would be below zero")
        return offer._replace(price=price, depth=depth)

    return Quotes(Sides(bid=placed(Side.BID, offers.bid), ask=placed(Side.ASK, offers.ask)))
