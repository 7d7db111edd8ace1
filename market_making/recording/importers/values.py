"""Values of other programs' files: times as milliseconds, numbers that are numbers."""

from datetime import UTC, datetime
from math import inf, isfinite

from market_making.hyperliquid.numbers import milliseconds
from market_making.market.errors import MalformedMessage


def iso_ms(text: str) -> int:
    """UTC time without a zone, with up to nanoseconds, as milliseconds (the rest is cut off).

    Raises
    ------
    ValueError, MalformedMessage
        If it is not such a time, or before 1970.
    """
    return milliseconds(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6) // 1000)


def scaled_ms(text: str | bytes | float, per_ms: float) -> int:
    """A time in units of which `per_ms` make a millisecond (the rest is cut off).

    Raises
    ------
    MalformedMessage
        If it is not a number, or not between the years 1970 and 9999.
    """
    try:
        # Integers stay integers: nanoseconds do not fit into a float.
        return milliseconds(int(text) // per_ms if isinstance(per_ms, int) else int(float(text) / per_ms))
    except (ValueError, OverflowError):
        raise MalformedMessage(f"a time must be a number, saw {text!r:.40}") from None


def positive_number(value: str | float) -> float:
    """A price or a size.

    Raises
    ------
    MalformedMessage
        If it is not a number above zero.
    """
    number = _number(value)
    if 0.0 < number < inf:
        return number
    raise MalformedMessage(f"a price or size must be above zero, saw {value!r:.40}")


def optional_positive(value: str | float | None) -> float | None:
    """A price or a size that may be missing: empty, or None."""
    return None if value in ("", None) else positive_number(value)


def optional_number(value: str | float | None) -> float | None:
    """A finite number of either sign that may be missing."""
    if value in ("", None):
        return None
    number = _number(value)
    if isfinite(number):
        return number
    raise MalformedMessage(f"a number must be finite, saw {value!r:.40}")


def _number(value: str | float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise MalformedMessage(f"a number is needed, saw {value!r:.40}") from None
