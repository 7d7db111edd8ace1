"""Orders on the wire: what a client may send to ``/exchange`` and what the exchange says about an order.

Sizes and prices arrive as decimal text and stay exact (`Decimal`) until the caller decides otherwise.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, NamedTuple

from market_making.market.errors import MalformedMessage
from market_making.market.sides import Side

MOST_DIGITS = 12  # beyond any price and size there is; keeps all arithmetic on them exact
CLOID_LENGTH = 34  # "0x" and 128 bits in hex


class TimeInForce(StrEnum):
    """How long an order may wait, as the wire spells it."""

    POST_ONLY = "Alo"
    GOOD_TILL_CANCELLED = "Gtc"
    IMMEDIATE = "Ioc"


class Trigger(NamedTuple):
    """Condition of a stop (``sl``) or a take-profit (``tp``): the mark price that wakes the order."""

    price: Decimal
    is_market: bool
    is_stop: bool


class OrderTerms(NamedTuple):
    """What a client asks for; `tif` is None for a trigger order, `asset` is the index in the venue's universe."""

    asset: int
    side: Side
    price: Decimal
    size: Decimal
    reduce_only: bool
    tif: TimeInForce | None
    trigger: Trigger | None
    cloid: str | None


class Cancel(NamedTuple):
    """Which order to cancel: `key` is an order id or a client order id."""

    asset: int
    key: int | str


class Modify(NamedTuple):
    """Which order to replace, and by what."""

    key: int | str
    terms: OrderTerms


class OrderState(NamedTuple):
    """One order as every query and stream of the venue shows it; sizes in coins."""

    coin: str
    side: Side
    price: Decimal
    size: Decimal
    original_size: Decimal
    oid: int
    time_ms: int
    status: str
    status_ms: int
    tif: TimeInForce | None
    reduce_only: bool
    trigger: Trigger | None
    cloid: str | None
    children: tuple["OrderState", ...] = ()
    whole_position: bool = False


def read_decimal(value: Any, what: str) -> Decimal:
    """Read a finite decimal number that the wire carries as text.

    Raises
    ------
    MalformedMessage
        If it is not text of a finite number.
    """
    if not isinstance(value, str):
        raise MalformedMessage(f"{what} must be decimal text, got {value!r:.60}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise MalformedMessage(f"{what} must be decimal text, got {value!r:.60}") from None
    if not number.is_finite() or "_" in value:
        raise MalformedMessage(f"{what} must be finite, got {value!r:.60}")
    if number and not -MOST_DIGITS <= int(number.as_tuple().exponent) <= number.adjusted() <= MOST_DIGITS:
        raise MalformedMessage(f"{what} must have up to {MOST_DIGITS} digits on either side, got {value!r:.60}")
    return number


def read_integer(value: Any, what: str) -> int:
    """Read a JSON integer of zero or more."""
    if type(value) is not int or value < 0:
        raise MalformedMessage(f"{what} must be an integer of zero or more, got {value!r:.60}")
    return value


def read_flag(value: Any, what: str) -> bool:
    """Read a JSON boolean."""
    if type(value) is not bool:
        raise MalformedMessage(f"{what} must be true or false, got {value!r:.60}")
    return value


def read_object(value: Any, what: str) -> Mapping[str, Any]:
    """Read a JSON object."""
    if not isinstance(value, dict):
        raise MalformedMessage(f"{what} must be an object, got {value!r:.60}")
    return value


def read_list(value: Any, what: str) -> list[Any]:
    """Read a JSON list that is not empty."""
    if not isinstance(value, list) or not value:
        raise MalformedMessage(f"{what} must be a list that is not empty, got {value!r:.60}")
    return value


def read_cloid(value: Any) -> str:
    """Read a client order id: 128 bits as hex text with 0x."""
    if not isinstance(value, str) or len(value) != CLOID_LENGTH or not value.startswith("0x"):
        raise MalformedMessage(f"a cloid is 0x and 32 hex digits, got {value!r:.60}")
    try:
        int(value, 16)
    except ValueError:
        raise MalformedMessage(f"a cloid is 0x and 32 hex digits, got {value!r:.60}") from None
    return value.lower()


def read_order_key(value: Any) -> int | str:
    """Read an order id (integer) or a client order id (text)."""
    return read_cloid(value) if isinstance(value, str) else read_integer(value, "oid")


def read_order(wire: Any) -> OrderTerms:
    """Read one order of an ``order`` or ``modify`` action.

    ``{"a":1,"b":false,"p":"3363.2","s":"0.0594","r":false,"t":{"limit":{"tif":"Gtc"}},"c":"0x…"}``

    Raises
    ------
    MalformedMessage
        If a field is missing or not of its type; the real exchange answers HTTP 422 to it.
    """
    order = read_object(wire, "an order")
    tif, trigger = _read_type(read_object(order.get("t"), "t"))
    cloid = order.get("c")
    return OrderTerms(
        asset=read_integer(order.get("a"), "a"),
        side=Side.BID if read_flag(order.get("b"), "b") else Side.ASK,
        price=read_decimal(order.get("p"), "p"),
        size=read_decimal(order.get("s"), "s"),
        reduce_only=read_flag(order.get("r"), "r"),
        tif=tif,
        trigger=trigger,
        cloid=None if cloid is None else read_cloid(cloid),
    )


def _read_type(wire: Mapping[str, Any]) -> tuple[TimeInForce | None, Trigger | None]:
    if "limit" in wire:
        text = read_object(wire["limit"], "limit").get("tif")
        try:
            return TimeInForce(str(text)), None
        except ValueError:
            raise MalformedMessage(f"tif must be Alo, Gtc or Ioc, got {text!r:.60}") from None
    trigger = read_object(wire.get("trigger"), "trigger")
    kind = trigger.get("tpsl")
    if kind not in ("tp", "sl"):
        raise MalformedMessage(f"tpsl must be tp or sl, got {kind!r:.60}")
    price = read_decimal(trigger.get("triggerPx"), "triggerPx")
    return None, Trigger(price, read_flag(trigger.get("isMarket"), "isMarket"), kind == "sl")


def read_cancel(wire: Any) -> Cancel:
    """Read ``{"a":1,"o":77}``."""
    cancel = read_object(wire, "a cancel")
    return Cancel(read_integer(cancel.get("a"), "a"), read_integer(cancel.get("o"), "o"))


def read_cancel_by_cloid(wire: Any) -> Cancel:
    """Read ``{"asset":1,"cloid":"0x…"}``."""
    cancel = read_object(wire, "a cancel")
    return Cancel(read_integer(cancel.get("asset"), "asset"), read_cloid(cancel.get("cloid")))


def read_modify(wire: Any) -> Modify:
    """Read ``{"oid":77,"order":{…}}``; ``oid`` may be a client order id."""
    modify = read_object(wire, "a modify")
    return Modify(read_order_key(modify.get("oid")), read_order(modify.get("order")))


def decimal_text(value: Decimal) -> str:
    """Write a number as the venue does in its answers: no exponent, one decimal at least."""
    text = format(value.normalize(), "f")
    if text in ("-0", "0"):
        return "0.0"
    return text if "." in text else text + ".0"


def side_letter(side: Side) -> str:
    """``B`` for a bid, ``A`` for an ask."""
    return "B" if side is Side.BID else "A"


def trigger_condition(trigger: Trigger, side: Side) -> str:
    """``Price above 0.6``: a stop that buys and a take-profit that sells wait above the mark price."""
    above = trigger.is_stop == (side is Side.BID)
    return f"Price {'above' if above else 'below'} {format(trigger.price.normalize(), 'f')}"


def order_type(order: OrderState) -> str:
    """Name of the kind of order: ``Limit``, ``Stop Market``, ``Take Profit Limit`` and so on."""
    if order.trigger is None:
        return "Limit"
    kind = "Stop" if order.trigger.is_stop else "Take Profit"
    return f"{kind} {'Market' if order.trigger.is_market else 'Limit'}"


def basic_order(order: OrderState) -> dict[str, Any]:
    """The short form of ``openOrders`` and ``orderUpdates``."""
    wire: dict[str, Any] = {
        "coin": order.coin,
        "side": side_letter(order.side),
        "limitPx": decimal_text(order.price),
        "sz": decimal_text(order.size),
        "oid": order.oid,
        "timestamp": order.time_ms,
        "origSz": decimal_text(order.original_size),
    }
    if order.reduce_only:
        wire["reduceOnly"] = True
    if order.cloid is not None:
        wire["cloid"] = order.cloid
    return wire


def full_order(order: OrderState) -> dict[str, Any]:
    """The long form of ``frontendOpenOrders``, ``orderStatus`` and ``historicalOrders``."""
    trigger = order.trigger
    return {
        "coin": order.coin,
        "side": side_letter(order.side),
        "limitPx": decimal_text(order.price),
        "sz": decimal_text(order.size),
        "oid": order.oid,
        "timestamp": order.time_ms,
        "triggerCondition": "N/A" if trigger is None else trigger_condition(trigger, order.side),
        "isTrigger": trigger is not None,
        "triggerPx": "0.0" if trigger is None else decimal_text(trigger.price),
        "children": [full_order(child) for child in order.children],
        "isPositionTpsl": order.whole_position,
        "reduceOnly": order.reduce_only,
        "orderType": order_type(order),
        "origSz": decimal_text(order.original_size),
        "tif": None if order.tif is None else order.tif.value,
        "cloid": order.cloid,
    }


def order_with_status(order: OrderState, form: dict[str, Any]) -> dict[str, Any]:
    """One form of an order together with its status."""
    return {"order": form, "status": order.status, "statusTimestamp": order.status_ms}
