"""What a bot knows of its own position and order, as Freqtrade keeps it: from what it has been told so far.

A trade begins with an entry and ends when it is closed; it counts its orders. An entry that is cancelled before any of
it was filled leaves no trade.
"""

from market_making.market.sides import Side
from market_making.replay.engines.engine import OrderNow
from market_making.trading.fills import DIGITS
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.plan import PlannedOrder


class LegBook:
    """Position and resting order of one leg; `cash` is what its fills have brought so far [quote currency]."""

    def __init__(self, maker_fee: float) -> None:
        self._fee = maker_fee
        self._closed = 0.0
        self._orders = 0
        self._seen = 0.0
        self.cash = 0.0
        self.number: int | None = None
        self.resting: RestingOrder | None = None

    def holding(self) -> Holding:
        """Position with the filled part of the resting order, the order, and the orders of this trade."""
        resting = self.resting
        part = 0.0 if resting is None else _signed(resting.side, resting.filled)
        return Holding(round(self._closed + part, DIGITS), resting, self._orders)

    def placed(self, number: int, order: PlannedOrder, tag: str, time_ms: int) -> None:
        """An order rests."""
        self.number, self._seen = number, 0.0
        self._orders += 1
        self.resting = RestingOrder(str(number), order.side, order.price, order.size, 0.0, time_ms, tag)

    def told(self, now: OrderNow) -> RestingOrder:
        """Take in what the exchange says of the resting order; return it as it is now.

        Raises
        ------
        ValueError
            If no order rests.
        """
        if self.resting is None:
            raise ValueError("an order must rest before anything can be told of it")
        size, filled = self.resting.size, round(now.filled, DIGITS)
        bought = _signed(self.resting.side, round(filled - self._seen, DIGITS))
        self.cash -= bought * self.resting.price + abs(bought) * self.resting.price * self._fee
        self._seen = filled
        self.resting = self.resting._replace(filled=filled, remaining=round(size - filled, DIGITS))
        return self.resting

    def ended(self) -> None:
        """The resting order rests no longer; what is filled of it belongs to the position."""
        self._closed = self.holding().coins
        self.resting = self.number = None
        if self._closed == 0:
            self._orders = 0


def _signed(side: Side, size: float) -> float:
    return size if side is Side.BID else -size
