"""Mids of all coins as the websocket tells them, without own orders; a leader venue would speak here as well."""

from collections.abc import Callable, Iterable

from market_making.guard.quote_guard import external_mid
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.events import BestQuote


class BestQuotes:
    """The last best quote of each coin since the present connection.

    Parameters
    ----------
    own_orders : Callable[[str], Iterable[OpenOrder]]
        Own orders of a coin, of every account.
    """

    def __init__(self, own_orders: Callable[[str], Iterable[OpenOrder]]) -> None:
        self._own_orders = own_orders
        self._prices: dict[str, tuple[float, float]] = {}

    def seen(self, quote: BestQuote) -> bool:
        """Take a best quote; tell whether the coin has a mid."""
        if quote.bid is None or quote.ask is None or quote.bid.price >= quote.ask.price:
            self._prices.pop(quote.coin, None)
            return False
        own = list(self._own_orders(quote.coin))
        self._prices[quote.coin] = external_mid(quote, own, self._prices.get(quote.coin))
        return True

    def mid(self, coin: str) -> float | None:
        """Mid of a coin [price]; None before the first quote of a connection and while a side is empty."""
        prices = self._prices.get(coin)
        return None if prices is None else (prices[0] + prices[1]) / 2

    def forget(self) -> None:
        """Know nothing: the connection is lost."""
        self._prices.clear()
