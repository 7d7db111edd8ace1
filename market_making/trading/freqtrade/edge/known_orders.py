"""What a websocket has reported of the account's own orders, and whether it may be believed.

An answer of the exchange about an order is good until the socket brings news of that order. News are merged so that
late, doubled and reordered messages change nothing: an end is final, and what is left of an order only shrinks. Fills
count only when they add up to what the order's own state says is filled.

The socket is tested by what the bot knows anyway: every order it places, every cancellation it sends and everything it
is told by an answer must come by the socket within a second. Every order is asked about again every 15 s, the list of
open orders every minute.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from threading import RLock
from typing import Any, NamedTuple

from market_making.market.errors import MalformedMessage
from market_making.market.sides import Side
from market_making.trading.freqtrade.edge.order_words import State, items_of, oid_of, size_of, state_of

VERIFIED_FOR_S = 15.0
LISTED_FOR_S = 60.0
PATIENCE_S = 1.0
_MOST_ORDERS = 500


class OpenOrder(NamedTuple):
    """An own order that rests: price [price]; size left and filled [coins]; when it was placed [ms]."""

    oid: int
    coin: str
    side: Side
    price: float
    size: float
    filled: float
    placed_ms: int


@dataclass
class _Known:
    """All that is known of one order; `answer` is the exchange's whole answer about it."""

    answer: dict[str, Any] | None = None
    asked_s: float = 0.0
    state: State | None = None
    told_s: float = 0.0
    is_own: bool = False
    was_acted_on: bool = False
    fills: dict[Any, dict[str, Any]] = field(default_factory=dict)

    @property
    def is_moving(self) -> bool:
        """Whether a cancellation of it is under way."""
        return self.was_acted_on and (self.state is None or not self.state.has_ended)

    @property
    def filled(self) -> Decimal:
        """Sum of the fills that were told."""
        return sum((Decimal(str(fill["sz"])) for fill in self.fills.values()), Decimal(0))


class KnownOrders:
    """Orders of one account.

    Parameters
    ----------
    clock : Callable[[], float]
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_ready = False
        """Whether every message since the connection began has arrived, as far as is known."""
        self._clock = clock
        self._mutex = RLock()
        self._orders: dict[int, _Known] = {}
        self._expected: dict[int, tuple[float, bool]] = {}
        self._latest_ms, self._latest_s = 0, 0.0
        self._lists: dict[bytes, tuple[list[dict[str, Any]], float]] = {}

    def ready(self) -> None:
        """From now on every message arrives."""
        with self._mutex:
            self.is_ready = True

    def forget(self) -> None:
        """Messages are missed: whatever is known may have changed."""
        with self._mutex:
            self.is_ready = False
            own = {oid: _Known(is_own=True) for oid, known in self._orders.items() if known.is_own}
            self._orders = own
            self._expected.clear()
            self._lists.clear()

    def take_updates(self, data: Any) -> bool:
        """Take the body of an ``orderUpdates`` message; return whether an own order has changed.

        Raises
        ------
        MalformedMessage
            If something is missing.
        """
        states = [(oid_of(item), state_of(item)) for item in items_of(data)]
        with self._mutex:
            changed = [self._told(oid, state) for oid, state in states]
        return any(changed)

    def take_fills(self, fills: Any) -> bool:
        """Take the fills of a ``userFills`` message; return whether one of them is new. Errors as in `take_updates`."""
        is_new = False
        with self._mutex:
            for fill in items_of(fills):
                known = self._known(oid_of({"order": fill}))
                number, _ = fill.get("tid"), size_of(fill.get("sz"))
                is_new |= number not in known.fills
                known.fills[number] = fill
                self._happened(fill.get("time"))
        return is_new

    def placed(self, oid: int, *, ended: bool = False) -> None:
        """The exchange has answered that an order of ours rests, or has been filled at once."""
        with self._mutex:
            known = self._known(oid)
            known.is_own = True
            if known.state is None or (ended and not known.state.has_ended):
                self._expect(oid, ended=ended)

    def acting_on(self, oids: Iterable[int]) -> None:
        """A cancellation is about to be sent: only the order's end is known from now on."""
        with self._mutex:
            for oid in oids:
                self._known(oid).was_acted_on = True

    def cancelled(self, oid: int) -> None:
        """The exchange has answered that an order is cancelled."""
        with self._mutex:
            known = self._known(oid)
            if known.state is None or not known.state.has_ended:
                self._expect(oid, ended=True)

    def asked(self, oid: int, answer: Any, asked_s: float) -> None:
        """Take the exchange's answer to a question about an order that was asked at `asked_s`."""
        body = answer.get("order") if isinstance(answer, dict) else None
        try:
            state = state_of(body)
        except MalformedMessage:
            return
        with self._mutex:
            known = self._known(oid)
            known.is_own = True
            if known.state is not None and state.is_news_to(known.state):
                self._expect(oid, ended=state.has_ended)  # the socket must say so, too
            elif known.state is not None and known.state.is_news_to(state) and asked_s > known.told_s + PATIENCE_S:
                self._expected[oid] = (self._clock() - 1.0, True)  # the socket has told what is not so
                return
            known.answer, known.asked_s, known.was_acted_on = deepcopy(answer), asked_s, False
            if known.state is None or state.is_news_to(known.state):
                known.state = state

    def settled(self) -> tuple[int, float] | None:
        """When the exchange last did anything to the account [ms], and when that was heard [s].

        None while the end of something that the bot has sent has not been told.
        """
        with self._mutex:
            if not self.is_believed() or self._expected or any(each.is_moving for each in self._orders.values()):
                return None
            return self._latest_ms, self._latest_s

    def listed(self, question: bytes, answer: Any, asked_s: float) -> None:
        """Take the exchange's list of open orders, by the question that asked for it."""
        if not isinstance(answer, list) or not all(isinstance(order, dict) for order in answer):
            return
        with self._mutex:
            self._lists[question] = (deepcopy(answer), asked_s)

    def listing(self, question: bytes) -> list[dict[str, Any]] | None:
        """The list of open orders of now: the exchange's last with the news since; None where it must be asked."""
        with self._mutex:
            answer, asked_s = self._lists.get(question, ([], 0.0))
            if not asked_s or self._clock() - asked_s > LISTED_FOR_S or not self.is_believed():
                return None
            states = {oid: known.state for oid, known in self._orders.items() if known.state is not None}
            cancelled = {oid for oid, (_, ended) in self._expected.items() if ended}
            listed = {order.get("oid"): order for order in answer}
            new = {
                oid: state.words["order"]
                for oid, state in states.items()
                if oid not in listed and self._orders[oid].told_s >= asked_s
            }
            current = [
                order | ({"sz": states[oid].words["order"]["sz"]} if oid in states else {})
                for oid, order in (new | listed).items()
                if oid not in cancelled and (oid not in states or not states[oid].has_ended)
            ]
            return deepcopy(current)

    def is_believed(self) -> bool:
        """Whether everything that had to come by the socket has come in time."""
        now_s = self._clock()
        with self._mutex:
            return self.is_ready and all(deadline_s >= now_s for deadline_s, _ in self._expected.values())

    def answer(self, oid: int) -> dict[str, Any] | None:
        """The answer to a question about an order; None where the exchange must be asked."""
        with self._mutex:
            known = self._orders.get(oid)
            if known is None or known.answer is None or known.state is None or not self.is_believed():
                return None
            state = known.state
            if not state.has_ended and (known.was_acted_on or self._clock() - known.asked_s > VERIFIED_FOR_S):
                return None
            if known.filled > state.size - state.left:
                return None  # a fill that the order's state does not know yet
            answer = deepcopy(known.answer)
            answer["order"] |= {key: state.words[key] for key in ("status", "statusTimestamp")}
            answer["order"]["order"] |= {"sz": state.words["order"]["sz"]}
            return answer

    def ended_ms(self, oid: int) -> int | None:
        """When the exchange ended an order [ms]; None while it rests, or where nothing has told."""
        with self._mutex:
            known = self._orders.get(oid)
            if known is None or known.state is None or not known.state.has_ended:
                return None
            time_ms = known.state.words["statusTimestamp"]
            return time_ms if type(time_ms) is int else None

    def fills(self, oid: int) -> list[dict[str, Any]] | None:
        """All fills of an order that has some, by time; None unless they add up to what its state says."""
        with self._mutex:
            known = self._orders.get(oid)
            if known is None or known.state is None or not known.fills or not self.is_believed():
                return None
            if known.filled != known.state.size - known.state.left:
                return None
            return sorted((dict(fill) for fill in known.fills.values()), key=lambda fill: fill.get("time", 0))

    def open_orders(self) -> Iterator[OpenOrder]:
        """Own orders that rest as far as is known, none while the socket is not believed."""
        with self._mutex:
            known = list(self._orders.items()) if self.is_believed() else []
        for oid, each in known:
            if each.is_own and each.state is not None and not each.state.has_ended and not each.was_acted_on:
                words = each.state.words["order"]
                side = Side.BID if words.get("side") == "B" else Side.ASK
                left, placed_ms = each.state.left, words.get("timestamp", 0)
                filled, placed_ms = float(each.state.size - left), placed_ms if type(placed_ms) is int else 0
                yield OpenOrder(oid, str(words["coin"]), side, float(words["limitPx"]), float(left), filled, placed_ms)

    def _told(self, oid: int, state: State) -> bool:
        """Merge news; return whether an own order has ended or was filled."""
        known = self._known(oid)
        self._happened(state.words["statusTimestamp"])
        _, ended = self._expected.get(oid, (0.0, False))
        if state.has_ended or not ended:
            self._expected.pop(oid, None)
        if not state.is_news_to(known.state):
            return False
        is_change = known.state is not None or state.has_ended or state.left < state.size
        known.state, known.told_s = state, self._clock()
        return is_change

    def _happened(self, time_ms: Any) -> None:
        self._latest_ms = max(self._latest_ms, time_ms if type(time_ms) is int else 0)
        self._latest_s = self._clock()

    def _expect(self, oid: int, *, ended: bool) -> None:
        if not self.is_ready:
            return
        deadline_s, expects_end = self._expected.get(oid, (self._clock() + PATIENCE_S, False))
        self._expected[oid] = (deadline_s, ended or expects_end)

    def _known(self, oid: int) -> _Known:
        if oid not in self._orders:
            while len(self._orders) >= _MOST_ORDERS:
                del self._orders[next(iter(self._orders))]
            self._orders[oid] = _Known()
        return self._orders[oid]
