"""Candles do not hold up the bot: where they would have to wait, they come with a later loop.

Freqtrade's loop stands still while it asks for candles, and what rests is not looked at meanwhile. Quotes hardly depend
on the last candle, and Freqtrade asks again in a later loop until it has it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import ccxt

from market_making.trading.freqtrade.edge.door import ForwardLater, Request

log = logging.getLogger(__name__)

_LATEST_S = 60.0
_ANSWER_S = 1.0
_NEEDED_ANSWER_S = 4.0


class LateCandles:
    """Step of an asynchronous client.

    A minute after candles were first left out they are waited for again, once: else they would never come beside a bot
    that asks for all the weight there is. The first ones of a market are needed: without any, Freqtrade places nothing.

    Parameters
    ----------
    clock : Callable[[], float]
        Seconds that never go back.
    interval : str
        Of the candles that Freqtrade's loop refreshes; others are asked for as it does.
    """

    def __init__(self, clock: Callable[[], float], interval: str) -> None:
        self._clock = clock
        self._interval = interval
        self._late_since_s: dict[str, float | None] = {}

    async def step_later(self, request: Request, forward: ForwardLater) -> Any:
        """Ask; no rows where candles come later.

        Raises
        ------
        ccxt.NetworkError
            If candles that are needed, or anything else, were not answered.
        """
        wanted = request.body.get("req", {}) if request.kind == "candleSnapshot" else {}
        if wanted.get("interval") != self._interval:
            return await forward(request)
        market = str(wanted.get("coin"))
        if market not in self._late_since_s:
            answer = await forward(request)
        else:
            try:
                answer = await self._ask(request, forward, market)
            except (TimeoutError, ccxt.NetworkError) as error:
                log.debug("candles of %s come later: %s", market, str(error) or "no answer")
                return []
        self._late_since_s[market] = None
        return answer

    async def _ask(self, request: Request, forward: ForwardLater, market: str) -> Any:
        now_s, since_s = self._clock(), self._late_since_s[market]
        must_wait = since_s is not None and now_s - since_s >= _LATEST_S
        if since_s is None or must_wait:
            self._late_since_s[market] = now_s  # until it is answered
        async with asyncio.timeout(_NEEDED_ANSWER_S if must_wait else _ANSWER_S):
            return await forward(request._replace(may_wait=must_wait))
