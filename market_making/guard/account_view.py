"""What the guard believes of one account: which orders rest, what is held, how many actions are left.

Two sources tell of orders: answers to questions, which are whole but old by the time they arrive, and the websocket,
which tells only of changes. An answer does not bring back an order that ended after the question was asked, and does
not take away one that was placed since.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from market_making.hyperliquid.address_limit import AddressLimit
from market_making.hyperliquid.open_orders import OpenOrder, OpenPosition, OrderUpdate

_REMEMBERED = 4096
_SETTLED_S = 2.0  # an answer may be that much behind what the exchange has said elsewhere
_RATE_AFTER_S = 60.0


class OpenOrders:
    """The orders of an account that rest, as far as is known.

    `is_complete` says that an answer has told of all of them, and that nothing was missed since.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._orders: dict[int, OpenOrder] = {}
        self._told_s: dict[int, float] = {}
        self._ended_s: OrderedDict[int, float] = OrderedDict()

    def __iter__(self) -> Iterator[OpenOrder]:
        return iter(list(self._orders.values()))

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, oid: int) -> OpenOrder | None:
        """An order that rests, by its id."""
        return self._orders.get(oid)

    def replace(self, found: Iterable[OpenOrder], asked_s: float) -> None:
        """Take an answer to a question that was asked at `asked_s` [s, of a clock that only goes forward]."""
        settled_s = asked_s - _SETTLED_S
        answered = {order.oid: order for order in found if self._ended_s.get(order.oid, float("-inf")) < settled_s}
        newer = {oid: order for oid, order in self._orders.items() if self._told_s.get(oid, float("-inf")) >= asked_s}
        kept = {oid: _with_kind(order, answered.get(oid)) for oid, order in newer.items()}
        self._orders = answered | kept
        self._told_s = {oid: told_s for oid, told_s in self._told_s.items() if oid in self._orders}
        self.is_complete = True

    def add(self, found: Iterable[OpenOrder], asked_s: float) -> None:
        """Take an answer about a part of the account: it tells of orders that rest, and not of those that do not."""
        for order in found:
            if self._ended_s.get(order.oid, float("-inf")) < asked_s - _SETTLED_S:
                self._orders.setdefault(order.oid, order)

    def update(self, update: OrderUpdate, now_s: float) -> bool:
        """Take a message of the websocket; tell whether it showed an order that was not known."""
        oid = update.order.oid
        if not update.is_open:
            self.end(oid, now_s)
            return False
        if oid in self._ended_s:
            return False
        known = self._orders.get(oid)
        self._orders[oid] = _with_kind(update.order, known)
        self._told_s[oid] = now_s
        return known is None

    def end(self, oid: int, now_s: float) -> None:
        """Take note that an order rests no more; an id is never used again."""
        self._orders.pop(oid, None)
        self._ended_s[oid] = now_s
        while len(self._ended_s) > _REMEMBERED:
            self._ended_s.popitem(last=False)

    def may_rest(self, oid: int) -> bool:
        """Whether nothing is known of an order: neither that it rests nor that it has ended."""
        return oid not in self._orders and oid not in self._ended_s

    def doubt(self) -> None:
        """Changes may have been missed: what is known may be too much or too little until the next answer."""
        self.is_complete = False


def _with_kind(order: OpenOrder, known: OpenOrder | None) -> OpenOrder:
    """The same with what only an answer tells: whether it is a trigger order, whether it may only reduce."""
    if known is None:
        return order
    reduce_only = known.reduce_only if order.reduce_only is None else order.reduce_only
    return order._replace(reduce_only=reduce_only, is_trigger=known.is_trigger)


class Budget:
    """Actions left of an account and for how long they last."""

    def __init__(self) -> None:
        self.allowance: AddressLimit | None = None
        self.hours_left: float | None = None
        self._spent_since = 0
        self._first: tuple[float, AddressLimit] | None = None

    def told(self, allowance: AddressLimit, now_s: float) -> None:
        """Take the exchange's answer."""
        self.allowance, self._spent_since = allowance, 0
        if self._first is None:
            self._first = (now_s, allowance)
            return
        since_s, first = self._first
        if now_s - since_s < _RATE_AFTER_S:
            return
        # What the limit has grown by, through volume, is not lost.
        net = (allowance.used - first.used) - (allowance.cap + allowance.surplus - first.cap - first.surplus)
        per_hour = net / (now_s - since_s) * 3600
        self.hours_left = max(allowance.left, 0) / per_hour if per_hour > 0 else float("inf")
        if now_s - since_s >= 15 * _RATE_AFTER_S:
            self._first = (now_s, allowance)

    def spend(self, actions: int) -> None:
        """Take note of own actions since the last answer."""
        self._spent_since += actions

    @property
    def left(self) -> int | None:
        """Actions left; None while not known."""
        return None if self.allowance is None else self.allowance.left - self._spent_since


Positions = Mapping[str, OpenPosition]
