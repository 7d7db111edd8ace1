"""A key that the exchange refuses: nothing that opens is sent for a while, as every try is refused and counted."""

import logging
import time
from collections.abc import Callable
from typing import Any

import ccxt

from market_making.trading.freqtrade.edge.address_budget import opens
from market_making.trading.freqtrade.edge.door import Forward, Request

log = logging.getLogger(__name__)

_AGAIN_S = 10.0
_WORDS = ("User or API Wallet", "Must deposit before performing actions")


class RefusedKey:
    """Step of the client; what reduces a position or cancels is always tried.

    Parameters
    ----------
    clock : Callable[[], float]
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused_s: float | None = None
        self._words = ""

    def step(self, request: Request, forward: Forward) -> Any:
        """Send.

        Raises
        ------
        ccxt.InvalidOrder
            If the key was refused a moment ago, with the exchange's words.
        """
        if not request.is_action:
            return forward(request)
        if opens(request) and self._refused_s is not None and self._clock() - self._refused_s < _AGAIN_S:
            raise ccxt.InvalidOrder(f"{request.kind} was not sent, the key was refused: {self._words}")
        try:
            answer = forward(request)
        except ccxt.BaseError as error:
            if any(words in str(error) for words in _WORDS):
                self._refused_s, self._words = self._clock(), str(error)
                log.error("the exchange refuses the key: %s", error)
            raise
        self._refused_s = None
        return answer
