"""The loop of a maker: look at the book and its own orders, decide, cancel, place, sleep; a round trip each.

It is the loop of `market_making.replay.bot.bot` without a desk and with any number of orders: the same engines,
latencies and records, so that only the decisions differ. All cancellations of a loop are one request, and so are all
placements; the exchange counts each order of a request as an action.
"""

from collections.abc import Sequence

from market_making.market.sides import Side, Sides
from market_making.replay.bot.access import VenueAccess
from market_making.replay.bot.bot import Loop, Step, Wake
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.makers.maker import Decision, FilledPart, Maker, Resting, Seen
from market_making.trading.fills import DIGITS
from market_making.trading.holding import RestingOrder
from market_making.trading.planned import PlannedOrder
from market_making.trading.wanted import WantedOrder

_FULL = 1 - 1e-9


class MakerLoop:
    """A maker over an engine; it may hold a position of either sign.

    Parameters
    ----------
    maker : Maker
        Who decides.
    venue : VenueAccess
        Where its orders rest.
    lags : LagProfile
        How long everything takes.
    """

    def __init__(self, maker: Maker, venue: VenueAccess, lags: LagProfile) -> None:
        self.decisions = self.plans = 0
        self.withheld = maker.withheld
        self._maker, self._venue, self._lags = maker, venue, lags
        self._resting: Sides[dict[int, Resting]] = Sides({}, {})
        self._parts: list[FilledPart] = []
        self._position = 0.0
        self._has_news = False

    def run(self, start_ms: int, end_ms: int) -> Loop:
        """Loop from `start_ms` to `end_ms` [ms]."""
        begin_ms = start_ms
        while begin_ms < end_ms:
            lags, self._has_news = self._lags.draw(), False
            heard_ms = yield Wake(max(begin_ms - lags.feed_ms, start_ms))
            self._look()
            decision, now_ms = self._maker.decide(self._seen(begin_ms, heard_ms)), begin_ms + lags.decide_ms
            if decision is not None:
                self.decisions += 1
                self.plans += 1
                self._parts.clear()
                now_ms = yield from self._act(decision, now_ms, lags)
            stale = () if decision is None else decision.stale
            begin_ms = yield from self._sleep(stale, begin_ms, now_ms, lags)

    def _look(self) -> None:
        """Ask about the own orders; those that have ended rest no longer."""
        for side in Side:
            orders = self._resting.of(side)
            for resting in list(orders.values()):
                now = self._venue.engine.order(resting.number)
                size = round(now.filled - resting.filled, DIGITS)
                if size > 0:
                    self._parts.append(FilledPart(resting.number, side, resting.price, size))
                    self._position = round(self._position + (size if side is Side.BID else -size), DIGITS)
                if now.is_open:
                    orders[resting.number] = resting._replace(filled=now.filled)
                else:
                    del orders[resting.number]

    def _seen(self, now_ms: int, heard_ms: int) -> Seen:
        bids, asks = (self._venue.engine.levels(side, self._maker.book_levels) for side in Side)
        resting = self._resting.map(lambda orders: tuple(orders.values()))
        return Seen(now_ms, heard_ms, bids, asks, self._position, resting, tuple(self._parts))

    def _act(self, decision: Decision, now_ms: int, lags: Lags) -> Step:
        """Cancel, then place what still fits; return the time."""
        if decision.cancel:
            now_ms = yield from self._cancel(decision.cancel, now_ms, lags)
        chosen = self._fitting(decision)
        if chosen:
            now_ms = yield from self._place(chosen, decision.mid, now_ms, lags)
        return now_ms

    def _fitting(self, decision: Decision) -> list[PlannedOrder]:
        """The orders for which the bounds leave room: one that is cancelled may have been filled on the way."""
        chosen = []
        reach = Sides(bid=self._position + self._left(Side.BID), ask=self._left(Side.ASK) - self._position)
        for order in decision.place:
            reached = round(reach.of(order.side) + order.size, DIGITS)
            if reached * _FULL <= decision.bounds.of(order.side):
                chosen.append(order)
                reach = reach._replace(**{order.side.value: reached})
        return chosen

    def _left(self, side: Side) -> float:
        """What the resting orders of a side may still fill [coins]."""
        return sum(order.size - order.filled for order in self._resting.of(side).values())

    def _cancel(self, numbers: Sequence[int], now_ms: int, lags: Lags) -> Step:
        """Cancel these orders with one request; what was filled meanwhile is told with its answer."""
        self._maker.sent(len(numbers), now_ms)
        arrives_ms = yield Wake(now_ms + lags.entry_ms)
        for number in numbers:
            self._venue.cancel(number, arrives_ms)
        self._has_news = True
        self._look()
        return now_ms + lags.entry_ms + lags.response_ms

    def _place(self, chosen: Sequence[PlannedOrder], mid: float, now_ms: int, lags: Lags) -> Step:
        """Place these orders with one request, post-only."""
        self._maker.sent(len(chosen), now_ms)
        arrives_ms = yield Wake(now_ms + lags.entry_ms)
        for order in chosen:
            number = self._venue.place(order, mid, now_ms, arrives_ms)
            if number is not None:
                resting = Resting(number, order.price, order.size, 0.0, arrives_ms)
                self._resting.of(order.side)[number] = resting
        return now_ms + lags.entry_ms + lags.response_ms

    def _sleep(self, stale: Sequence[WantedOrder], began_ms: int, now_ms: int, lags: Lags) -> Step:
        """Sleep until the next loop, which news of this one begin at once, a fill or a stale order early; tell when."""
        every_s, earliest_ms = self._maker.every_s, now_ms + lags.pause_ms
        period_ms = lags.period_ms if every_s is None else round(every_s * 1e3)
        next_ms = max(began_ms + period_ms, earliest_ms)
        if self._maker.wakes and self._has_news:
            return earliest_ms
        if not self._maker.wakes or not any(self._resting):
            return next_ms
        heard_ms = next_ms - lags.feed_ms
        for wanted in stale:
            resting = RestingOrder("", wanted.side, wanted.price, 0.0, 0.0, 0)
            heard_ms = self._venue.stale.first_ms(wanted, resting, earliest_ms - lags.feed_ms, heard_ms)
        reached_ms = yield Wake(heard_ms, on_fill=True)
        return max(min(reached_ms + lags.feed_ms, next_ms), earliest_ms)
