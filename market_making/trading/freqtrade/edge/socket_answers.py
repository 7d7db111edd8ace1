"""What the websocket knows is not asked again, only until the next event; anything silent is asked as always."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from market_making.trading.freqtrade.edge.door import Forward, Request
from market_making.trading.freqtrade.edge.known_books import SILENCE_S
from market_making.trading.freqtrade.edge.order_words import cancelled_in, statuses_of
from market_making.trading.freqtrade.edge.socket import Socket

_LISTS = ("openOrders", "frontendOpenOrders")


class SocketAnswers:
    """Step of the client, and in the place of the exchange's ``get_trades_for_order``.

    Parameters
    ----------
    exchange : freqtrade.exchange.Hyperliquid
        Whose method is replaced.
    socket : Socket
        What it has told.
    with_books : bool
        Whether its five levels are enough for the model; else books are asked for.
    """

    def __init__(
        self,
        exchange: Any,
        socket: Socket,
        *,
        with_books: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchange = exchange
        self._books, self._orders, self._account = socket.books, socket.orders, socket.account
        self._with_books = with_books
        self._clock = clock
        self._stock_trades = exchange.get_trades_for_order
        exchange.get_trades_for_order = self.trades_for_order

    def step(self, request: Request, forward: Forward) -> Any:
        """Answer from what is known, or ask; errors are those of the exchange."""
        if request.is_action:
            return self._act(request, forward)
        if request.kind == "l2Book" and self._with_books and request.body.keys() == {"type", "coin"}:
            return self._books.answer(str(request.body["coin"])) or forward(request)
        if request.kind == "orderStatus" and type(oid := request.body.get("oid")) is int:
            return self._order(oid, request, forward)
        if request.kind in _LISTS:
            return self._list(request, forward)
        if request.kind == "clearinghouseState" and request.body.keys() == {"type", "user"}:
            return self._state(request, forward)
        return forward(request)

    def trades_for_order(self, order_id: str, pair: str, since: datetime, params: dict[str, Any] | None = None) -> Any:
        """Fills of an order, from the websocket if it knows all of them; errors are Freqtrade's."""
        fills = self._orders.fills(int(order_id)) if order_id.isdecimal() and self._is_alive() else None
        if not fills:
            return self._stock_trades(order_id, pair, since, params)
        client = self._exchange._api
        trades = [client.parse_trade(fill, client.market(pair)) for fill in fills]
        return self._exchange._trades_contracts_to_amount(trades)

    def _order(self, oid: int, request: Request, forward: Forward) -> Any:
        known = self._orders.answer(oid) if self._is_alive() else None
        if known is not None:
            return known
        asked_s = self._clock()
        answer = forward(request)
        self._orders.asked(oid, answer, asked_s)
        return answer

    def _list(self, request: Request, forward: Forward) -> Any:
        question = orjson.dumps(request.body, option=orjson.OPT_SORT_KEYS)
        known = self._orders.listing(question) if self._is_alive() else None
        if known is not None:
            return known
        asked_s = self._clock()
        answer = forward(request)
        self._orders.listed(question, answer, asked_s)
        return answer

    def _state(self, request: Request, forward: Forward) -> Any:
        since = self._orders.settled() if self._is_alive() else None
        known = None if since is None else self._account.answer(since_ms=since[0], since_s=since[1])
        if known is not None:
            return known
        answer = forward(request)
        self._account.asked()
        return answer

    def _act(self, request: Request, forward: Forward) -> Any:
        oids = cancelled_in(request.body)
        self._orders.acting_on(oids)
        answer = forward(request)
        statuses = statuses_of(answer)
        for oid, status in zip(oids, statuses, strict=False):
            if status == "success":
                self._orders.cancelled(oid)
        for status in statuses:
            for word in ("resting", "filled"):
                order = status.get(word) if isinstance(status, dict) else None
                if isinstance(order, dict) and type(order.get("oid")) is int:
                    self._orders.placed(order["oid"], ended=word == "filled")
        if request.kind not in ("order", "cancel"):
            self._account.acted()
        return answer

    def _is_alive(self) -> bool:
        """Whether the connection that the orders come by has brought a book within a second."""
        heard_s = self._books.heard_s
        return heard_s is not None and self._clock() - heard_s <= SILENCE_S
