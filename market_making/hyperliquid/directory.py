"""What a running program must keep knowing of the exchange: which coins may be subscribed to, and what time it is."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Set
from typing import TypeVar

import aiohttp

from market_making.hyperliquid import information
from market_making.hyperliquid.listings import not_listed, require_listed
from market_making.market.errors import MalformedMessage
from market_making.market.identity import Market, Markets
from market_making.market.selection import Selection

FRESH_S = 20.0
CLOCK_PERIOD_S = 300.0
LARGE_OFFSET_MS = 250.0
LONGEST_DELAY_S = 10.0

T = TypeVar("T")

log = logging.getLogger(__name__)


class Directory:
    """Listings and clock of the exchange at `url`, asked for again when they have aged."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.clock_offset_ms: float | None = None
        self.missing: tuple[str, ...] = ()
        """What was asked for and is not listed."""
        self._session = session
        self._url = url
        self._markets = Markets(())
        self._tradable: Set[str] = frozenset()
        self._asked = float("-inf")

    async def require(self, selection: Selection) -> tuple[Market, ...]:
        """The markets selected; waits for an exchange that does not answer.

        What a selection that is not strict names in vain is told and left out, and keeps no other from being recorded.

        Raises
        ------
        UnknownCoin
            If nothing of it is listed; of a strict one, if one thing is not.
        """
        markets = await self._insist(lambda: information.markets(self._session, self._url))
        self._note(markets)
        self._asked = time.monotonic()
        chosen = require_listed(selection, markets)
        self.missing = selection.choose(market.names for market in markets if market.is_tradable).missing
        if self.missing:
            log.error("left out: %s", not_listed(self.missing, markets))
        return chosen

    async def volumes(self) -> dict[str, float]:
        """Value traded within a day by name on the wire; waits for an exchange that does not answer."""
        return await self._insist(lambda: information.volumes(self._session, self._url, self._markets))

    async def tradable(self) -> Set[str]:
        """Coins that may be subscribed to, by their names on the wire, as of the last answer."""
        if time.monotonic() - self._asked > FRESH_S:
            self._asked = time.monotonic()
            try:
                self._note(await information.markets(self._session, self._url))
            except (aiohttp.ClientError, OSError, TimeoutError, MalformedMessage) as error:
                log.warning("no fresh listings from %s (%s), the last known are used", self._url, error)
        return self._tradable

    async def watch_clock(self) -> None:
        """Measure the clock now and then, until cancelled."""
        while True:
            offset_ms = await self._insist(lambda: information.clock_offset_ms(self._session, self._url))
            level = logging.WARNING if abs(offset_ms) > LARGE_OFFSET_MS else logging.INFO
            log.log(level, "the exchange's clock is %+.0f ms ahead of this machine's", offset_ms)
            self.clock_offset_ms = offset_ms
            await asyncio.sleep(CLOCK_PERIOD_S)

    def exchange_ms(self, local_ms: int) -> int:
        """Exchange time at a local time; the same while the clock has not been measured."""
        return local_ms + round(self.clock_offset_ms or 0.0)

    def _note(self, markets: Markets) -> None:
        self._markets = markets
        self._tradable = {market.wire for market in markets if market.is_tradable}

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer."""
        delay = 0.5
        while True:
            try:
                return await ask()
            except (aiohttp.ClientError, OSError, TimeoutError, MalformedMessage) as error:
                log.warning("%s does not answer (%s: %s); asking again", self._url, type(error).__name__, error)
            await asyncio.sleep(random.uniform(delay / 2, delay))  # noqa: S311 - spreads retries, no secret
            delay = min(2 * delay, LONGEST_DELAY_S)
