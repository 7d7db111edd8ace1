"""Fault schedules as documents of JSON: reading, checking, and writing them back.

::

    {"faults": [
      {"fault": "swallow", "action": "order", "executed": true, "probability": 0.3, "from_s": 10, "until_s": 60},
      {"fault": "unknown", "info": "orderStatus", "probability": 0.1, "per_order": true},
      {"fault": "cancel", "every_s": 30, "status": "marginCanceled"}
    ]}

A fault of requests or messages names one of ``info``, ``action``, ``stream``: a type, a list of types, or ``any``.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from math import isfinite
from typing import Any

from market_making.market.errors import ConfigurationError
from market_making.venue.faults import effects
from market_making.venue.faults.effects import CANCELLATIONS, Effect
from market_making.venue.faults.fault import Fault, Target, When, Where

ANY = "any"
REQUESTS = (Target.INFO, Target.ACTION)
_STREAMS = (Target.STREAM,)
_VENUE = (Target.VENUE,)

EFFECTS: dict[str, tuple[type[Any], tuple[Target, ...]]] = {
    "refuse": (effects.Refuse, (Target.ACTION,)),
    "delay": (effects.Delay, REQUESTS),
    "late": (effects.Late, (*REQUESTS, Target.STREAM)),
    "swallow": (effects.Swallow, REQUESTS),
    "cut": (effects.Cut, (*REQUESTS, Target.STREAM)),
    "half": (effects.Half, (*REQUESTS, Target.STREAM)),
    "status": (effects.Status, REQUESTS),
    "twice": (effects.Twice, REQUESTS),
    "null": (effects.Null, REQUESTS),
    "empty": (effects.Empty, REQUESTS),
    "zero": (effects.Zero, REQUESTS),
    "content": (effects.Content, REQUESTS),
    "unknown": (effects.Unknown, (Target.INFO,)),
    "drop": (effects.Drop, _STREAMS),
    "double": (effects.Double, _STREAMS),
    "reorder": (effects.Reorder, _STREAMS),
    "old": (effects.Old, _STREAMS),
    "stranger": (effects.Stranger, _STREAMS),
    "cancel": (effects.CancelOrder, _VENUE),
    "trade": (effects.ManualTrade, _VENUE),
    "order": (effects.ManualOrder, _VENUE),
    "liquidate": (effects.Liquidate, _VENUE),
    "disconnect": (effects.Disconnect, _VENUE),
    "halt": (effects.Halt, _VENUE),
    "cap": (effects.Cap, _VENUE),
    "hold_oracle": (effects.HoldOracle, _VENUE),
    "clock": (effects.Clock, _VENUE),
}
_TARGETS = (Target.INFO, Target.ACTION, Target.STREAM)
_WHERE = ("user", "coin", "side", "oid")
_WHEN = tuple(item.name for item in fields(When))


@dataclass(frozen=True)
class Faults:
    """A schedule of faults: the same schedule, seed and requests give the same faults."""

    faults: tuple[Fault, ...] = ()

    @classmethod
    def parse(cls, document: Any) -> "Faults":
        """Read a schedule.

        Raises
        ------
        ConfigurationError
            Naming the fault, the key, the value seen and the values accepted.
        """
        if not isinstance(document, dict) or set(document) != {"faults"} or not isinstance(document["faults"], list):
            raise ConfigurationError(f'faults: must be an object with one list "faults", got {document!r:.80}')
        return cls(tuple(_fault(number, entry) for number, entry in enumerate(document["faults"])))

    def document(self) -> dict[str, Any]:
        """The document that reads back as this schedule."""
        return {"faults": [_entry(fault) for fault in self.faults]}


def _fault(number: int, entry: Any) -> Fault:
    try:
        if not isinstance(entry, dict):
            raise ConfigurationError(f"must be an object, got {entry!r:.80}")
        name = entry.get("fault")
        if name not in EFFECTS:
            raise ConfigurationError(f"fault must be one of {', '.join(EFFECTS)}, got {name!r:.40}")
        kind, allowed = EFFECTS[name]
        own = tuple(item.name for item in fields(kind))
        known = ("fault", *own, *(target.value for target in _TARGETS), *_WHERE, *_WHEN)
        unknown = sorted(set(entry) - set(known))
        if unknown:
            raise ConfigurationError(f"unknown key {', '.join(map(repr, unknown))}; there are {', '.join(known)}")
        return Fault(name, _effect(kind, entry), _where(entry, name, allowed), _when(entry, allowed))
    except ConfigurationError as error:
        raise ConfigurationError(f"faults[{number}]: {error}") from None


def _effect(kind: type[Any], entry: Mapping[str, Any]) -> Effect:
    values = {}
    for item in fields(kind):
        if item.name not in entry:
            if item.default is MISSING:
                raise ConfigurationError(f"{item.name} is missing")
            continue
        values[item.name] = _CHECKS[item.name](item.name, entry[item.name])
    effect: Effect = kind(**values)
    return effect


def _where(entry: Mapping[str, Any], name: str, allowed: tuple[Target, ...]) -> Where:
    named = [target for target in _TARGETS if target.value in entry]
    if Target.VENUE in allowed:
        target, kinds = Target.VENUE, frozenset[str]()
        if named:
            raise ConfigurationError(f"{name} strikes the venue itself; {named[0].value} must be left out")
    else:
        words = " or ".join(target.value for target in allowed)
        if len(named) != 1 or named[0] not in allowed:
            raise ConfigurationError(f"{name} needs exactly one of {words}: a type, a list of types, or {ANY!r}")
        target, kinds = named[0], _kinds(entry[named[0].value])
    side, oid = entry.get("side", ""), entry.get("oid")
    if side not in ("", "buy", "sell"):
        raise ConfigurationError(f"side must be buy or sell, got {side!r:.40}")
    if oid is not None:
        _whole("oid", oid)
    user, coin = (_text(key, entry.get(key, "")) for key in ("user", "coin"))
    return Where(target, kinds, user.lower(), coin, side, oid)


def _kinds(value: Any) -> frozenset[str]:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigurationError(f"a type must be text, a list of types or {ANY!r}, got {value!r:.60}")
    return frozenset() if ANY in names else frozenset(names)


def _when(entry: Mapping[str, Any], allowed: tuple[Target, ...]) -> When:
    values = {name: _CHECKS[name](name, entry[name]) for name in _WHEN if entry.get(name) is not None}
    when = When(**values)
    if not 0 <= when.probability <= 1:
        raise ConfigurationError(f"probability must be between 0 and 1, got {when.probability}")
    if when.until_s <= when.from_s:
        raise ConfigurationError(f"until_s must be above from_s ({when.from_s:g}), got {when.until_s:g}")
    if when.every_s is not None and Target.VENUE not in allowed:
        raise ConfigurationError("every_s belongs to faults that strike the venue itself; use probability")
    return when


def _entry(fault: Fault) -> dict[str, Any]:
    entry: dict[str, Any] = {"fault": fault.name}
    where = fault.where
    if where.target is not Target.VENUE:
        kinds = sorted(where.kinds) or [ANY]
        entry[where.target.value] = kinds[0] if len(kinds) == 1 else kinds
    for value in (fault.effect, where, fault.when):
        for item in fields(value):
            if item.name not in ("target", "kinds") and getattr(value, item.name) != item.default:
                entry[item.name] = getattr(value, item.name)
    return entry


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        raise ConfigurationError(f"{name} must be a number of zero or more, got {value!r:.40}")
    return float(value)


def _above_zero(name: str, value: Any) -> float:
    if not _number(name, value):
        raise ConfigurationError(f"{name} must be above zero, got {value!r:.40}")
    return float(value)


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ConfigurationError(f"{name} must be a whole number of zero or more, got {value!r:.40}")
    return value


def _signed(name: str, value: Any) -> int:
    if type(value) is not int:
        raise ConfigurationError(f"{name} must be a whole number, got {value!r:.40}")
    return value


def _flag(name: str, value: Any) -> bool:
    if type(value) is not bool:
        raise ConfigurationError(f"{name} must be true or false, got {value!r:.40}")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be text, got {value!r:.40}")
    return value


def _direction(name: str, value: Any) -> str | None:
    if value not in (None, "buy", "sell"):
        raise ConfigurationError(f"{name} must be buy or sell, got {value!r:.40}")
    return value if value is None else str(value)


def _status(name: str, value: Any) -> Any:
    if value not in CANCELLATIONS:
        raise ConfigurationError(f"{name} must be one of {', '.join(CANCELLATIONS)}, got {value!r:.40}")
    return value


def _code(name: str, value: Any) -> int:
    if type(value) is not int or not 400 <= value < 600:
        raise ConfigurationError(f"{name} must be an HTTP status from 400 to 599, got {value!r:.40}")
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "text": _text, "whole": _flag, "seconds": _number, "executed": _flag, "code": _code, "status": _status,
    "content": lambda _, value: value, "all_orders": _flag, "notional": _above_zero, "direction": _direction,
    "distance_bps": _number, "offset_ms": _signed, "from_s": _number, "until_s": _above_zero, "repeat_s": _above_zero,
    "probability": _number, "skip": _whole, "times": _whole, "per_order": _flag, "every_s": _above_zero,
}  # fmt: skip
