"""The account's state from a websocket: balance and positions, good for what has happened until then.

It is answered only when it is newer than everything known of the account's own orders, and was heard after it; and the
exchange itself is asked every half minute whatever is told.
"""

import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from market_making.market.clock import now_ms
from market_making.market.errors import MalformedMessage
from market_making.trading.freqtrade.edge.known_books import NEWEST_MS, OLDEST_MS, SILENCE_S

ASKED_EVERY_S = 30.0
_DOUBT_S = 2.0


class KnownAccount:
    """State of one account.

    Parameters
    ----------
    clock : Callable[[], float]
        Seconds that never go back.
    wall_ms : Callable[[], int]
        Unix time [ms].
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, wall_ms: Callable[[], int] = now_ms) -> None:
        self._clock = clock
        self._wall_ms = wall_ms
        self._told: tuple[dict[str, Any], int, float] | None = None
        self._asked_s = -ASKED_EVERY_S
        self._doubted_until_s = 0.0

    def take(self, state: Any) -> None:
        """Take a state as the exchange writes it.

        Raises
        ------
        MalformedMessage
            If something is missing, or it is older than the one before.
        """
        keys = {"marginSummary", "assetPositions", "time"}
        if not isinstance(state, dict) or not keys <= state.keys() or type(state["time"]) is not int:
            raise MalformedMessage(f"a state of the account must have {', '.join(sorted(keys))}, got {state!r:.100}")
        if self._told is not None and state["time"] < self._told[1]:
            raise MalformedMessage(f"a state of the account is {self._told[1] - state['time']} ms older than the last")
        self._told = state, state["time"], self._clock()

    def forget(self) -> None:
        """Messages were missed."""
        self._told = None

    def asked(self) -> None:
        """The exchange was asked."""
        self._asked_s = self._clock()

    def acted(self) -> None:
        """An action was sent that no message tells of, such as a change of leverage."""
        self._doubted_until_s = self._clock() + _DOUBT_S

    def answer(self, *, since_ms: int, since_s: float) -> dict[str, Any] | None:
        """The state, if it is of `since_ms` or later and was heard at `since_s` or later; else None: ask."""
        told, now_s = self._told, self._clock()  # the thread of the socket may forget it
        if told is None:
            return None
        state, time_ms, heard_s = told
        is_now = now_s - heard_s <= SILENCE_S and NEWEST_MS <= self._wall_ms() - time_ms <= OLDEST_MS
        is_after = time_ms >= since_ms and heard_s >= since_s and now_s >= self._doubted_until_s
        if not (is_now and is_after) or now_s - self._asked_s >= ASKED_EVERY_S:
            return None
        return deepcopy(state)
