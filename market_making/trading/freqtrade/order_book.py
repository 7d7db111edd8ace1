"""From an order book as an exchange gives it to the top of the book a model works with, or an error."""

from collections.abc import Iterator
from itertools import islice
from math import isfinite
from typing import Any

from market_making.market.errors import DataError, MalformedMessage
from market_making.market.events import Level
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.quoting.quote import MarketView
from market_making.quoting.readings.observations import Observations
from market_making.trading.holding import RestingOrder

_LEVELS = 10  # as many as a model looks at
_FUTURE_MS = 1000.0  # more, and one of the two clocks is wrong: no age of a book can be told
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
        The time of the answer [ms]; it stands in for a timestamp the exchange does not give.
    own : RestingOrder, optional
        Our own order, to be left out: a maker must not follow itself.

    Raises
    ------
    MalformedMessage
        If a side is empty, a number is not positive and finite, or the book is crossed.
    DataError
        If the book is too old, or of the future.
    """
    time_ms = book.get("timestamp") or now_ms
    if time_ms - now_ms > _FUTURE_MS:
        ahead_s = (time_ms - now_ms) / 1e3
        detail = (
            f"the book is {ahead_s:.1f} s ahead of this machine's clock, limit {_FUTURE_MS / 1e3:.1f} s: set the clock"
        )
        raise DataError(detail, reason=Reason.BOOK_STALE)
    if now_ms - time_ms > maximum_age_ms:
        detail = f"the book is {(now_ms - time_ms) / 1e3:.1f} s old, limit {maximum_age_ms / 1e3:.1f} s"
        raise DataError(detail, reason=Reason.BOOK_STALE)
    bids, asks = (tuple(islice(_levels(book, side, own), _LEVELS)) for side in (Side.BID, Side.ASK))
    if not bids or not asks:
        raise _unusable(f"the book has {len(bids)} levels of bids and {len(asks)} of asks, needed is one of each")
    if bids[0].price >= asks[0].price:
        raise _unusable(f"the book is crossed: best bid {bids[0].price}, best ask {asks[0].price}")
    return MarketView(*bids[0][:2], *asks[0][:2], int(time_ms), Observations(bids=bids, asks=asks))


def _unusable(detail: str) -> MalformedMessage:
    return MalformedMessage(detail, reason=Reason.BOOK_UNUSABLE)


def _levels(book: dict[str, Any], side: Side, own: RestingOrder | None) -> Iterator[Level]:
    for level in book.get(f"{side}s") or ():
        price, size = float(level[0]), float(level[1])
        if not (isfinite(price) and isfinite(size) and price > 0 and size > 0):
            raise _unusable(f"a {side} of the book is {size!r} at {price!r}, needed are positive finite numbers")
        others = size - own.remaining if own is not None and own.side is side and own.price == price else size
        if others > _DUST * size:
            yield Level(price, others)
