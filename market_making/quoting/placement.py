"""What all models share: what they refuse to quote from, how much, and their last check."""

import math

from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Quote, Withheld
from market_making.quoting.readings.markouts import factor_of
from market_making.quoting.terms import Terms

# An order smaller than this share of a lot is rounding of the position, not a wish to trade.
SMALLEST_SIZE = 1e-6


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
    wrong = _number_fault(inventory, flow) or observation_fault(market)
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


def observation_fault(market: MarketView) -> str | None:
    """What of the readings no model can quote from, or None."""
    seen = market.observations
    if not math.isfinite(seen.bias):
        return f"the trend is {seen.bias}"
    for volatility in (seen.volatility, seen.usual_volatility):
        if volatility is not None and not 0 <= volatility < math.inf:
            return f"the observed volatility is {volatility}"
    return None


def picked_off(market: MarketView, side: Side, inventory: float) -> Withheld | None:
    """Why a side is not quoted after its own fills have lost too often, or None."""
    if math.isfinite(factor_of(market.observations.markout_factors, side, inventory)):
        return None
    return Withheld(Reason.TOXIC_FLOW, "fills on this side are followed by adverse moves")


def sizes_within(inventory: float, maximum_inventory: float) -> Sides[float | Withheld]:
    """Size of each side [lots]: one lot, cut to the room up to the bound; without room the side is withheld."""

    def size(signed: float) -> float | Withheld:
        room = maximum_inventory - signed
        return min(1.0, room) if room > SMALLEST_SIZE else Withheld(Reason.AT_BOUND, "at maximum inventory")

    return Sides(bid=size(inventory), ask=size(-inventory))


def offers(market: MarketView, terms: Sides[Terms], sizes: Sides[float | Withheld]) -> Sides[Quote | Withheld]:
    """Combine terms and sizes; a side whose size is withheld is withheld."""

    def offer(side: Side) -> Quote | Withheld:
        size = sizes.of(side)
        return size if isinstance(size, Withheld) else Quote.at(side, market.mid, terms.of(side), size)

    return Sides(bid=offer(Side.BID), ask=offer(Side.ASK))


def numbers_only(offer: Quote | Withheld) -> Quote | Withheld:
    """The offer, unless its depth is NaN or infinite, or its size too small to trade."""
    if isinstance(offer, Withheld) or (math.isfinite(offer.depth) and offer.size >= SMALLEST_SIZE):
        return offer
    return Withheld(Reason.NUMBERS_UNUSABLE, f"the model gives depth {offer.depth} and size {offer.size}")
