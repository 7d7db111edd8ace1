"""When mid comes too close to a resting order: known at once by who hears every best quote."""

import numpy as np

from market_making.market.sides import Side
from market_making.replay.result import Touch
from market_making.trading.holding import RestingOrder
from market_making.trading.wanted import WantedOrder


class StaleWatch:
    """The market's mids of a session, searched for the first that makes an order stale.

    Parameters
    ----------
    touch : Touch
        Of the whole session, without own orders.
    """

    def __init__(self, touch: Touch) -> None:
        self._time_ms = touch.time_ms
        self._mid = touch.mid

    def is_stale(self, wanted: WantedOrder, resting: RestingOrder, time_ms: int) -> bool:
        """Whether mid is too close to the order at a time [ms]."""
        place = int(self._time_ms.searchsorted(time_ms, side="right")) - 1
        if place < 0 or wanted.side is not resting.side:
            return False
        return wanted.too_close_by(resting.price, self._mid.item(place)) > 0

    def first_ms(self, wanted: WantedOrder, resting: RestingOrder, after_ms: int, until_ms: int) -> int:
        """First time after `after_ms` at which mid is too close, `until_ms` if there is none by then."""
        begin, end = self._time_ms.searchsorted((after_ms, until_ms), side="right").tolist()
        if begin >= end or wanted.side is not resting.side:
            return until_ms
        mids = self._mid[begin:end]
        # Where `WantedOrder.too_close_by` is zero.
        bound = resting.price - wanted.price + wanted.mid
        is_bid = wanted.side is Side.BID
        sign, nearest = (1, mids.min()) if is_bid else (-1, mids.max())
        if not sign * (bound - nearest) > wanted.tolerance:
            return until_ms
        close = sign * (bound - mids) > wanted.tolerance
        return self._time_ms.item(begin + int(np.argmax(close)))
