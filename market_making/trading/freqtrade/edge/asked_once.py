"""The same question is asked once until something happens, never kept for a time.

Freqtrade asks for the account's state four times between a fill and the next order, and twice for the same fills. An
answer is kept only within a loop and only until an own action is sent, an order turns out to have changed, or a feed
brings news. (Kept for 0.4 s it hid one fill in seven for a second.)
"""

from copy import deepcopy
from threading import Lock
from typing import Any

import orjson

from market_making.trading.freqtrade.edge.door import Forward, Request
from market_making.trading.freqtrade.edge.loop import Loop

# Books are not among them: the market does not wait for our events.
_KEPT = frozenset(("clearinghouseState", "spotClearinghouseState", "userFillsByTime"))
_MOST_ORDERS = 1_000


class AskedOnce:
    """Step that answers a question from an answer that nothing has made stale."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._mutex = Lock()
        self._kept: dict[bytes, Any] = {}
        self._events = 0
        self._orders: dict[Any, tuple[Any, Any]] = {}
        loop.on_event(self._forget)

    def step(self, request: Request, forward: Forward) -> Any:
        """Answer, or ask; errors are those of the exchange."""
        if request.is_action:
            return self._act(request, forward)
        if request.kind == "orderStatus":
            answer = forward(request)
            self._compare(request.body.get("oid"), answer)
            return answer
        if request.kind not in _KEPT or not self._loop.is_running:
            return forward(request)
        question = orjson.dumps(request.body, option=orjson.OPT_SORT_KEYS)
        with self._mutex:
            if question in self._kept:
                return deepcopy(self._kept[question])
            events = self._events
        answer = forward(request)
        with self._mutex:
            if events == self._events:
                self._kept[question] = deepcopy(answer)
        return answer

    def _act(self, request: Request, forward: Forward) -> Any:
        # Whatever is asked while the action is on its way may be of before it.
        self._loop.happened()
        try:
            return forward(request)
        finally:
            self._loop.happened()

    def _compare(self, oid: Any, answer: Any) -> None:
        """Notice an order that has been filled, in part or whole, or cancelled since it was last asked about."""
        order = answer.get("order") if isinstance(answer, dict) else None
        if not isinstance(order, dict):
            self._loop.happened()
            return
        terms = order.get("order")
        state = (order.get("status"), terms.get("sz") if isinstance(terms, dict) else None)
        if self._orders.get(oid) != state:
            self._loop.happened()
        if len(self._orders) >= _MOST_ORDERS:
            self._orders.clear()
        self._orders[oid] = state

    def _forget(self) -> None:
        with self._mutex:
            self._events += 1
            self._kept.clear()
