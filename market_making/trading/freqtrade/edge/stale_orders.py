"""Own orders that mid has come too close to since their plan: found at every best quote, cancelled in one action.

Freqtrade cancels one order after the other, each after asking about it, and only after it has planned every pair: when
five coins move together the last is gone after seven seconds. A stale order is cancelled here before anything else in
the loop, and before the next request of a loop that runs already; Freqtrade finds it cancelled and places the next.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import ccxt
from freqtrade.exceptions import FreqtradeException

from market_making.market.errors import MarketMakingError
from market_making.trading.freqtrade.edge.door import Forward, Request
from market_making.trading.freqtrade.edge.known_books import KnownBooks
from market_making.trading.freqtrade.edge.known_orders import KnownOrders, OpenOrder
from market_making.trading.freqtrade.edge.order_words import cancelled_in
from market_making.trading.holding import RestingOrder
from market_making.trading.wanted import WantedOrder

log = logging.getLogger(__name__)

# Best quotes of one block come one after the other: so long a pause ends them, and so long they are waited for at most.
_PAUSE_S, _GATHERED_S = 0.004, 0.02
_AGAIN_S = 1.0  # until the same order rings again: its cancellation may be under way, or refused


class StaleOrders:
    """Finds stale orders.

    Parameters
    ----------
    books, orders
        What the websocket has told.
    """

    def __init__(
        self,
        books: KnownBooks,
        orders: KnownOrders,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._books = books
        self._orders = orders
        self._clock = clock
        self._sleep = sleep
        self._wanted: Mapping[str, WantedOrder] = {}
        self._rang_s: dict[int, float] = {}
        self.has_rung = False
        """Whether an order has become stale since stale orders were looked for last."""

    def want(self, wanted: Mapping[str, WantedOrder]) -> None:
        """Take the orders of the last plans, by coin."""
        self._wanted = dict(wanted)
        self._rang_s.clear()

    def found(self, coins: Iterable[str] | None = None) -> list[tuple[WantedOrder, OpenOrder]]:
        """Stale orders of these coins, or of all."""
        wanted = self._wanted
        if coins is None:
            self.has_rung = False
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
        self.has_rung |= is_new
        return is_new

    def gather(self) -> None:
        """Wait a few milliseconds while best quotes come in: coins that move together are cancelled together."""
        if len(self._wanted) < 2 or not self.found():
            return
        until_s = self._clock() + _GATHERED_S
        while self._clock() < until_s and self._clock() - self._books.told_s < _PAUSE_S:
            self._sleep(_PAUSE_S / 4)

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
    is_own_thread : Callable[[], bool]
        Whether the calling thread is that of the bot's loop; requests of any other are left alone.
    refresh : Callable[[], None]
        Called before stale orders are looked for within a loop: lets them be judged by the plans of that loop.
    """

    def __init__(
        self,
        client: Any,
        stale: StaleOrders,
        told: Callable[[str, RestingOrder], None],
        is_own_thread: Callable[[], bool],
        refresh: Callable[[], None],
    ) -> None:
        self._client = client
        self._stale = stale
        self._told = told
        self._is_own_thread = is_own_thread
        self._refresh = refresh
        self._is_cancelling = False

    def step(self, request: Request, forward: Forward) -> Any:
        """Cancel what has become stale while the loop runs, before the request; its errors are those of the exchange.

        A loop that places the orders of five pairs takes two seconds; nobody would look at the others in that time.
        """
        if self._stale.has_rung and not self._is_cancelling and self._is_own_thread():
            self._refresh()
            self.cancel(but=cancelled_in(request.body) if request.is_action else ())
        return forward(request)

    def cancel(self, *, but: Collection[int] = ()) -> None:
        """Cancel what is stale but these; what the exchange refuses, Freqtrade will meet in its loop."""
        self._stale.gather()
        found = [(wanted, order) for wanted, order in self._stale.found() if order.oid not in but]
        if not found:
            return
        for wanted, order in found:
            resting = RestingOrder(str(order.oid), *order[2:5], order.filled, order.placed_ms)
            self._told(wanted.pair, resting)
        self._is_cancelling = True
        try:
            self._client.cancel_orders_for_symbols(
                [{"id": str(order.oid), "symbol": wanted.pair} for wanted, order in found]
            )
        except ccxt.InvalidOrder as error:
            log.debug("a stale order was filled, or somebody else had cancelled it: %s", error)
        except (ccxt.BaseError, FreqtradeException, MarketMakingError) as error:
            log.warning("of %d stale orders not all could be cancelled first: %s", len(found), error)
        finally:
            self._is_cancelling = False
