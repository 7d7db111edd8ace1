"""The budget of the address: counted at the client, read from the exchange, and its refusals told apart.

Without it Freqtrade takes a refusal for want of actions for a failure of the exchange, and the whole bot sleeps 30 s.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import ccxt
from freqtrade.exceptions import FreqtradeException

from market_making.hyperliquid.address_limit import read_address_limit
from market_making.hyperliquid.weights import action_count
from market_making.market.clock import now_ms
from market_making.market.errors import MarketMakingError
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.freqtrade.edge.door import Forward, Request
from market_making.trading.freqtrade.edge.pace import ADDRESS_LIMIT

log = logging.getLogger(__name__)

_PERIOD_S, _PERIOD_NEAR_S, _RETRY_S = 300.0, 60.0, 10.0
_NEAR = 1_500.0  # actions left; below, the limit is read more often


class AddressBudget:
    """Step of the client that keeps an `ActionGovernor` informed.

    Parameters
    ----------
    client : ccxt.hyperliquid
        Asked for the limit.
    governor : ActionGovernor
        Told what was sent and what is left.
    clock : Callable[[], float]
        Seconds that never go back.
    """

    def __init__(self, client: Any, governor: ActionGovernor, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._governor = governor
        self._clock = clock
        self._due_s = clock()

    def step(self, request: Request, forward: Forward) -> Any:
        """Count an action.

        Raises
        ------
        ccxt.InvalidOrder
            If the address has no action left for an order, or would certainly be told so: the next loop tries again.
        """
        if not request.is_action:
            return forward(request)
        if opens(request) and not self._governor.may_open(now_ms()):
            raise ccxt.InvalidOrder(f"{request.kind} was not sent: the address has sent more than its limit")
        try:
            answer = forward(request)
        except ccxt.RateLimitExceeded as error:
            if ADDRESS_LIMIT not in str(error):
                raise
            log.warning("the exchange refuses %s: %s", request.kind, error)
            self._governor.refused(now_ms())
            self._due_s = min(self._due_s, self._clock() + _RETRY_S)
            raise ccxt.InvalidOrder(str(error)) from error
        finally:
            self._governor.sent(action_count(request.body), now_ms())
        return answer

    def refresh(self) -> None:
        """Read the limit when it is time to; without an answer what was counted holds."""
        if self._clock() < self._due_s:
            return
        address, _ = self._client.handle_public_address("userRateLimit", {})
        try:
            limit = read_address_limit(self._client.publicPostInfo({"type": "userRateLimit", "user": address}))
        except (MarketMakingError, FreqtradeException, ccxt.BaseError) as error:
            log.warning("the limit of the address cannot be read: %s", error)
            self._due_s = self._clock() + _RETRY_S
            return
        self._governor.read(limit, now_ms())
        self._due_s = self._clock() + (_PERIOD_NEAR_S if limit.left < _NEAR else _PERIOD_S)


def opens(request: Request) -> bool:
    """Whether an action opens or enlarges a position, or prepares that; what reduces one is always tried."""
    if request.kind == "order":
        orders = request.body.get("orders")
        return isinstance(orders, list) and not all(isinstance(order, dict) and order.get("r") for order in orders)
    return request.kind == "updateLeverage"
