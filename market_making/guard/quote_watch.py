"""The quote guard of one account: from where each order was planned, and which of them mid has come too close to."""

import time
from collections.abc import Iterator

from market_making.guard.account_view import Budget, OpenOrders
from market_making.guard.best_quotes import BestQuotes
from market_making.guard.leader import Leader
from market_making.guard.quote_guard import Guarded, QuoteGuardRules, planned_distance, too_close
from market_making.guard.watch import Alarm, BotView
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.reasons import Because
from market_making.market.sides import Side
from market_making.safety.state_file import PairState

_FRESH_S = 5.0


class QuoteWatch:
    """Judges the orders of one account at every best quote.

    Parameters
    ----------
    rules : QuoteGuardRules or None
        How close is too close; None turns it off.
    orders, quotes, budget
        What is known of the account and of mids.
    leader : Leader or None
        Another venue, whose mid counts where it announces that ours comes closer to a quote.
    """

    def __init__(
        self,
        rules: QuoteGuardRules | None,
        orders: OpenOrders,
        quotes: BestQuotes,
        budget: Budget,
        leader: Leader | None = None,
    ) -> None:
        self._rules = rules
        self._leader = leader
        self._orders, self._quotes, self._budget = orders, quotes, budget
        self._pairs: dict[str, PairState] = {}
        self._hours_left: float | None = None
        self._first_mids: dict[int, float] = {}
        self._off: Alarm | None = None

    @property
    def is_on(self) -> bool:
        """Whether it would cancel."""
        return self._rules is not None and self._off is None

    def stand(self, bot: BotView, *, is_killed: bool) -> None:
        """Take what the bot says about its pairs and the account, once a tick."""
        state = bot.state
        speaks = state is not None and bot.silent_s < _FRESH_S and not is_killed
        self._pairs = {pair.coin: pair for pair in state.pairs} if state is not None and speaks else {}
        self._hours_left = None if state is None else state.account.hours_left
        self._first_mids = {oid: mid for oid, mid in self._first_mids.items() if self._orders.get(oid) is not None}
        left = self._budget.left
        if self._rules is not None and left is not None and left <= self._rules.reserve:
            self._off = Alarm("budget_reserved", f"{left} actions are left, {self._rules.reserve} are reserved")
        else:
            self._off = None

    def judge(self, coin: str) -> list[tuple[OpenOrder, Because]]:
        """Orders of a coin that must go at its mid of now; none where anything is in doubt."""
        mid = self._quotes.mid(coin)
        if mid is None:
            return []
        orders = [order for order in self._orders if order.coin == coin and not order.is_trigger]
        for order in orders:
            if order.oid not in self._first_mids:
                self._first_mids[order.oid] = self._quotes.closest(coin, order.side) or mid
        pair = self._pairs.get(coin)
        if not self.is_on or self._rules is None or pair is None or not pair.volatility:
            return []
        found = ((order, self._because(order, pair, mid, self._rules)) for order in orders)
        return [(order, because) for order, because in found if because is not None]

    def forget(self) -> None:
        """Messages were missed: an order may have been planned from a mid that was never seen."""
        self._first_mids.clear()

    def alarms(self) -> Iterator[Alarm]:
        """Why it does nothing."""
        if self._off is not None:
            yield self._off

    def _because(self, order: OpenOrder, pair: PairState, mid: float, rules: QuoteGuardRules) -> Because | None:
        planned = planned_distance(order, pair, self._first_mids.get(order.oid))
        if planned is None or pair.volatility is None:
            return None
        known = self._budget.hours_left if self._budget.hours_left is not None else self._hours_left
        hours_left = rules.hours if known is None else max(known, 1e-3)
        guarded = Guarded(order, planned, pair.volatility)
        because = too_close(guarded, mid, hours_left, rules)
        announced = self._announced(order)
        if because is not None or announced is None or self._leader is None:
            return because
        because = too_close(guarded, announced, hours_left, rules)
        return because and Because(because.reason, f"{self._leader.name} has moved first: {because.detail}")

    def _announced(self, order: OpenOrder) -> float | None:
        """Where the leader says mid will be, seen from an order: up to how far its announcements stray."""
        led = None if self._leader is None else self._leader.mid(order.coin, time.monotonic())
        if led is None:
            return None
        return led.mid + led.noise if order.side is Side.BID else led.mid - led.noise
