"""What has become of an order, from the account's lists: for an exchange that does not know it by its number."""

import time
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any, NamedTuple

import ccxt

from market_making.market.errors import MalformedMessage
from market_making.trading.freqtrade.edge.dexes import on_dex
from market_making.trading.freqtrade.edge.door import Forward, Request
from market_making.trading.freqtrade.edge.order_words import State, items_of, state_of

OPEN, PAST = "frontendOpenOrders", "historicalOrders"
# A list weighs as much as ten questions about an order, that of past orders up to sixty.
KEPT_FOR_S = 3.0
KEPT_LONGEST_S = {OPEN: 10.0, PAST: 30.0}
_FORGOTTEN_AFTER_S = 60.0
_SHARE = 0.25  # of the time for which an order has been looked up; a list may be as old


class _Sought(NamedTuple):
    """An order that is looked up from `since_s` to `until_s`, was cancelled at `acted_s` and seen open at `open_s` [s].

    No list from before its cancellation says anything of it, and no list of past orders from when it was open.
    """

    since_s: float
    until_s: float
    acted_s: float = -inf
    open_s: float = -inf


class ListedOrders:
    """Reads the lists of open and of past orders.

    Parameters
    ----------
    clock : Callable[[], float]
        Seconds that never go back.
    dexes : sequence of str
        On which the account may have orders; past ones are told of all dexes at once.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, dexes: Sequence[str] = ("",)) -> None:
        self._clock = clock
        self._dexes = dexes
        self._lists: dict[tuple[str, str], tuple[list[dict[str, Any]], float]] = {}
        self._sought: dict[int, _Sought] = {}

    def acted_on(self, oids: Iterable[int]) -> None:
        """Own actions on these orders were sent: what the lists say of them is of before."""
        now_s = self._clock()
        self._sought |= {oid: _Sought(now_s, now_s, now_s) for oid in oids}
        self._sought = {oid: each for oid, each in self._sought.items() if now_s - each.until_s <= _FORGOTTEN_AFTER_S}

    def answered(self, oid: int) -> None:
        """The exchange has answered about an order: it is not looked up any more."""
        self._sought.pop(oid, None)

    def look_up(self, oid: int, request: Request, forward: Forward) -> State:
        """Find the state of an order that ``orderStatus`` does not tell.

        Raises
        ------
        ccxt.ExchangeNotAvailable
            If no list has the order. Freqtrade takes it for an order without an answer, not for one without a fill.
        """
        now_s = self._clock()
        self._sought[oid] = self._sought.get(oid, _Sought(now_s, now_s))._replace(until_s=now_s)
        state = self._open(oid, request, forward) or self._past(oid, request, forward)
        if state is None:
            raise ccxt.ExchangeNotAvailable(f"neither orderStatus nor the account's lists know order {oid}")
        return state

    def _open(self, oid: int, request: Request, forward: Forward) -> State | None:
        for dex in self._dexes:
            for order in self._list(OPEN, oid, request, forward, dex):
                if order.get("oid") == oid:
                    self._sought[oid] = self._sought[oid]._replace(open_s=self._lists[OPEN, dex][1])
                    return _read({"order": order, "status": "open", "statusTimestamp": order.get("timestamp")})
        return None

    def _past(self, oid: int, request: Request, forward: Forward) -> State | None:
        """The order as it ended; the list has an entry for each of its states."""
        for item in self._list(PAST, oid, request, forward):
            order = item.get("order")
            if isinstance(order, dict) and order.get("oid") == oid:
                state = _read(item)
                if state is not None and state.has_ended:
                    return state
        return None

    def _list(self, kind: str, oid: int, request: Request, forward: Forward, dex: str = "") -> list[dict[str, Any]]:
        asked_s, sought = self._clock(), self._sought[oid]
        news_s = sought.acted_s if kind == OPEN else max(sought.acted_s, sought.open_s)
        kept_s = min(max(KEPT_FOR_S, _SHARE * (asked_s - sought.since_s)), KEPT_LONGEST_S[kind])
        kept = self._lists.get((kind, dex))
        if kept is not None and kept[1] > news_s and asked_s - kept[1] <= kept_s:
            return kept[0]
        question = {"type": kind, "user": request.body.get("user")} | on_dex(dex)
        answer = forward(request._replace(params=question, may_wait=False))  # the orders of other pairs do not wait
        try:
            self._lists[kind, dex] = (items_of(answer), asked_s)
        except MalformedMessage as error:
            raise ccxt.ExchangeNotAvailable(f"{kind}: {error}") from error
        return self._lists[kind, dex][0]


def _read(item: dict[str, Any]) -> State | None:
    try:
        return state_of(item)
    except MalformedMessage:
        return None
