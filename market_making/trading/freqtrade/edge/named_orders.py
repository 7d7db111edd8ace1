"""Every order has a name of its own, by which the exchange is asked when the answer to its creation is lost.

Freqtrade learns the number of an order from that answer only. Without it an accepted order rests, or is filled, that
nobody knows, and the next loop places a second one. The name is written down first: what cannot be written down is not
sent, as Freqtrade could not book it either, unless it only reduces.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ccxt

from market_making.safety.order_names import OrderNames
from market_making.trading.freqtrade.edge.door import Forward, Request
from market_making.trading.freqtrade.edge.pace import ADDRESS_LIMIT

log = logging.getLogger(__name__)

# A request that is under way when its connection breaks takes effect within this time, or is taken for lost. An order
# that appears later still is found in the list of open orders, and cancelled.
_PATIENCE_S = 3.0
_UNANSWERED_S = 5.0  # where the exchange does not even answer the question
_AGAIN_S = 0.3
# How long an answer is waited for [ms]; ccxt's own 10 s are longer than anybody else may wait for the bot's next loop.
_ORDER_MS, _QUESTION_MS = 3_000, 1_500
_REFUSED, _UNKNOWN = "rejected", "unknownOid"


class NamedOrders:
    """Stands in the place of the client's ``create_order``.

    Parameters
    ----------
    client : ccxt.hyperliquid
        Whose method is replaced.
    names : OrderNames
        Of the bot.
    clock, pause : Callable
        Seconds that never go back, and how to wait for some.
    """

    def __init__(
        self,
        client: Any,
        names: OrderNames,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._names = names
        self._clock = clock
        self._pause = pause
        self._stock = client.create_order
        self._is_sent = False
        client.create_order = self.create

    def step(self, request: Request, forward: Forward) -> Any:
        """Last step of the client: note that an order has really been sent."""
        self._is_sent = self._is_sent or request.kind == "order"
        return forward(request)

    def create(
        self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = None
    ) -> Any:
        """Create an order; if its answer is lost, answer with what the exchange says by its name.

        Errors are those of ccxt: what the exchange has refused, and what it does not know; `InvalidOrder` too if the
        name cannot be written down.
        """
        params = params or {}
        name = self._noted(is_exit=bool(params.get("reduceOnly")))
        self._is_sent = False
        try:
            with self._within(_ORDER_MS):
                order = self._stock(symbol, type, side, amount, price, params | {"clientOrderId": name})
        except (ccxt.OperationFailed, ccxt.ExchangeError) as error:
            if not self._is_sent or not _is_lost(error):
                raise
            return self._found(symbol, name, error)
        if isinstance(order, dict) and order.get("id"):
            return order
        return self._found(symbol, name, ccxt.NullResponse(f"the answer to an order has no number: {order!r:.200}"))

    def _noted(self, *, is_exit: bool) -> str:
        name = self._names.new()
        try:
            self._names.note(name)
        except OSError as error:
            if not is_exit:
                raise ccxt.InvalidOrder(f"the order is not sent, as it cannot be written down: {error}") from error
            log.warning("an order that leaves is sent although its name cannot be written down: %s", error)
        return name

    def _found(self, symbol: str, name: str, error: ccxt.BaseError) -> Any:
        """The order as the exchange would have answered.

        Raises
        ------
        ccxt.BaseError
            The given one, if the exchange does not know the order, or has refused it.
        """
        log.warning("the answer to an order of %s is lost, asking for it: %s", symbol, error)
        began_s = self._clock()
        while True:
            oid, status = self._asked(name)
            if oid is not None:
                break
            patience_s = _PATIENCE_S if status == _UNKNOWN else _UNANSWERED_S
            if self._clock() - began_s >= patience_s:
                raise error
            self._pause(_AGAIN_S)
        log.warning("order %s of %s is %s", oid, symbol, status)
        if _REFUSED in status.lower():
            raise error
        # The shape of an answer to an order that rests: Freqtrade asks for the rest by the number.
        return self._client.parse_order({"resting": {"oid": oid}}, self._client.market(symbol))

    @contextmanager
    def _within(self, timeout_ms: int) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # the client is shared: who reads a value that another thread has set for a moment makes it last
            return
        usual_ms = self._client.timeout
        self._client.timeout = min(timeout_ms, usual_ms)
        try:
            yield
        finally:
            self._client.timeout = usual_ms

    def _asked(self, name: str) -> tuple[int | None, str]:
        """Number and status of the order of this name; no number where the exchange has none, or does not answer."""
        client = self._client
        address, _ = client.handle_public_address("fetchOrder", {})
        try:
            with self._within(_QUESTION_MS):
                answer = client.publicPostInfo({"type": "orderStatus", "user": address, "oid": name})
        except ccxt.OrderNotFound:
            return None, _UNKNOWN
        except (ccxt.OperationFailed, ccxt.ExchangeError) as error:
            log.info("whether there is an order is not answered: %s", error)
            return None, ""
        body = answer.get("order") if isinstance(answer, dict) else None
        order = body.get("order") if isinstance(body, dict) else None
        oid = order.get("oid") if isinstance(order, dict) else None
        return (oid, str(body.get("status"))) if type(oid) is int and isinstance(body, dict) else (None, "")


def _is_lost(error: ccxt.BaseError) -> bool:
    """Whether an error leaves open what has become of an order; a request that comes twice is refused for its nonce."""
    if ADDRESS_LIMIT in str(error):
        return False
    return isinstance(error, ccxt.OperationFailed) or "nonce" in str(error).lower()
