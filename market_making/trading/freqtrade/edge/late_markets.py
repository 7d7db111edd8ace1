"""Listings do not hold up the bot: where their answer does not come at once, the old ones hold for another minute.

Freqtrade lists all markets anew once an hour, at the beginning of a loop and before anything that rests is looked at.
It waits 10 s for each answer, and where one fails it begins again in the next loop.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any

_AGAIN_S = 60.0
_ANSWER_S, _LONGEST_ANSWER_S = 1.0, 10.0


class LateMarkets:
    """Stands in the place of the exchange's ``reload_markets``.

    The first try of an hour has a second, and each of the minutes after it twice as long as the one before: a listing
    of many dexes may take its time. Who forces a listing waits for it.

    Parameters
    ----------
    exchange : freqtrade.exchange.Hyperliquid
        Whose methods are replaced.
    clock : Callable[[], float]
        Seconds that never go back.
    """

    def __init__(self, exchange: Any, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stock, self._ask = exchange.reload_markets, exchange._api_reload_markets
        self._again_s = -math.inf
        self._patience_s, self._is_forced = _ANSWER_S, False
        exchange.reload_markets, exchange._api_reload_markets = self.reload, self._asked

    def reload(self, force: bool = False, **more: Any) -> None:
        """List the markets anew if that is due; Freqtrade logs what fails."""
        if not force and self._clock() < self._again_s:
            return
        self._is_forced = force
        self._stock(force, **more)
        has_failed = self._patience_s > _ANSWER_S
        self._again_s = self._clock() + _AGAIN_S if has_failed else -math.inf

    async def _asked(self, *, reload: bool = False) -> None:
        patience_s = self._patience_s
        self._patience_s = min(2 * patience_s, _LONGEST_ANSWER_S)  # until it is answered
        async with asyncio.timeout(None if self._is_forced else patience_s):
            await self._ask(reload=reload)
        self._patience_s = _ANSWER_S
