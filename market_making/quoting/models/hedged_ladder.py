"""A ladder that hedges itself: beyond a deviation it offers, at the touch, what brings the stock back to the target.

The hedge is a reduction of the ladder's own position, for there is no second venue: the growing side is withheld until
the deviation is under the release level. A fill that is smaller than wanted therefore does not end it.
"""

from dataclasses import replace

from market_making.market.reasons import Reason
from market_making.market.sides import Sides
from market_making.quoting.models import ladders
from market_making.quoting.models.hedges import ActiveHedge
from market_making.quoting.models.ladders import LadderSettings, balances_of
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.placement import fault
from market_making.quoting.quote import MarketView, Quote, Quoter, Quotes, Withheld
from market_making.quoting.terms import Terms


def quoter(settings: LadderSettings, hedge: ActiveHedge) -> Quoter:
    """Quoter of the collapsed ladder with an active hedge.

    It reads `Observations.hedging`: what `Quotes.hedging` said the last time.
    """
    ladder = ladders.quoter(settings)

    def quotes(market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:
        usual = ladder(market, inventory, flow, now_ms)
        if fault(market, inventory, flow) or inventory == 0:
            return usual
        balances = balances_of(settings, inventory, market.mid, market.observations.balances)
        lots = hedge.reduction(balances, market.mid, settings.reference, hedging=market.observations.hedging)
        return _hedged(usual, market, lots) if lots * inventory < 0 else usual

    return quotes


def _hedged(usual: Quotes, market: MarketView, lots: float) -> Quotes:
    """Offer to trade so many lots at the touch, and nothing on the other side."""
    growing = Withheld(Reason.MODEL_WITHHOLDS, "the ladder is brought back to its target")
    touch = Terms(level=(market.ask_price - market.bid_price) / 2)
    if lots < 0:
        sides: Sides[Quote | Withheld] = Sides(bid=growing, ask=Quote(market.ask_price, touch, -lots))
    else:
        sides = Sides(bid=Quote(market.bid_price, touch, lots), ask=growing)
    return replace(usual, sides=sides, hedging=True)
