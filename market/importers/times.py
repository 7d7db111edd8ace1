"""Times of other programs as milliseconds."""

from datetime import UTC, datetime

from market.errors import MalformedMessage
from market.hyperliquid.numbers import milliseconds


def iso_ms(text: str) -> int:
    """UTC time without a zone, with up to nanoseconds, as milliseconds (the rest is cut off)."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6) // 1000


def scaled_ms(text: str | bytes, per_ms: int) -> int:
    """An integer time in units of which `per_ms` make a millisecond.

    Raises
    ------
    MalformedMessage
        If it is not an integer, or not between the years 1970 and 9999.
    """
    try:
        return milliseconds(int(text) // per_ms)
    except ValueError:
        raise MalformedMessage(f"a time must be an integer, saw {text!r:.40}") from None
