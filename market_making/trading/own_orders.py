"""The orders of a bot, of all its pairs: what has become of them is told to everyone who counts.

The journal is told of everything, the action budget of each cancellation when it is seen, and whoever judges or adds up
fills of each part exactly once.
"""

from collections.abc import Callable, Iterable

from market_making.market.reasons import Because
from market_making.trading.actions.budget import CANCEL_ACTIONS, ActionBudget
from market_making.trading.decision_log import Event
from market_making.trading.fills import CountedFills, Fees, Fill
from market_making.trading.holding import RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.made_plan import MadePlan
from market_making.trading.order_track import AskedOrder, OrderNews, OrderTrack
from market_making.trading.pair_coins import PairCoins
from market_making.trading.plan import PlannedOrder


class OwnOrders:
    """Follows the orders of every pair.

    Parameters
    ----------
    budget : ActionBudget
        From which cancellations are taken.
    journal : Journal or None
        Where everything is written; None forgets it.
    fills : CountedFills, optional
        How much of each order has been counted.
    words : Callable[[str], str]
        What the exchange has said about an order of a pair since it was asked for; empty if nothing.
    coins : PairCoins, optional
        The coin of each pair.
    """

    def __init__(
        self,
        budget: ActionBudget,
        journal: Journal | None = None,
        *,
        fills: CountedFills | None = None,
        words: Callable[[str], str] = lambda _: "",
        coins: PairCoins | None = None,
    ) -> None:
        self._budget = budget
        self._journal = journal
        self._fills = fills or CountedFills()
        self._listeners: list[Callable[[Fill], None]] = []
        self._words = words
        self._tracks: dict[str, OrderTrack] = {}
        self.fees: dict[str, Fees] = {}
        """Rates of each pair."""
        self._missing = False
        self.coins = coins or PairCoins()
        """The coin of each pair."""

    def listen(self, listener: Callable[[Fill], None]) -> None:
        """Tell somebody of every part of a fill, once."""
        self._listeners.append(listener)

    def take_missing(self) -> bool:
        """Whether an order has not appeared since this was last asked: refused, or its answer was lost."""
        missing, self._missing = self._missing, False
        return missing

    @property
    def pairs(self) -> tuple[str, ...]:
        """Pairs of which an order rests, as far as is known."""
        return tuple(pair for pair, track in self._tracks.items() if track.resting is not None)

    def asked(self, pair: str, order: PlannedOrder, tag: str, made: MadePlan | None, now_ms: int) -> None:
        """An order is about to be sent."""
        sequence = None if self._journal is None else self._journal.asked(pair, order, tag, made, now_ms)
        mid = None if made is None else made.plan.mid
        self._track(pair).ask(AskedOrder(order, tag, sequence, mid))

    def origin(self, pair: str) -> AskedOrder | None:
        """The request that the resting order of a pair answers; None if none rests, or it is of another run."""
        track = self._track(pair)
        return track.origin if track.resting is not None else None

    def cancelling(self, pair: str, order: RestingOrder, because: Because, made: MadePlan | None, now_ms: int) -> None:
        """Freqtrade is told to cancel an order, which it may not do."""
        if self._track(pair).cancel(order, because.reason) and self._journal is not None:
            self._journal.cancelling(pair, order, because, made, now_ms)

    def look(
        self, pair: str, resting: RestingOrder | None, now_ms: int, view: MadePlan | None, *, answered: bool = False
    ) -> None:
        """See what rests on a pair; `view` is the last plan from before, `answered` is as in `OrderTrack.look`."""
        self._take(pair, self._track(pair).look(resting, answered=answered), now_ms, view)

    def finished(self, pair: str, order: RestingOrder, now_ms: int, view: MadePlan | None) -> None:
        """See an order that has ended, perhaps not for the first time."""
        self._take(pair, self._track(pair).finished(order), now_ms, view)

    def _track(self, pair: str) -> OrderTrack:
        return self._tracks.setdefault(pair, OrderTrack(self._fills))

    def _take(self, pair: str, all_news: Iterable[OrderNews], now_ms: int, view: MadePlan | None) -> None:
        for news in all_news:
            if news.event is Event.CANCELLED:
                self._budget.spend(CANCEL_ACTIONS, now_ms)
            self._missing = self._missing or news.event is Event.REFUSED
            if self._journal is not None:
                words = self._words(pair) if news.event is Event.REFUSED else ""
                self._journal.news(pair, news, now_ms, words)
            if news.event is Event.FILL and news.order is not None:
                self._filled(self._fill(pair, news.order, news.size, now_ms, view))

    def _filled(self, fill: Fill) -> None:
        if self._journal is not None:
            self._journal.filled(fill)
        for listener in self._listeners:
            listener(fill)

    def _fill(self, pair: str, order: RestingOrder, size: float, now_ms: int, view: MadePlan | None) -> Fill:
        fees = self.fees.get(pair, Fees())
        rate = fees.taker if order.is_taker else fees.maker
        return Fill(
            time_ms=now_ms,
            pair=pair,
            coin=self.coins.of(pair),
            order_id=order.order_id,
            side=order.side,
            price=order.fill_price,
            size=size,
            cumulated=order.filled,
            fee=rate * size * order.fill_price,
            is_taker=order.is_taker,
            mid=None if view is None else view.plan.mid,
            lots=None if view is None else size / view.planner.lot,
        )
