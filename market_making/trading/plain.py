"""Records of this project as JSON and back, to the last bit: what a log holds can be computed with again.

A record (a frozen dataclass or a named tuple) becomes an object of those fields that differ from their defaults, a
level of the book a list, an exact decimal a text. A number without a value (NaN) becomes null, infinity a text.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from math import inf, isfinite, isnan, nan
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from market_making.market.errors import MalformedMessage
from market_making.market.events import Level
from market_making.market.instrument import FixedTick, PriceGrid, SignificantFigures

_INFINITE = {inf: "inf", -inf: "-inf"}
_KINDS = {PriceGrid: FixedTick | SignificantFigures}
_NO_DEFAULT = object()


def to_plain(value: Any) -> Any:
    """Turn a record into what JSON can hold."""
    if isinstance(value, Enum | Decimal):
        return value.value if isinstance(value, Enum) else str(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else None if isnan(value) else _INFINITE[float(value)]
    if isinstance(value, Level):
        return [to_plain(each) for each in value[: 2 if value.orders == 1 else 3]]
    if is_dataclass(value) or hasattr(value, "_fields"):
        kind: Any = type(value)
        defaults = _defaults(kind)
        shown = {name: getattr(value, name) for name in defaults}
        return {name: to_plain(each) for name, each in shown.items() if not _is_same(each, defaults[name])}
    if isinstance(value, Mapping):
        return {str(name): to_plain(each) for name, each in value.items()}
    return [to_plain(each) for each in value] if isinstance(value, tuple | list) else value


def from_plain(kind: Any, document: Any) -> Any:
    """Make a record of this kind again.

    Raises
    ------
    MalformedMessage
        If the document is not one of such a record.
    """
    try:
        return _made(_KINDS.get(kind, kind), document)
    except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        raise MalformedMessage(f"{document!r} is not a {kind}: {error}") from None


def _made(kind: Any, document: Any) -> Any:
    origin = get_origin(kind) or kind
    if origin in (Union, UnionType):
        return _one_of(get_args(kind), document)
    if origin is Level:
        price, size, *orders = document
        return Level(float(price), float(size), *orders)
    if origin is tuple:
        return tuple(_made(get_args(kind)[0], each) for each in document)
    if is_dataclass(origin) or hasattr(origin, "_fields"):
        hints = typed_fields(kind)
        return origin(**{name: from_plain(hints[name], each) for name, each in document.items()})
    if origin is float:
        return nan if document is None else float(document)
    return origin(document)


def _one_of(kinds: tuple[Any, ...], document: Any) -> Any:
    """The one alternative that the document can be: null, or the record that has all of its names."""
    others = [kind for kind in kinds if kind is not NoneType]
    if document is None and len(others) < len(kinds):
        return None
    fitting = [kind for kind in others if not isinstance(document, dict) or set(document) <= set(_defaults(kind))]
    return from_plain(fitting[0], document)


@cache
def _defaults(kind: Any) -> dict[str, Any]:
    """Names of the fields of a record, each with its default."""
    if is_dataclass(kind):
        return {field.name: _NO_DEFAULT if field.default is MISSING else field.default for field in fields(kind)}
    return {name: kind._field_defaults.get(name, _NO_DEFAULT) for name in kind._fields}


@cache
def typed_fields(kind: Any) -> dict[str, Any]:
    """What the fields of a record are, with the parameters of a generic one filled in."""
    origin = get_origin(kind)
    if origin is None:
        return get_type_hints(kind)
    filled = dict(zip(getattr(origin, "__parameters__", ()), get_args(kind), strict=True))
    hints = get_type_hints(origin)
    return {name: filled[hint] if isinstance(hint, TypeVar) else hint for name, hint in hints.items()}


def _is_same(value: Any, default: Any) -> bool:
    """Whether a field holds its default, of the same type: 0 and False are not."""
    return type(value) is type(default) and bool(value == default)
