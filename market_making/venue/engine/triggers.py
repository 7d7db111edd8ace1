"""Orders that wait for the mark price."""

from decimal import Decimal

from market_making.venue.engine.order_checks import is_triggered
from market_making.venue.order_book.order import Order


class Triggers:
    """Waiting trigger orders, by coin, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Order]] = {}

    def arm(self, order: Order) -> None:
        """Let an order wait."""
        self._waiting.setdefault(order.coin, []).append(order)

    def disarm(self, order: Order) -> None:
        """Forget an order, if it waits."""
        waiting = self._waiting.get(order.coin, [])
        if order in waiting:
            waiting.remove(order)

    def due(self, coin: str, mark: Decimal) -> list[Order]:
        """Take out and return the orders whose trigger the mark price has reached."""
        due = [order for order in self._waiting.get(coin, []) if is_triggered(order, mark)]
        for order in due:
            self.disarm(order)
        return due
