"""Which open orders of the account the bot does not know: a lost answer leaves one, and so may somebody else.

An order is unknown when it rests on the account and is none of the bot's open orders. While there is one, its pair
opens nothing. An order that stays unknown for `GRACE_MS` is cancelled: a late answer has arrived by then.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from market_making.market.reasons import Because, Reason

EVERY_MS = 10_000
GRACE_MS = 3_000


class AccountOrder(NamedTuple):
    """An order that rests on the account: its pair and identifier, side, price [price] and what is left [coins]."""

    pair: str
    order_id: str
    side: str
    price: float
    remaining: float


class OpenOrderWatch:
    """Compares the account's open orders with the bot's, at the start, in doubt, and else every `EVERY_MS`."""

    def __init__(self) -> None:
        self._read_ms: int | None = None
        self._in_doubt = False
        self._since_ms: dict[str, int] = {}
        self._unknown: dict[str, AccountOrder] = {}

    def doubt(self) -> None:
        """Note that an order was asked for and did not appear: its answer may be lost."""
        self._in_doubt = True

    def is_due(self, now_ms: int) -> bool:
        """Whether the account must be asked in this loop; a clock that was put back asks too."""
        if self._read_ms is None or self._in_doubt or self._unknown:
            return True
        return abs(now_ms - self._read_ms) >= EVERY_MS

    def seen(self, orders: Iterable[AccountOrder], known: Collection[str], now_ms: int) -> None:
        """Take the account's open orders and the identifiers of the bot's own."""
        self._read_ms, self._in_doubt = now_ms, False
        self._unknown = {order.order_id: order for order in orders if order.order_id not in known}
        self._since_ms = {each: self._since_ms.get(each, now_ms) for each in self._unknown}

    @property
    def unknown(self) -> tuple[AccountOrder, ...]:
        """Orders that nobody knows, as last seen."""
        return tuple(self._unknown.values())

    def to_cancel(self, now_ms: int) -> list[AccountOrder]:
        """Orders that have been unknown for long enough."""
        return [order for each, order in self._unknown.items() if abs(now_ms - self._since_ms[each]) >= GRACE_MS]

    def no_opening(self, pair: str) -> Because | None:
        """Why a pair must not open anything now, if there is a reason."""
        orders = [order for order in self._unknown.values() if order.pair == pair]
        if not orders:
            return None
        text = ", ".join(f"{order.side} {order.remaining:g} at {order.price:g} ({order.order_id})" for order in orders)
        return Because(Reason.ORDER_UNKNOWN, f"the account holds orders that this bot does not know: {text}")
