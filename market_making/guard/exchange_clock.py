"""The exchange's time as this program reckons it, whatever somebody does to the clock of this machine.

A guard whose clock is wrong must not disturb a bot. Parameters that are stale by one clock only are not stale, a cancel
that the exchange is to carry out later is dated by the exchange's clock, and a nonce far ahead of the bot's would make
the exchange refuse every later one of a bot that signs with the same key.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

import aiohttp

from market_making.guard.watch import Alarm
from market_making.hyperliquid.information import CLOCK_QUESTIONS, clock_offset_ms
from market_making.hyperliquid.weights import question_weight
from market_making.market.clock import now_ms
from market_making.market.errors import MalformedMessage

WRONG_MS = 2000.0
MEASURED_S, MEASURED_AGAIN_S = 300.0, 5.0
FIRST_S = 2.0

log = logging.getLogger(__name__)


class ExchangeClock:
    """Two clocks, of which either may be wrong: the exchange's, once it is measured, and this machine's.

    Parameters
    ----------
    spend : Callable[[int], None]
        Takes note of the weight of its questions.
    """

    def __init__(self, spend: Callable[[int], None] = lambda _: None) -> None:
        self._spend = spend
        self._base_ms: float | None = None  # exchange's time when time.monotonic() was 0

    def exchange_ms(self) -> int | None:
        """Time of the exchange [ms]; None until it was measured. It goes on by a clock that nobody sets."""
        return None if self._base_ms is None else round(self._base_ms + time.monotonic() * 1e3)

    def earliest_ms(self) -> int:
        """Time of the clock that is behind [ms]: what is past by it is past by both."""
        exchange_ms, own_ms = self.exchange_ms(), now_ms()
        return own_ms if exchange_ms is None else min(own_ms, exchange_ms)

    def latest_ms(self) -> int:
        """Time of the clock that is ahead [ms]."""
        exchange_ms, own_ms = self.exchange_ms(), now_ms()
        return own_ms if exchange_ms is None else max(own_ms, exchange_ms)

    def alarms(self) -> Iterator[Alarm]:
        """Say that the two disagree."""
        exchange_ms = self.exchange_ms()
        ahead_ms = 0 if exchange_ms is None else now_ms() - exchange_ms
        if abs(ahead_ms) > WRONG_MS:
            how = "ahead of" if ahead_ms > 0 else "behind"
            yield Alarm("clock_wrong", f"this machine's clock is {abs(ahead_ms) / 1e3:.0f} s {how} the exchange's")

    async def measure(self, session: aiohttp.ClientSession, url: str) -> bool:
        """Ask the exchange once; tell whether it has answered."""
        try:
            offset_ms = await clock_offset_ms(session, url)
        except (aiohttp.ClientError, OSError, TimeoutError, MalformedMessage) as error:
            log.debug("the exchange's clock is not known: %s", error)
            return False
        finally:
            self._spend(CLOCK_QUESTIONS * question_weight("exchangeStatus"))
        self._base_ms = time.time() * 1e3 + offset_ms - time.monotonic() * 1e3
        return True

    async def measure_first(self, session: aiohttp.ClientSession, url: str) -> None:
        """Ask once before anything else, but not for long."""
        try:
            async with asyncio.timeout(FIRST_S):
                await self.measure(session, url)
        except TimeoutError:
            log.warning("the exchange did not tell its time within %.0f s", FIRST_S)

    async def run(self, session: aiohttp.ClientSession, url: str) -> None:
        """Measure again and again until cancelled."""
        while True:
            await asyncio.sleep(MEASURED_AGAIN_S if self._base_ms is None else MEASURED_S)
            await self.measure(session, url)
