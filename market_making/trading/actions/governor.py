"""How often a bot may move its quotes, from what its address has left of the exchange's budget.

An address begins with 10,000 actions and earns one with each USDC traded; without any left it may send one in 10 s. So
a day without a fill must fit into what is left:

* A part is kept for cancelling and for leaving positions; when only that is left, nothing is opened.
* A second bucket fills with a twelfth of the rest per hour, so that a day without a fill takes 86 % of it, and with
  half of what fills earn. The emptier it is, the wider the tolerance and the longer the life of an order: that takes
  fewer actions, until both are in balance.
* Flat and without an order, a bot that has sent nothing for an hour tries one entry from the reserve: only a fill earns
  actions, and without one it would never quote again. With nothing left at all it tries one every minute.
"""

from collections import deque

from market_making.hyperliquid.address_limit import ACTION_PRICE, RELIEF_S, AddressLimit
from market_making.market.reasons import Because, Reason
from market_making.trading.actions.budget import CANCEL_ACTIONS, ActionBudget, Patience, Standing

_HORIZON_MS = 43_200_000.0  # what is left shrinks as exp(−t/12 h) without fills
_BURST_MS, _SMALLEST_BURST = 1_800_000.0, 30.0
_EARNED_SHARE = 0.5
_WIDEST = 12.0
_ASSUMED_LEFT = 5_000.0  # while nobody has said
_RELIEF_MS = RELIEF_S * 1e3
_HOUR_MS, _SHORTEST_WINDOW_MS = 3_600_000, 60_000
_RECOVERY_MS, _RECOVERY_WITHOUT_MS = _HOUR_MS, 60_000


class ActionGovernor(ActionBudget):
    """A minute's bucket, within what the address has left.

    Parameters
    ----------
    per_minute : float
        Actions a minute at most.
    entry_actions : int
        Actions that an entry costs.
    reserve : int
        Actions kept for cancelling and leaving.
    action_price : float
        What an action is worth [USDC].
    """

    def __init__(
        self, per_minute: float, *, entry_actions: int, reserve: int = 500, action_price: float = ACTION_PRICE
    ) -> None:
        super().__init__(per_minute, entry_actions=entry_actions)
        self._reserve = reserve
        self._price = action_price
        self._limit: AddressLimit | None = None
        self._sent_since = 0
        self._earned_since = 0.0
        self._level = self._capacity
        self._level_ms: int | None = None
        self._began_ms: int | None = None
        self._sent_ms: int | None = None
        self._short_ms: int | None = None  # since when only the reserve is left
        self._net: deque[tuple[int, float]] = deque()

    def read(self, limit: AddressLimit, now_ms: int) -> None:
        """Take the limit that the exchange has reported; what was counted since the last one is in it."""
        self._fill(now_ms)
        is_first = self._limit is None
        self._limit, self._sent_since, self._earned_since = limit, 0, 0.0
        if is_first:
            self._level = self._capacity

    def sent(self, actions: int, now_ms: int) -> None:
        """Take note of actions that went to the exchange, whoever asked for them."""
        self._fill(now_ms)
        self._sent_ms = now_ms
        self._sent_since += actions
        self._level = max(self._level - actions, 0.0)
        self._note(now_ms, actions)

    def earned(self, value: float, now_ms: int) -> None:
        """Take note of a fill of this value [USDC]."""
        self._fill(now_ms)
        self._earned_since += value
        self._level = min(self._level + _EARNED_SHARE * value, self._capacity)
        self._note(now_ms, -value)

    def refused(self, now_ms: int) -> None:
        """The exchange has said that nothing is left."""
        self._sent_ms = now_ms
        if self.left_of_limit > 0:
            used = 0 if self._limit is None else self._limit.used
            self._limit, self._sent_since, self._earned_since = AddressLimit(used, used, 0), 0, 0.0

    @property
    def left_of_limit(self) -> float:
        """Actions the address has left, as far as is known; negative beyond its limit."""
        known = _ASSUMED_LEFT if self._limit is None else float(self._limit.left)
        return known - self._sent_since + self._earned_since

    @property
    def used(self) -> int | None:
        """Actions the address has used; None while it is not known."""
        return None if self._limit is None else self._limit.used + self._sent_since

    @property
    def limit(self) -> int | None:
        """Actions it may have used, bought ones included; None while it is not known."""
        if self._limit is None:
            return None
        return int(self._limit.cap + self._limit.surplus + self._earned_since)

    def hours_left(self, now_ms: int) -> float | None:
        """For how long the actions above the reserve last at the pace of the last hour; None if they do not shrink."""
        self._forget(now_ms)
        if self._began_ms is None or self._limit is None:
            return None
        hours = min(max(now_ms - self._began_ms, _SHORTEST_WINDOW_MS), _HOUR_MS) / _HOUR_MS
        per_hour = sum(net for _, net in self._net) / hours
        return max(self.left_of_limit - self._reserve, 0.0) / per_hour if per_hour > 0 else None

    def may_open(self, now_ms: int) -> bool:
        """Whether an action that opens would not be refused for certain."""
        return self.left_of_limit > 0 or self._is_relieved(now_ms)

    def standing(self, now_ms: int, *, flat: bool) -> Standing:
        """What may be done now; `flat`, with no position and no order of the pair."""
        self._fill(now_ms)
        share = self._level / self._capacity
        factor = 1.0 if share >= 0.5 else 1.0 + (_WIDEST - 1.0) * (1.0 - 2.0 * share)
        patience = Patience(factor, factor, self._price)
        left = self.left_of_limit
        if left > self._reserve:
            self._short_ms = None
            usual = super().standing(now_ms, flat=flat)
            if usual.saving or self._level < self.entry_actions + CANCEL_ACTIONS:
                spent = Because(Reason.ACTIONS_SPENT, f"the action budget is spent, {left:.0f} are left for a day")
                return Standing(True, spent, None, patience)
            return usual._replace(patience=patience)
        self._short_ms = now_ms if self._short_ms is None else self._short_ms
        kept = Because(Reason.ACTIONS_RESERVED, f"{left:.0f} actions are left, {self._reserve} are kept for leaving")
        opening = None if flat and self._may_recover(now_ms) else kept
        placing = Because(Reason.ACTIONS_SPENT, "the address has sent more than its limit")
        return Standing(True, opening, None if self.may_open(now_ms) else placing, patience)

    @property
    def _per_ms_of_day(self) -> float:
        return max(self.left_of_limit - self._reserve, 0.0) / _HORIZON_MS

    @property
    def _capacity(self) -> float:
        return max(self._per_ms_of_day * _BURST_MS, _SMALLEST_BURST)

    def _fill(self, now_ms: int) -> None:
        if self._level_ms is not None:
            self._level += max(now_ms - self._level_ms, 0) * self._per_ms_of_day
        self._level = min(self._level, self._capacity)
        self._level_ms = now_ms

    def _may_recover(self, now_ms: int) -> bool:
        if self.left_of_limit <= 0:
            return self._sent_ms is None or now_ms - self._sent_ms >= _RECOVERY_WITHOUT_MS
        since_ms = max(each for each in (self._sent_ms, self._short_ms) if each is not None)
        return now_ms - since_ms >= _RECOVERY_MS

    def _is_relieved(self, now_ms: int) -> bool:
        return self._sent_ms is None or now_ms - self._sent_ms >= _RELIEF_MS

    def _note(self, now_ms: int, net: float) -> None:
        self._began_ms = now_ms if self._began_ms is None else self._began_ms
        self._net.append((now_ms, net))
        self._forget(now_ms)

    def _forget(self, now_ms: int) -> None:
        while self._net and now_ms - self._net[0][0] > _HOUR_MS:
            self._net.popleft()
