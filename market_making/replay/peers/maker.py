"""A peer as a maker: one order a side, priced by its pricing and kept by its keeping."""

from collections import Counter

from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.terms import Terms
from market_making.replay.makers.maker import Decision, Seen
from market_making.replay.peers.market import PeerMarket
from market_making.replay.peers.peer import Peer, PeerView, Wanted
from market_making.trading.planned import PlannedOrder


class PeerMaker:
    """A peer in one session.

    Parameters
    ----------
    peer : Peer
        What it quotes and how it keeps its orders.
    market : PeerMarket
        Lot, bound and calibrations.
    """

    book_levels = 1
    wakes = False

    def __init__(self, peer: Peer, market: PeerMarket) -> None:
        self._pricing, self._keeping, self._market = peer.pricing(), peer.keeping(), market
        self.every_s = self._keeping.every_s
        self.withheld = Counter[Reason]()

    def decide(self, seen: Seen) -> Decision | None:
        """What it cancels and places; nothing where the book has no two sides."""
        if not seen.is_two_sided:
            return None
        market, view = self._market, self._view(seen)
        wanted = _valid(self._pricing.wanted(view), market.instrument)
        resting = seen.resting.map(lambda orders: orders[0] if orders else None)
        changes = self._keeping.changes(view, wanted, resting, filled=bool(seen.parts))
        cancel = tuple(known.number for side in changes.cancel if (known := resting.of(side)))
        place = tuple(_planned(side, order, view.mid) for side in changes.place if (order := wanted.of(side)))
        return Decision(view.mid, Sides(market.bound, market.bound), cancel, place)

    def sent(self, actions: int, now_ms: int) -> None:
        """Peers count no actions."""

    def _view(self, seen: Seen) -> PeerView:
        bid, ask, market = seen.bids[0].price, seen.asks[0].price, self._market
        flow, tick = market.flow(seen.now_ms), market.instrument.tick(bid)
        return PeerView(seen.now_ms, bid, ask, tick, seen.position, market.lot, market.bound, flow)


def _planned(side: Side, wanted: Wanted, mid: float) -> PlannedOrder:
    terms = Terms(room=mid - wanted.price if side is Side.BID else wanted.price - mid)
    return PlannedOrder(side, wanted.price, wanted.size, terms, grows=True, closes=False)


def _valid(wanted: Sides[Wanted | None], instrument: Instrument) -> Sides[Wanted | None]:
    """Orders on the grid, rounded away from mid; one below the exchange's smallest is none."""

    def of(side: Side) -> Wanted | None:
        order = wanted.of(side)
        if order is None:
            return None
        rounded = instrument.bid_price if side is Side.BID else instrument.ask_price
        price, size = rounded(order.price), instrument.size(order.size)
        return Wanted(price, size) if price > 0 and price * size >= instrument.minimum_notional else None

    return Sides(bid=of(Side.BID), ask=of(Side.ASK))
