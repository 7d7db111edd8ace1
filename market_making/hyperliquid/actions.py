"""The actions of ``/exchange`` that trade or manage an account, typed."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from market_making.hyperliquid.orders import (
    Cancel,
    Modify,
    OrderTerms,
    read_cancel,
    read_cancel_by_cloid,
    read_decimal,
    read_flag,
    read_integer,
    read_list,
    read_modify,
    read_object,
    read_order,
)
from market_making.hyperliquid.signing import read_address
from market_making.market.errors import MalformedMessage

VALID_UNTIL = " valid_until "  # a name may end with this and the time at which the agent expires


class Builder(NamedTuple):
    """Who routed the order and takes a fee for it [tenths of a basis point]."""

    address: str
    tenths_of_bps: int


class PlaceOrders(NamedTuple):
    """Place a batch; `grouping` is na, normalTpsl (the first order owns the others) or positionTpsl."""

    orders: tuple[OrderTerms, ...]
    grouping: str
    builder: Builder | None


class CancelOrders(NamedTuple):
    """Cancel a batch."""

    cancels: tuple[Cancel, ...]


class ModifyOrders(NamedTuple):
    """Replace a batch; a single ``modify`` is answered without statuses.

    Those that are `always_placed` need nothing to replace: an order that has ended is no reason to refuse.
    """

    modifies: tuple[Modify, ...]
    is_single: bool
    always_placed: bool


class ScheduleCancel(NamedTuple):
    """Cancel everything at a time, or forget about it."""

    time_ms: int | None


class UpdateLeverage(NamedTuple):
    """Leverage and margin mode of one coin."""

    asset: int
    is_cross: bool
    leverage: int


class UpdateIsolatedMargin(NamedTuple):
    """Move collateral into (positive) or out of (negative) an isolated position [USDC]."""

    asset: int
    amount: Decimal


class SetReferrer(NamedTuple):
    """Name the account that referred this one."""

    code: str


class ApproveBuilderFee(NamedTuple):
    """Allow a builder to charge up to a rate [% of notional]."""

    builder: str
    percent: Decimal


class ApproveAgent(NamedTuple):
    """Allow a key to trade for this account, until a Unix time [ms] if the name carries one."""

    agent: str
    name: str
    valid_until_ms: int | None


class ReserveRequestWeight(NamedTuple):
    """Buy actions."""

    weight: int


class Noop(NamedTuple):
    """Use up a nonce."""


Action = (
    PlaceOrders
    | CancelOrders
    | ModifyOrders
    | ScheduleCancel
    | UpdateLeverage
    | UpdateIsolatedMargin
    | SetReferrer
    | ApproveBuilderFee
    | ApproveAgent
    | ReserveRequestWeight
    | Noop
)


def read_action(wire: Mapping[str, Any]) -> Action:
    """Read one action.

    Raises
    ------
    MalformedMessage
        If its type is not known or a field is missing or wrong.
    """
    kind = wire.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise MalformedMessage(f"action type must be one of {', '.join(sorted(_READERS))}; got {kind!r:.60}")
    return reader(wire)


def _place(wire: Mapping[str, Any]) -> PlaceOrders:
    grouping = wire.get("grouping")
    if isinstance(grouping, dict):  # {"p": n} buys priority inside a block, which has no meaning without blocks
        grouping = "na"
    if grouping not in ("na", "normalTpsl", "positionTpsl"):
        raise MalformedMessage(f"grouping must be na, normalTpsl or positionTpsl, got {grouping!r:.60}")
    builder = wire.get("builder")
    return PlaceOrders(
        tuple(read_order(order) for order in read_list(wire.get("orders"), "orders")),
        grouping,
        None if builder is None else _builder(read_object(builder, "builder")),
    )


def _builder(wire: Mapping[str, Any]) -> Builder:
    return Builder(read_address(wire.get("b"), "b"), read_integer(wire.get("f"), "f"))


def _cancel(wire: Mapping[str, Any]) -> CancelOrders:
    return CancelOrders(tuple(read_cancel(cancel) for cancel in read_list(wire.get("cancels"), "cancels")))


def _cancel_by_cloid(wire: Mapping[str, Any]) -> CancelOrders:
    return CancelOrders(tuple(read_cancel_by_cloid(cancel) for cancel in read_list(wire.get("cancels"), "cancels")))


def _modify(wire: Mapping[str, Any]) -> ModifyOrders:
    return ModifyOrders((read_modify(wire),), is_single=True, always_placed=_always_placed(wire))


def _batch_modify(wire: Mapping[str, Any]) -> ModifyOrders:
    modifies = read_list(wire.get("modifies"), "modifies")
    found = tuple(read_modify(modify) for modify in modifies)
    return ModifyOrders(found, is_single=False, always_placed=_always_placed(wire))


def _always_placed(wire: Mapping[str, Any]) -> bool:
    """What stands beside the orders since June 2026: true, or nothing at all."""
    if "a" not in wire:
        return False
    if wire["a"] is not True:
        raise MalformedMessage(f"a of a modify is true or left out, got {wire['a']!r:.60}")
    return True


def _schedule_cancel(wire: Mapping[str, Any]) -> ScheduleCancel:
    time = wire.get("time")
    return ScheduleCancel(None if time is None else read_integer(time, "time"))


def _update_leverage(wire: Mapping[str, Any]) -> UpdateLeverage:
    leverage = read_integer(wire.get("leverage"), "leverage")
    return UpdateLeverage(read_integer(wire.get("asset"), "asset"), read_flag(wire.get("isCross"), "isCross"), leverage)


def _update_isolated_margin(wire: Mapping[str, Any]) -> UpdateIsolatedMargin:
    amount = wire.get("ntli")
    if type(amount) is not int:
        raise MalformedMessage(f"ntli must be an integer of millionths of a dollar, got {amount!r:.60}")
    return UpdateIsolatedMargin(read_integer(wire.get("asset"), "asset"), Decimal(amount).scaleb(-6))


def _set_referrer(wire: Mapping[str, Any]) -> SetReferrer:
    return SetReferrer(_text(wire, "code"))


def _approve_builder_fee(wire: Mapping[str, Any]) -> ApproveBuilderFee:
    percent = read_decimal(_text(wire, "maxFeeRate").removesuffix("%"), "maxFeeRate")
    return ApproveBuilderFee(read_address(wire.get("builder"), "builder"), percent)


def _approve_agent(wire: Mapping[str, Any]) -> ApproveAgent:
    name, _, until = (_text(wire, "agentName") if wire.get("agentName") else "").partition(VALID_UNTIL)
    if until and not until.isdecimal():
        raise MalformedMessage(f"agentName must end with {VALID_UNTIL}and Unix milliseconds, got {until!r:.60}")
    agent = read_address(wire.get("agentAddress"), "agentAddress")
    return ApproveAgent(agent, name, int(until) if until else None)


def _reserve(wire: Mapping[str, Any]) -> ReserveRequestWeight:
    return ReserveRequestWeight(read_integer(wire.get("weight"), "weight"))


def _noop(wire: Mapping[str, Any]) -> Noop:  # noqa: ARG001 - every reader takes the action; this one has no fields
    return Noop()


def _text(wire: Mapping[str, Any], key: str) -> str:
    value = wire.get(key)
    if not isinstance(value, str):
        raise MalformedMessage(f"{key} must be text, got {value!r:.60}")
    return value


_READERS: dict[str, Callable[[Mapping[str, Any]], Action]] = {
    "order": _place,
    "cancel": _cancel,
    "cancelByCloid": _cancel_by_cloid,
    "modify": _modify,
    "batchModify": _batch_modify,
    "scheduleCancel": _schedule_cancel,
    "updateLeverage": _update_leverage,
    "updateIsolatedMargin": _update_isolated_margin,
    "setReferrer": _set_referrer,
    "approveBuilderFee": _approve_builder_fee,
    "approveAgent": _approve_agent,
    "reserveRequestWeight": _reserve,
    "noop": _noop,
}
