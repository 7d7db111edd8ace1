"""Orders and fills in the exchange's own words, checked: half a message is none."""

from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from market_making.market.errors import MalformedMessage

_OPEN = frozenset(("open", "triggered"))


class State(NamedTuple):
    """State of an order: words of the exchange, and what is left and was asked for [coins]."""

    words: dict[str, Any]
    status: str
    left: Decimal
    size: Decimal

    @property
    def has_ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.status not in _OPEN

    def is_news_to(self, other: "State | None") -> bool:
        """Whether it tells more than another state of the same order."""
        return other is None or (not other.has_ended and (self.has_ended or self.left < other.left))


def items_of(data: Any) -> list[dict[str, Any]]:
    """Read a list of objects.

    Raises
    ------
    MalformedMessage
        If it is not one.
    """
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise MalformedMessage(f"a list of objects was to come, got {data!r:.100}")
    return data


def oid_of(item: dict[str, Any]) -> int:
    """Read the number of an order.

    Raises
    ------
    MalformedMessage
        If it is not one.
    """
    order = item.get("order")
    oid = order.get("oid") if isinstance(order, dict) else None
    if type(oid) is not int:
        raise MalformedMessage(f"an order must have a number, got {item!r:.100}")
    return oid


def state_of(item: Any) -> State:
    """Read the state of an order, as ``orderUpdates`` and ``orderStatus`` write it.

    Raises
    ------
    MalformedMessage
        If it is not one.
    """
    order = item.get("order") if isinstance(item, dict) else None
    if not isinstance(order, dict) or not isinstance(item.get("status"), str) or "statusTimestamp" not in item:
        raise MalformedMessage(f"an order must have a state, got {item!r:.100}")
    if not {"coin", "side", "limitPx"} <= order.keys():
        raise MalformedMessage(f"an order must have coin, side and limitPx, got {item!r:.100}")
    size_of(order["limitPx"])  # a price must be a number as well
    return State(item, item["status"], size_of(order.get("sz")), size_of(order.get("origSz")))


def size_of(text: Any) -> Decimal:
    """Read a size [coins].

    Raises
    ------
    MalformedMessage
        If it is not one.
    """
    try:
        number = Decimal(str(text))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number < 0:
        raise MalformedMessage(f"a size must be a number, got {text!r:.40}")
    return number


def statuses_of(answer: Any) -> list[Any]:
    """What the exchange says to each item of an action; nothing where the answer is none."""
    response = answer.get("response") if isinstance(answer, dict) else None
    data = response.get("data") if isinstance(response, dict) else None
    statuses = data.get("statuses") if isinstance(data, dict) else None
    return statuses if isinstance(statuses, list) else []


def cancelled_in(action: dict[str, Any]) -> list[int]:
    """Numbers of the orders that a signed action cancels."""
    cancels = action.get("cancels") if action.get("type") == "cancel" else None
    items = cancels if isinstance(cancels, list) else []
    return [item["o"] for item in items if isinstance(item, dict) and isinstance(item.get("o"), int)]
