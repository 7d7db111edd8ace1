"""Orders that cannot be asked about: looked up in the account's lists, asked about twice in a loop, cancelled unasked.

Freqtrade asks six times about an order that is not found and waits up to 17 s in between: 35 s in which it looks at no
pair. After a cancellation it then takes the order for one without a fill. And it cancels no order whose state it could
not read, so that a stale quote rests for as long as the question fails.

One that is only found in a list is cancelled so, too: after a cancellation Freqtrade asks again, and if that is not
answered, it ends the loop of all pairs.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import ccxt
from freqtrade.exceptions import FreqtradeException

from market_making.market.errors import MalformedMessage, MarketMakingError
from market_making.trading.desk import Desk
from market_making.trading.freqtrade.edge.door import Forward, Request
from market_making.trading.freqtrade.edge.listed_orders import ListedOrders
from market_making.trading.freqtrade.edge.loop import Loop
from market_making.trading.freqtrade.edge.order_words import cancelled_in, state_of
from market_making.trading.freqtrade.trade import holding_of, resting_order_of

log = logging.getLogger(__name__)

_TRIES = 2  # of a question about one order in a loop, or after its cancellation


class Unanswered:
    """Step of the client that notes which orders cannot be asked about.

    Parameters
    ----------
    loop : Loop
        Before its first loop the bot asks about orders that may be long gone: that is left to Freqtrade.
    clock : Callable[[], float]
        Seconds that never go back.
    dexes : sequence of str
        On which the account may have orders.
    """

    def __init__(self, loop: Loop, clock: Callable[[], float] = time.monotonic, dexes: Sequence[str] = ("",)) -> None:
        self.oids: set[int] = set()
        """Orders that do not answer for themselves, and that are not known to have ended."""
        self._lists = ListedOrders(clock, dexes)
        self._failed: Counter[int] = Counter()
        self._has_begun = False
        loop.on_start(self._begin)
        loop.on_end(self._failed.clear)  # a bot that is stopped begins no loop, but its pauses end

    def step(self, request: Request, forward: Forward) -> Any:
        """Answer, or ask.

        Raises
        ------
        ccxt.NetworkError
            If the order cannot be asked about; further questions in the same loop are not sent.
        """
        oid = request.body.get("oid")
        if request.is_action:
            return self._act(request, forward)
        if request.kind != "orderStatus" or type(oid) is not int or not self._has_begun:
            return forward(request)
        if self._failed[oid] >= _TRIES:
            raise ccxt.ExchangeNotAvailable(f"order {oid} cannot be asked about in this loop")
        try:
            return self._ask(oid, request, forward)
        except (ccxt.NetworkError, FreqtradeException, MarketMakingError):
            self._failed[oid] += 1
            self.oids.add(oid)
            raise

    def _act(self, request: Request, forward: Forward) -> Any:
        """Send an action; of the orders that it cancels nothing of before holds, of all others everything does."""
        oids = cancelled_in(request.body)
        try:
            return forward(request)
        finally:
            self._lists.acted_on(oids)
            for oid in oids:
                self._failed.pop(oid, None)

    def _ask(self, oid: int, request: Request, forward: Forward) -> Any:
        try:
            answer = forward(request)
        except ccxt.OrderNotFound:
            state = self._lists.look_up(oid, request, forward)
            (self.oids.discard if state.has_ended else self.oids.add)(oid)
            return {"status": "order", "order": state.words}
        if not _is_answer(answer):
            raise ccxt.ExchangeNotAvailable(f"the answer about order {oid} is {answer!r:.60}")
        self._lists.answered(oid)
        self.oids.discard(oid)
        return answer

    def _begin(self) -> None:
        self._has_begun = True
        self._failed.clear()


class UnaskedCancel:
    """Cancels orders that no plan keeps and that Freqtrade does not cancel.

    It cancels none that it cannot ask about, and no partly filled one where what is filled, or what is left of an exit,
    is too small to be sold by itself. Such an order would rest at its price, kill switch or not.

    Parameters
    ----------
    client : ccxt.hyperliquid
        Sends it.
    unanswered : Unanswered
        Knows the orders that cannot be asked about.
    desk : Desk
        Says what the plans keep.
    """

    def __init__(self, client: Any, unanswered: Unanswered, desk: Desk) -> None:
        self._client = client
        self._unanswered = unanswered
        self._desk = desk
        self._unwanted: dict[int, bool] = {}  # since a loop before; whether the exchange has answered its cancellation

    def takes(self, order_id: str) -> bool:
        """Whether an order that no plan keeps is cancelled here, as it cannot be asked about."""
        return str(order_id).isdecimal() and int(order_id) in self._unanswered.oids

    def cancel(self, trades: Iterable[Any], now_ms: int) -> None:
        """Cancel, once every pair has its plan or none; Freqtrade finds them cancelled and goes on."""
        unwanted = {}
        for oid, trade, order in _numbered(trades):
            if not self._desk.must_cancel(trade.pair, holding_of(trade), resting_order_of(order), now_ms):
                continue
            done, was_there = self._unwanted.get(oid, False), oid in self._unwanted
            if not done and (was_there or oid in self._unanswered.oids):
                done = self._send(oid, trade.pair)
            unwanted[oid] = done
        self._unwanted = unwanted

    def cancel_all(self, trades: Iterable[Any]) -> None:
        """Cancel what Freqtrade has left after `/stop`: no plan is made any more, and nothing may rest."""
        self._unwanted = {
            oid: self._unwanted.get(oid, False) or self._send(oid, trade.pair) for oid, trade, _ in _numbered(trades)
        }

    def _send(self, oid: int, pair: str) -> bool:
        """Send it, and return whether the order has ended by the exchange's word."""
        log.warning("cancelling order %d of %s, which Freqtrade does not cancel", oid, pair)
        try:
            self._client.cancel_order(str(oid), pair)
        except ccxt.OrderNotFound:
            return True
        except (ccxt.BaseError, FreqtradeException, MarketMakingError) as error:
            log.warning("order %d is not cancelled: %s", oid, error)
            return False
        return True


def _numbered(trades: Iterable[Any]) -> Iterator[tuple[int, Any, Any]]:
    """Every order that the books have open, with its number and trade."""
    for trade in trades:
        for order in trade.open_orders:
            if str(order.order_id).isdecimal():
                yield int(order.order_id), trade, order


def _is_answer(answer: Any) -> bool:
    """Whether it says how much of an order of some size is left; ccxt takes anything for an open order."""
    try:
        state = state_of(answer.get("order") if isinstance(answer, dict) else None)
    except MalformedMessage:
        return False
    return state.size > 0 or bool(state.words["order"].get("isPositionTpsl"))
