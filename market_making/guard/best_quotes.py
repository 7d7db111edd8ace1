"""Mids of all coins as the websocket tells them, without own orders; a leader venue would speak here as well."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from market_making.guard.quote_guard import external_mid
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.events import BestQuote
from market_making.market.sides import Side

# A bot prices an order from a book that is at most 0.6 s old when the order arrives (benchmarks/edge_latency.py).
_PRICED_WITHIN_S = 1.0


class BestQuotes:
    """The last best quote of each coin since the present connection, and its mids of the last second.

    Parameters
    ----------
    own_orders : Callable[[str], Iterable[OpenOrder]]
        Own orders of a coin, of every account.
    now_s : Callable[[], float]
        Time of now [s].
    """

    def __init__(
        self, own_orders: Callable[[str], Iterable[OpenOrder]], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._own_orders, self._now_s = own_orders, now_s
        self._prices: dict[str, tuple[float, float]] = {}
        self._recent: dict[str, deque[tuple[float, float]]] = defaultdict(deque)

    def seen(self, quote: BestQuote) -> bool:
        """Take a best quote; tell whether the coin has a mid."""
        if quote.bid is None or quote.ask is None or quote.bid.price >= quote.ask.price:
            self._prices.pop(quote.coin, None)
            return False
        own = list(self._own_orders(quote.coin))
        bid, ask = self._prices[quote.coin] = external_mid(quote, own, self._prices.get(quote.coin))
        self._remember(quote.coin, (bid + ask) / 2)
        return True

    def mid(self, coin: str) -> float | None:
        """Mid of a coin [price]; None before the first quote of a connection and while a side is empty."""
        prices = self._prices.get(coin)
        return None if prices is None else (prices[0] + prices[1]) / 2

    def closest(self, coin: str, side: Side) -> float | None:
        """The mid of the last second that was closest to a quote of a side [price]; None before the first quote."""
        mids = [mid for _, mid in self._recent[coin]]
        if not mids:
            return None
        return min(mids) if side is Side.BID else max(mids)

    def forget(self) -> None:
        """Know nothing: the connection is lost."""
        self._prices.clear()
        self._recent.clear()

    def _remember(self, coin: str, mid: float) -> None:
        """Keep the mids of the last second, the one that held when it began among them."""
        recent, now_s = self._recent[coin], self._now_s()
        recent.append((now_s, mid))
        while len(recent) > 1 and recent[1][0] <= now_s - _PRICED_WITHIN_S:
            recent.popleft()
