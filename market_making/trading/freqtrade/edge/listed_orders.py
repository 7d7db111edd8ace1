"""What has become of an order, from the account's lists: for an exchange that does not know it by its number."""

import time
from collections.abc import Callable
from typing import Any

import ccxt

from market_making.market.errors import MalformedMessage
from market_making.trading.freqtrade.edge.door import Forward, Request
from market_making.trading.freqtrade.edge.order_words import State, items_of, state_of

KEPT_FOR_S = 3.0  # a list weighs as much as ten questions about an order


class ListedOrders:
    """Reads the lists of open and of past orders.

    Parameters
    ----------
    clock : Callable[[], float]
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lists: dict[str, tuple[list[dict[str, Any]], float]] = {}

    def forget(self) -> None:
        """An own action is sent: the lists are of before it."""
        self._lists.clear()

    def look_up(self, oid: int, request: Request, forward: Forward) -> dict[str, Any]:
        """Answer a question about an order as ``orderStatus`` would.

        Raises
        ------
        ccxt.ExchangeNotAvailable
            If no list has the order. Freqtrade takes it for an order without an answer, not for one without a fill.
        """
        state = self._open(oid, request, forward) or self._past(oid, request, forward)
        if state is None:
            raise ccxt.ExchangeNotAvailable(f"neither orderStatus nor the account's lists know order {oid}")
        return {"status": "order", "order": state.words}

    def _open(self, oid: int, request: Request, forward: Forward) -> State | None:
        for order in self._list("frontendOpenOrders", request, forward):
            if order.get("oid") == oid:
                return _read({"order": order, "status": "open", "statusTimestamp": order.get("timestamp")})
        return None

    def _past(self, oid: int, request: Request, forward: Forward) -> State | None:
        """The order as it ended; the list has an entry for each of its states."""
        for item in self._list("historicalOrders", request, forward):
            order = item.get("order")
            if isinstance(order, dict) and order.get("oid") == oid:
                state = _read(item)
                if state is not None and state.has_ended:
                    return state
        return None

    def _list(self, kind: str, request: Request, forward: Forward) -> list[dict[str, Any]]:
        if kind in self._lists and self._clock() - self._lists[kind][1] <= KEPT_FOR_S:
            return self._lists[kind][0]
        asked_s = self._clock()
        answer = forward(request._replace(params={"type": kind, "user": request.body.get("user")}))
        try:
            self._lists[kind] = (items_of(answer), asked_s)
        except MalformedMessage as error:
            raise ccxt.ExchangeNotAvailable(f"{kind}: {error}") from error
        return self._lists[kind][0]


def _read(item: dict[str, Any]) -> State | None:
    try:
        return state_of(item)
    except MalformedMessage:
        return None
