"""Own orders that mid has come too close to since their plan: found at every best quote, cancelled in one action.

Freqtrade cancels one order after the other, each after asking about it, and only after it has planned every pair: when
five coins move together the last is gone after seven seconds. A stale order is cancelled here before anything else in
the loop; Freqtrade finds it cancelled and places the next.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ccxt
from freqtrade.exceptions import FreqtradeException

from market_making.market.errors import MarketMakingError
from market_making.trading.freqtrade.edge.known_books import KnownBooks
from market_making.trading.freqtrade.edge.known_orders import KnownOrders, OpenOrder
from market_making.trading.holding import RestingOrder
from market_making.trading.wanted import WantedOrder

log = logging.getLogger(__name__)

_AGAIN_S = 1.0  # until the same order rings again: its cancellation may be under way, or refused


class StaleOrders:
    """Finds stale orders.

    Parameters
    ----------
    books, orders
        What the websocket has told.
    """

    def __init__(self, books: KnownBooks, orders: KnownOrders, clock: Callable[[], float] = time.monotonic) -> None:
        self._books = books
        self._orders = orders
        self._clock = clock
        self._wanted: Mapping[str, WantedOrder] = {}
        self._rang_s: dict[int, float] = {}

    def want(self, wanted: Mapping[str, WantedOrder]) -> None:
        """Take the orders of the last plans, by coin."""
        self._wanted = dict(wanted)
        self._rang_s.clear()

    def found(self, coins: Iterable[str] | None = None) -> list[tuple[WantedOrder, OpenOrder]]:
        """Stale orders of these coins, or of all."""
        wanted = self._wanted
        open_orders = list(self._orders.open_orders())
        return [
            (wanted[coin], order)
            for coin in (wanted if coins is None else coins)
            if coin in wanted
            for order in self._of_coin(coin, wanted[coin], open_orders)
        ]

    def rings(self, coin: str) -> bool:
        """Whether a coin has a stale order that has not been told of in the last second."""
        now_s, is_new = self._clock(), False
        for _, order in self.found((coin,)):
            if now_s - self._rang_s.get(order.oid, -_AGAIN_S) >= _AGAIN_S:
                self._rang_s[order.oid], is_new = now_s, True
        return is_new

    def _of_coin(self, coin: str, wanted: WantedOrder, open_orders: list[OpenOrder]) -> list[OpenOrder]:
        own = [order for order in open_orders if order.coin == coin]
        if not own:
            return []
        mid = self._books.mid(coin, [(order.side, order.price, order.size) for order in own])
        if mid is None:
            return []
        return [order for order in own if order.side is wanted.side and wanted.too_close_by(order.price, mid) > 0]


class CancelFirst:
    """Cancels stale orders of all pairs in one action.

    Parameters
    ----------
    client : ccxt.hyperliquid
        Sends it.
    stale : StaleOrders
        Finds them.
    told : Callable[[str, RestingOrder], None]
        Called with the pair and order before it is cancelled.
    """

    def __init__(self, client: Any, stale: StaleOrders, told: Callable[[str, RestingOrder], None]) -> None:
        self._client = client
        self._stale = stale
        self._told = told

    def cancel(self) -> None:
        """Cancel what is stale; what the exchange refuses, Freqtrade will meet in its loop."""
        found = self._stale.found()
        if not found:
            return
        for wanted, order in found:
            resting = RestingOrder(str(order.oid), *order[2:5], order.filled, order.placed_ms)
            self._told(wanted.pair, resting)
        try:
            self._client.cancel_orders_for_symbols(
                [{"id": str(order.oid), "symbol": wanted.pair} for wanted, order in found]
            )
        except (ccxt.BaseError, FreqtradeException, MarketMakingError) as error:
            log.warning("of %d stale orders not all could be cancelled first: %s", len(found), error)
