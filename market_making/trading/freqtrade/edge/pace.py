"""The pace of requests: the exchange's true weights, one bucket for all bots of a machine, and less after a refusal.

It takes the place of ccxt's own limiter, which waits 50 ms for each unit of its own, too low costs before every single
request, lets no burst through, and answers a refusal (HTTP 429) with four more requests.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

import ccxt
from freqtrade.exceptions import FreqtradeException

from market_making.hyperliquid.shared_bucket import SharedBucket
from market_making.hyperliquid.weights import action_weight, answer_weight, question_weight
from market_making.market.errors import SafetyError
from market_making.market.reasons import Reason
from market_making.trading.freqtrade.edge.door import Forward, ForwardLater, Request
from market_making.trading.freqtrade.edge.loop import Loop

log = logging.getLogger(__name__)

# Tokens that a request must leave to those above it: actions first, then what a cancellation stands on.
_ORDER_FLOOR, _NEEDED_FLOOR, _OTHER_FLOOR = 10.0, 30.0, 60.0
_LONGEST_WAIT_S, _LONGEST_WAIT_OF_ACTION_S = 4.0, 10.0
_SHORTEST_PAUSE_S = 0.002
_NEEDED = frozenset(("l2Book", "userFillsByTime"))
_CANDLES = "candleSnapshot"
_HELD = frozenset(("clearinghouseState", "spotClearinghouseState"))
# Lists of the account: without them nobody learns what a process that was killed, or a lost answer, has left.
_LISTS = frozenset(("frontendOpenOrders", "historicalOrders", "userFillsByTime"))
# What may be owed: a cancellation must not wait for what lists have taken, nor must the status that it stands on.
_DEBT_OF_HELD, _DEBT_OF_LISTS = 120.0, 80.0
# What Freqtrade asks before there is a strategy: listings (twice), the account's kind, the clock.
START_WEIGHT = 120.0
ADDRESS_LIMIT = "Too many cumulative requests"


class Meter:
    """Weight asked for by this program in the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: deque[tuple[float, float]] = deque()
        self._mutex = Lock()

    def add(self, weight: float) -> None:
        """Note weight asked for now."""
        with self._mutex:
            self._asked.append((self._clock(), weight))
            self._drop()

    @property
    def per_minute(self) -> float:
        """Its sum."""
        with self._mutex:
            self._drop()
            return sum(weight for _, weight in self._asked)

    def _drop(self) -> None:
        oldest = self._clock() - 60.0
        while self._asked and self._asked[0][0] < oldest:
            self._asked.popleft()


class Pace:
    """Step that lets a request wait for its turn.

    Parameters
    ----------
    bucket : SharedBucket
        Shared by all bots of the machine.
    loop : Loop
        Says whether a question is the bot's own, which is left out first.
    """

    def __init__(self, bucket: SharedBucket, loop: Loop) -> None:
        self.meter = Meter()
        self._bucket = bucket
        self._loop = loop
        self._rows: dict[str, int] = {}

    def step(self, request: Request, forward: Forward) -> Any:
        """Wait, ask, and count what the answer weighs.

        Raises
        ------
        ccxt.RateLimitExceeded
            If its turn would not come soon; it was not asked.
        SafetyError
            If a question of the bot's own plan is left out.
        FreqtradeException
            If it was asked and not answered; Freqtrade does not ask again.
        """
        is_own = self._loop.is_planning and not request.is_action
        until_s = time.monotonic() + _patience_s(request)
        while pause_s := self._turn(request, until_s, is_own=is_own):
            time.sleep(pause_s)
        try:
            answer = forward(request)
        except ccxt.NetworkError as error:
            self._failed(error)
            if is_own:  # Freqtrade would ask four more times, while an order rests
                raise FreqtradeException(f"{request.kind} was not answered: {error}") from error
            raise
        self._answered(request, answer)
        return answer

    async def step_later(self, request: Request, forward: ForwardLater) -> Any:
        """The same for an asynchronous client, which Freqtrade asks for candles."""
        until_s = time.monotonic() + _patience_s(request)
        while pause_s := self._turn(request, until_s, is_own=False):
            await asyncio.sleep(pause_s)
        try:
            answer = await forward(request)
        except ccxt.NetworkError as error:
            self._failed(error)
            raise
        self._answered(request, answer)
        return answer

    def has_room(self, weight: float) -> bool:
        """Whether a question that nobody needs now could be asked without a wait."""
        return self._bucket.tokens >= weight + _OTHER_FLOOR

    def started(self) -> None:
        """Count what was asked before this was installed."""
        self._bucket.charge(START_WEIGHT)
        self.meter.add(START_WEIGHT)

    def _turn(self, request: Request, until_s: float, *, is_own: bool) -> float:
        """Take the weight of a request, or say how long to wait [s]."""
        if is_own and self._bucket.is_slow:
            raise SafetyError(f"the exchange asks for fewer requests: no {request.kind}", reason=Reason.EXCHANGE_ERROR)
        weight = self._expected(request)
        wait_s = self._bucket.take(weight, floor=_floor(request, is_own=is_own), debt=_debt(request, is_own=is_own))
        if wait_s == 0:
            self.meter.add(weight)
            return 0.0
        if time.monotonic() + wait_s > until_s:
            text = f"{request.kind} would have to wait {wait_s:.1f} s for the limit of requests"
            if is_own:
                raise SafetyError(text, reason=Reason.EXCHANGE_ERROR)
            raise ccxt.RateLimitExceeded(text)
        return max(wait_s, _SHORTEST_PAUSE_S)

    def _expected(self, request: Request) -> float:
        """Weight of a request, with as many rows as the last answer of its kind had."""
        if request.is_action:
            return action_weight(request.body)
        return question_weight(request.kind) + self._rows.get(request.kind, 0)

    def _answered(self, request: Request, answer: Any) -> None:
        if request.is_action:
            return
        expected, rows = self._rows.get(request.kind, 0), answer_weight(request.kind, answer)
        if rows != expected:
            self._bucket.charge(rows - expected)
            self.meter.add(rows - expected)
            self._rows[request.kind] = rows

    def _failed(self, error: Exception) -> None:
        """Ask for less from now on if the exchange refuses because of the number of requests."""
        if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection) and ADDRESS_LIMIT not in str(error):
            log.warning("the exchange asks for fewer requests: %s", error)
            self._bucket.refused()


def _floor(request: Request, *, is_own: bool) -> float:
    """Tokens to leave to requests that matter more."""
    if request.is_action:
        return 0.0
    if request.kind == "orderStatus" or (request.kind in _HELD and not is_own):
        return _ORDER_FLOOR
    is_needed = request.kind in _NEEDED or (not request.may_wait and request.kind != _CANDLES)
    return _OTHER_FLOOR if is_own or not is_needed else _NEEDED_FLOOR


def _debt(request: Request, *, is_own: bool) -> float:
    """Tokens that may be owed for what cannot wait."""
    if request.is_action:
        return math.inf
    if request.kind == "orderStatus" or (request.kind in _HELD and not is_own):
        return _DEBT_OF_HELD
    return _DEBT_OF_LISTS if request.kind in _LISTS and not is_own else 0.0


def _patience_s(request: Request) -> float:
    if not request.may_wait:
        return 0.0
    return _LONGEST_WAIT_OF_ACTION_S if request.is_action else _LONGEST_WAIT_S
