"""Numbers as Hyperliquid writes them: decimal text without exponent and without trailing zeros."""

from decimal import Decimal
from math import inf, isfinite
from typing import Any

from market_making.market.errors import MalformedMessage

YEAR_10000_MS = 253_402_300_800_000


def to_wire(value: float) -> str:
    """Shortest decimal text that reads back as the same number.

    Raises
    ------
    MalformedMessage
        If the value is not finite: the wire has no form for it.
    """
    if not isfinite(value):
        raise MalformedMessage(f"{value!r} cannot be written to the wire, a finite number is needed")
    text = repr(float(value))
    if "e" in text:
        text = format(Decimal(text), "f")
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def from_wire(text: Any) -> float:
    """Read a number the venue wrote; it must be a decimal string.

    Raises
    ------
    MalformedMessage
        If it is not a string of a finite decimal number.
    """
    if type(text) is not str:
        raise MalformedMessage(f"a number must be a decimal string, got {text!r:.80}")
    try:
        value = float(text)
    except ValueError:
        raise MalformedMessage(f"a number must be a decimal string, got {text!r:.80}") from None
    # float() also reads "nan", "inf" and the digit groups of Python source.
    if not isfinite(value) or "_" in text:
        raise MalformedMessage(f"a number must be finite and plain, got {text!r:.80}")
    return value


def positive(text: Any, what: str) -> float:
    """Read a number that must be above zero; `what` names it in the error."""
    # This is most of the work of decoding a book, so the usual case takes one look.
    try:
        value = float(text) if type(text) is str and "_" not in text else -1.0
    except ValueError:
        value = -1.0
    if 0.0 < value < inf:
        return value
    from_wire(text)  # tells what is wrong with a text that is no number
    raise MalformedMessage(f"{what} must be above zero, got {text!r:.80}")


def milliseconds(value: Any) -> int:
    """Read a Unix time in milliseconds.

    Raises
    ------
    MalformedMessage
        If it is not an integer from 1970 to the year 9999.
    """
    if type(value) is not int or not 0 <= value < YEAR_10000_MS:
        raise MalformedMessage(f"a time must be integer Unix milliseconds, got {value!r:.80}")
    return value
