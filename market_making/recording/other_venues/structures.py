"""ccxt's structures as the project's events; sizes become coins where a venue counts contracts."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from math import isfinite
from typing import Any

from market_making.market.errors import MalformedMessage
from market_making.market.events import BestQuote, BookSnapshot, Level, Trade
from market_making.market.sides import Direction
from market_making.recording.other_venues.quirks import Market, Print, Ticker

_DIRECTIONS = {direction.value: direction for direction in Direction}


def coins_per_unit(market: Market) -> float:
    """Coins in one unit of the sizes of a market."""
    return float(market["contractSize"]) if market.get("contract") else 1.0


def quote_of(coin: str, ticker: Ticker, time_ms: int, unit: float) -> BestQuote:
    """Best quote of a ticker; a side without a price is empty.

    Raises
    ------
    MalformedMessage
        If a number is missing or nonsense.
    """
    bid, ask = ((ticker[side], ticker[f"{side}Volume"]) for side in ("bid", "ask"))
    return BestQuote(coin, time_ms, *(_level(side, unit) if side[0] else None for side in (bid, ask)))


def book_of(coin: str, book: Mapping[str, Any], time_ms: int, unit: float, levels: int) -> BookSnapshot:
    """The best `levels` of an order book; errors as of `quote_of`."""
    return BookSnapshot(coin, time_ms, _side(book["bids"], unit, levels), _side(book["asks"], unit, levels))


def trade_of(coin: str, trade: Print, unit: float) -> Trade:
    """A print; errors as of `quote_of`, also if it has no time or the aggressor is not told."""
    time_ms, side = trade["timestamp"], trade["side"]
    if not isinstance(time_ms, int) or side not in _DIRECTIONS:
        raise MalformedMessage(f"a trade of {coin} has time {time_ms!r} and side {side!r}")
    price, size, _ = _level((trade["price"], trade["amount"]), unit)
    return Trade(coin, time_ms, _DIRECTIONS[side], price, size, str(trade["id"] or ""))


def _side(levels: Iterable[Sequence[Any]], unit: float, count: int) -> tuple[Level, ...]:
    return tuple(_level(level, unit) for level in islice(levels, count))


def _level(level: Sequence[Any], unit: float) -> Level:
    try:
        price, size = float(level[0]), float(level[1])
    except (TypeError, ValueError, IndexError):
        raise MalformedMessage(f"{level!r} is no pair of price and size") from None
    if not (isfinite(price) and isfinite(size) and price > 0 and size > 0):
        raise MalformedMessage(f"price {price!r} and size {size!r} must be positive")
    return Level(price, size * unit)
