"""What a running program must keep knowing of the exchange: which coins may be subscribed to, and what time it is."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence, Set
from typing import TypeVar

import aiohttp

from market_making.hyperliquid import information
from market_making.hyperliquid.listings import require_listed
from market_making.market.errors import MalformedMessage
from market_making.market.instrument import Listing

FRESH_S = 60.0
CLOCK_PERIOD_S = 300.0
LARGE_OFFSET_MS = 250.0
LONGEST_DELAY_S = 10.0

T = TypeVar("T")

log = logging.getLogger(__name__)


class Directory:
    """Listings and clock of the exchange at `url`, asked for again when they have aged."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.clock_offset_ms: float | None = None
        self._session = session
        self._url = url
        self._tradable: Set[str] = frozenset()
        self._asked = float("-inf")

    async def require(self, coins: Sequence[str] | None) -> list[str]:
        """The coins asked for, or all that are tradable; waits for an exchange that does not answer.

        Raises
        ------
        UnknownCoin
            If one of the coins is not listed.
        """
        listings = await self._insist(lambda: information.listings(self._session, self._url))
        self._note(listings)
        self._asked = time.monotonic()
        if coins is None:
            return sorted(self._tradable)
        require_listed(coins, listings)
        return list(dict.fromkeys(coins))

    async def tradable(self) -> Set[str]:
        """Coins that may be subscribed to, as of the last answer."""
        if time.monotonic() - self._asked > FRESH_S:
            self._asked = time.monotonic()
            try:
                self._note(await information.listings(self._session, self._url))
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

    def _note(self, listings: Sequence[Listing]) -> None:
        self._tradable = {listing.coin for listing in listings if not listing.delisted}

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
