"""From an order book as an exchange gives it to the top of the book a model works with, or an error."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from market.errors import DataError, MalformedMessage
from market.sides import Side
from quoting.quote import MarketView
from trading.holding import RestingOrder

_DUST = 1e-9  # of a size: what is left of a level when floating point has taken our own order out of it


def top_of_book(
    book: dict[str, Any], *, now_ms: int, maximum_age_ms: float, own: RestingOrder | None = None
) -> MarketView:
    """Check a book and take its best levels.

    Parameters
    ----------
    book : dict
        ``bids`` and ``asks`` as lists of [price, size], best first, and ``timestamp`` [ms] or None, as ccxt gives it.
    now_ms : int
        The time at which the book was asked for; it stands in for a timestamp the exchange does not give.
    own : RestingOrder, optional
        Our own order, to be left out: a maker must not follow itself.

    Raises
    ------
    MalformedMessage
        If a side is empty, a number is not positive and finite, or the book is crossed.
    DataError
        If the book is too old.
    """
    time_ms = book.get("timestamp") or now_ms
    if now_ms - time_ms > maximum_age_ms:
        raise DataError(f"the book is {(now_ms - time_ms) / 1e3:.1f} s old, limit {maximum_age_ms / 1e3:.1f} s")
    bid_price, bid_size = _best(book, Side.BID, own)
    ask_price, ask_size = _best(book, Side.ASK, own)
    if bid_price >= ask_price:
        raise MalformedMessage(f"the book is crossed: best bid {bid_price}, best ask {ask_price}")
    return MarketView(bid_price, bid_size, ask_price, ask_size, int(time_ms))


def _best(book: dict[str, Any], side: Side, own: RestingOrder | None) -> tuple[float, float]:
    levels: Sequence[Sequence[float]] = book.get(f"{side}s") or ()
    for level in levels:
        price, size = float(level[0]), float(level[1])
        if not (isfinite(price) and isfinite(size) and price > 0 and size > 0):
            raise MalformedMessage(f"the best {side} is {size!r} at {price!r}, needed are positive finite numbers")
        if own is not None and own.side is side and own.price == price:
            others = size - own.remaining
            if others <= _DUST * size:
                continue
            return price, others
        return price, size
    raise MalformedMessage(f"the book has no {side}s")
