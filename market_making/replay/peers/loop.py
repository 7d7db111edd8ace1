"""The loop of a peer: look at the book and its own orders, cancel, place, sleep; a round trip each.

It is the loop of `market_making.replay.bot.bot` without a desk: the same engines, latencies and records, so that only
the decisions differ.
"""

from collections import Counter

from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.terms import Terms
from market_making.replay.bot.access import VenueAccess
from market_making.replay.bot.bot import Loop, Step, Wake
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.peers.market import PeerMarket
from market_making.replay.peers.peer import Peer, PeerView, Resting, Wanted
from market_making.trading.fills import DIGITS
from market_making.trading.planned import PlannedOrder

_FULL = 1 - 1e-9


class PeerBot:
    """A peer over an engine; it may hold a position of either sign.

    Parameters
    ----------
    peer : Peer
        What it quotes and how it keeps its orders.
    market : PeerMarket
        Lot, bound and calibrations.
    venue : VenueAccess
        Where its orders rest.
    lags : LagProfile
        How long everything takes.
    """

    def __init__(self, peer: Peer, market: PeerMarket, venue: VenueAccess, lags: LagProfile) -> None:
        self.decisions = self.plans = 0
        self.withheld = Counter[Reason]()
        self._pricing, self._keeping = peer.pricing(), peer.keeping()
        self._market, self._venue, self._lags = market, venue, lags
        self._resting: dict[Side, Resting] = {}
        self._position = 0.0
        self._filled = False

    def run(self, start_ms: int, end_ms: int) -> Loop:
        """Loop from `start_ms` to `end_ms` [ms]."""
        begin_ms = start_ms
        while begin_ms < end_ms:
            lags = self._lags.draw()
            yield Wake(max(begin_ms - lags.feed_ms, start_ms))
            self._look()
            now_ms, view = begin_ms + lags.decide_ms, self._view(begin_ms)
            if view is not None:
                now_ms = yield from self._act(view, now_ms, lags)
            every_s = self._keeping.every_s
            period_ms = lags.period_ms if every_s is None else round(every_s * 1e3)
            begin_ms = max(begin_ms + period_ms, now_ms + lags.pause_ms)

    def _look(self) -> None:
        """Ask about the own orders; those that have ended rest no longer."""
        for side, resting in list(self._resting.items()):
            now = self._venue.engine.order(resting.number)
            bought = round(now.filled - resting.filled, DIGITS)
            self._filled = self._filled or bought > 0
            self._position = round(self._position + (bought if side is Side.BID else -bought), DIGITS)
            if now.is_open:
                self._resting[side] = resting._replace(filled=now.filled)
            else:
                del self._resting[side]

    def _view(self, now_ms: int) -> PeerView | None:
        """What it sees, or nothing where the book has no two sides."""
        bids, asks = (self._venue.engine.levels(side, 1) for side in Side)
        if not bids or not asks or bids[0].price >= asks[0].price:
            return None
        bid, ask = bids[0].price, asks[0].price
        market = self._market
        flow: OrderFlow | None = market.flow(now_ms)
        tick = market.instrument.tick(bid)
        return PeerView(now_ms, bid, ask, tick, self._position, market.lot, market.bound, flow)

    def _act(self, view: PeerView, now_ms: int, lags: Lags) -> Step:
        """Decide, cancel, place; return the time."""
        self.decisions += 1
        self.plans += 1
        wanted = _valid(self._pricing.wanted(view), self._market.instrument)
        resting = Sides(bid=self._resting.get(Side.BID), ask=self._resting.get(Side.ASK))
        changes = self._keeping.changes(view, wanted, resting, filled=self._filled)
        self._filled = False
        if changes.cancel:
            now_ms = yield from self._cancel(changes.cancel, now_ms, lags)
        chosen = {side: order for side in changes.place if (order := wanted.of(side)) and self._fits(side, order)}
        if chosen:
            now_ms = yield from self._place(chosen, view.mid, now_ms, lags)
        return now_ms

    def _fits(self, side: Side, order: Wanted) -> bool:
        """Whether the bound leaves room for it: a cancelled order may have been filled on the way."""
        held = self._position if side is Side.BID else -self._position
        return side not in self._resting and (held + order.size) * _FULL <= self._market.bound

    def _cancel(self, sides: tuple[Side, ...], now_ms: int, lags: Lags) -> Step:
        """Cancel on these sides with one request; what was filled meanwhile is told with its answer."""
        arrives_ms = yield Wake(now_ms + lags.entry_ms)
        for side in sides:
            if side in self._resting:
                self._venue.cancel(self._resting[side].number, arrives_ms)
        self._look()
        return now_ms + lags.entry_ms + lags.response_ms

    def _place(self, chosen: dict[Side, Wanted], mid: float, now_ms: int, lags: Lags) -> Step:
        """Place these orders with one request, post-only."""
        arrives_ms = yield Wake(now_ms + lags.entry_ms)
        for side, wanted in chosen.items():
            terms = Terms(room=mid - wanted.price if side is Side.BID else wanted.price - mid)
            order = PlannedOrder(side, wanted.price, wanted.size, terms, grows=True, closes=False)
            number = self._venue.place(order, mid, now_ms, arrives_ms)
            if number is not None:
                self._resting[side] = Resting(number, wanted.price, wanted.size, 0.0, arrives_ms)
        return now_ms + lags.entry_ms + lags.response_ms


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
