"""What the exchange tells about an account, read: its open orders, what becomes of them, positions, actions left.

The answers of ``frontendOpenOrders``, ``clearinghouseState`` and ``userFillsByTime``, and the
messages of the websocket feed ``orderUpdates``, which tells of an order neither whether it is a trigger order nor,
always, whether it may only reduce; both are then None.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from market_making.hyperliquid.numbers import from_wire, milliseconds, positive
from market_making.market.errors import MalformedMessage
from market_making.market.sides import Side

OPEN_STATUSES = frozenset({"open", "triggered"})
_SIDES = {"B": Side.BID, "A": Side.ASK}


class OpenOrder(NamedTuple):
    """An order that rests: price [price]; remaining and original size [coins]; the time it was placed [ms]."""

    oid: int
    coin: str
    side: Side
    price: float
    size: float
    original: float
    placed_ms: int
    reduce_only: bool | None = None
    is_trigger: bool | None = None

    @property
    def filled(self) -> float:
        """Size filled so far [coins]."""
        return max(self.original - self.size, 0.0)


class OrderUpdate(NamedTuple):
    """What has become of an order: open, filled, canceled, or another word of the exchange."""

    order: OpenOrder
    status: str
    status_ms: int

    @property
    def is_open(self) -> bool:
        """Whether it rests."""
        return self.status in OPEN_STATUSES


class OpenPosition(NamedTuple):
    """A position: size [coins, signed], value [USDC, positive], leverage."""

    size: float
    value: float
    leverage: float


class AccountFill(NamedTuple):
    """A fill of an order: size [coins, signed as the position it makes], and the order's name, None without one."""

    oid: int
    coin: str
    size: float
    name: str | None


def parse_open_orders(answer: Any) -> tuple[OpenOrder, ...]:
    """Read the answer of ``frontendOpenOrders`` (or ``openOrders``).

    Raises
    ------
    MalformedMessage
        If it is no list of orders.
    """
    if not isinstance(answer, list):
        raise MalformedMessage(f"open orders must be a list, got {answer!r:.200}")
    return tuple(_order(fields) for fields in answer)


def parse_order_updates(data: Any) -> tuple[OrderUpdate, ...]:
    """Read the body of an ``orderUpdates`` message.

    Raises
    ------
    MalformedMessage
        If it is no list of orders with a status.
    """
    try:
        return tuple(
            OrderUpdate(_order(item["order"]), str(item["status"]), milliseconds(item["statusTimestamp"]))
            for item in data
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"an order update lacks {error}: {data!r:.200}") from None


def parse_positions(answer: Any) -> dict[str, OpenPosition]:
    """Read the positions of a ``clearinghouseState`` answer, by coin.

    Raises
    ------
    MalformedMessage
        If it holds no list of positions.
    """
    try:
        positions = [item["position"] for item in answer["assetPositions"]]
        return {str(fields["coin"]): _position(fields) for fields in positions if from_wire(fields["szi"])}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"an account lacks {error}: {answer!r:.200}") from None


def parse_account_fills(answer: Any) -> tuple[AccountFill, ...]:
    """Read the answer of ``userFillsByTime``.

    Raises
    ------
    MalformedMessage
        If it is no list of fills.
    """
    if not isinstance(answer, list):
        raise MalformedMessage(f"fills must be a list, got {answer!r:.200}")
    return tuple(_fill(fields) for fields in answer)


def _position(fields: Mapping[str, Any]) -> OpenPosition:
    leverage = fields["leverage"]["value"]
    return OpenPosition(from_wire(fields["szi"]), abs(from_wire(fields["positionValue"])), float(leverage))


def _fill(fields: Any) -> AccountFill:
    try:
        size = positive(fields["sz"], "sz")
        signed = size if _SIDES[fields["side"]] is Side.BID else -size
        name = fields.get("cloid")
        return AccountFill(_whole(fields["oid"]), str(fields["coin"]), signed, name if isinstance(name, str) else None)
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedMessage(f"a fill lacks {error}: {fields!r:.200}") from None


def _order(fields: Any) -> OpenOrder:
    try:
        reduce_only, is_trigger = fields.get("reduceOnly"), fields.get("isTrigger")
        return OpenOrder(
            oid=_whole(fields["oid"]),
            coin=str(fields["coin"]),
            side=_SIDES[fields["side"]],
            price=positive(fields["limitPx"], "limitPx"),
            size=from_wire(fields["sz"]),
            original=from_wire(fields["origSz"]),
            placed_ms=milliseconds(fields["timestamp"]),
            reduce_only=reduce_only if isinstance(reduce_only, bool) else None,
            is_trigger=is_trigger if isinstance(is_trigger, bool) else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedMessage(f"an order lacks {error}: {fields!r:.200}") from None


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise MalformedMessage(f"an order id must be a whole number, got {value!r:.60}")
    return value
