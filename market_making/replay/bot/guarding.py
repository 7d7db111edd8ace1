"""What the quote guard beside a replayed bot would cancel, and when; it judges by the rule of the live one."""

from typing import NamedTuple

import numpy as np

from market_making.guard.quote_guard import Guarded, QuoteGuardRules, too_close
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.sides import Side
from market_making.replay.result import Touch
from market_making.trading.holding import RestingOrder


class AtStake(NamedTuple):
    """The resting order of a bot as its guard knows it.

    Attributes
    ----------
    number : int
        Of the order at the exchange.
    guarded : Guarded
        The order, and how it was planned.
    hours_left : float or None
        For how long the actions of the account last [h]; None where it is not known.
    heard_ms : int
        From when the guard knows of the order, in the exchange's time [ms].
    lag_ms : int
        From a move of mid at the exchange until a cancellation for it is there [ms].
    """

    number: int
    guarded: Guarded
    hours_left: float | None
    heard_ms: int
    lag_ms: int


def guarded_order(resting: RestingOrder, planned: float | None, volatility: float) -> Guarded | None:
    """An order planned at a distance from mid [price], as the guard knows it; None where it leaves it alone."""
    if planned is None or not planned > 0 or not volatility > 0:
        return None
    terms = (resting.side, resting.price, resting.remaining, resting.size, resting.placed_ms)
    return Guarded(OpenOrder(int(resting.order_id), "", *terms), planned, volatility)


class ReplayGuard:
    """Says when the guard's cancellation reaches the exchange.

    Parameters
    ----------
    touch : Touch
        The market of the session, without own orders.
    rules : QuoteGuardRules
        How close is too close.
    """

    def __init__(self, touch: Touch, rules: QuoteGuardRules) -> None:
        self._time_ms, self._mid, self._rules = touch.time_ms, touch.mid, rules

    def arrives_ms(self, order: AtStake, after_ms: int, until_ms: int) -> int | None:
        """When a cancellation arrives, after one time and not after another [ms]; None if none does."""
        seen_ms = max(after_ms - order.lag_ms, order.heard_ms)
        begin, end = self._time_ms.searchsorted((seen_ms, until_ms - order.lag_ms), side="right").tolist()
        begin = max(begin - 1, 0)  # the mid that held at first
        resting, mids = order.guarded.order, self._mid[begin:end]
        away = mids - resting.price if resting.side is Side.BID else resting.price - mids
        left = self._rules.hours if order.hours_left is None else max(order.hours_left, 1e-3)
        for place in np.flatnonzero(away < order.guarded.planned).tolist():
            if too_close(order.guarded, mids.item(place), left, self._rules) is not None:
                found_ms = max(self._time_ms.item(begin + place), seen_ms) + order.lag_ms
                return int(found_ms) if found_ms <= until_ms else None
        return None
