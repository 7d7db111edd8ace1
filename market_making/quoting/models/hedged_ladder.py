"""A ladder that hedges itself: beyond a deviation it offers, at the touch, what brings the stock back to the target.

The hedge is a reduction of the ladder's own position, for there is no second venue: the growing side is withheld until
the deviation is under the release level. A fill that is smaller than wanted therefore does not end it.
"""

from dataclasses import dataclass, replace

from market_making.market.reasons import Reason
from market_making.market.sides import Sides
from market_making.quoting.models import ladders
from market_making.quoting.models.hedges import ActiveHedge
from market_making.quoting.models.ladders import LadderQuoter, LadderSettings, balances_of
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.placement import fault
from market_making.quoting.quote import MarketView, Quote, Quotes, Withheld
from market_making.quoting.terms import Terms


@dataclass(frozen=True)
class HedgedLadder:
    """A ladder with an active hedge; it reads `Observations.hedging`: what `Quotes.hedging` said the last time."""

    ladder: LadderQuoter
    hedge: ActiveHedge

    def __call__(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:
        """Quotes of the collapsed ladder, or of its hedge."""
        usual, lots = self.ladder(market, inventory, flow, now_ms), self._reduction(market, inventory, flow)
        return _hedged(usual, market, lots) if lots else usual

    def levels(self, market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> tuple[Quotes, ...]:
        """Quotes of every level, or of the one order that hedges."""
        usual, lots = self.ladder.levels(market, inventory, flow, now_ms), self._reduction(market, inventory, flow)
        return (_hedged(usual[0], market, lots),) if lots else usual

    def _reduction(self, market: MarketView, inventory: float, flow: OrderFlow) -> float:
        """What has to be traded to come back to the target, signed [lots]; 0 where nothing has."""
        if fault(market, inventory, flow) or inventory == 0:
            return 0.0
        settings, seen = self.ladder.settings, market.observations
        balances = balances_of(settings, inventory, market.mid, seen.balances)
        lots = self.hedge.reduction(balances, market.mid, settings.reference, hedging=seen.hedging)
        return lots if lots * inventory < 0 else 0.0


def quoter(settings: LadderSettings, hedge: ActiveHedge) -> HedgedLadder:
    """Quoter of the collapsed ladder with an active hedge."""
    return HedgedLadder(ladders.quoter(settings), hedge)


def _hedged(usual: Quotes, market: MarketView, lots: float) -> Quotes:
    """Offer to trade so many lots at the touch, and nothing on the other side."""
    growing = Withheld(Reason.MODEL_WITHHOLDS, "the ladder is brought back to its target")
    touch = Terms(level=(market.ask_price - market.bid_price) / 2)
    if lots < 0:
        sides: Sides[Quote | Withheld] = Sides(bid=growing, ask=Quote(market.ask_price, touch, -lots))
    else:
        sides = Sides(bid=Quote(market.bid_price, touch, lots), ask=growing)
    return replace(usual, sides=sides, hedging=True)
