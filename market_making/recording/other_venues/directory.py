"""Markets and clock of a venue, and clients that know the markets already."""

import asyncio
import difflib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

import aiohttp
import ccxt

from market_making.market.clock import now_ms
from market_making.market.errors import UnknownCoin
from market_making.recording.other_venues.quirks import Market, VenueQuirks

CLOCK_PERIOD_S = 300.0
CLOCK_QUESTIONS = 3
LARGE_OFFSET_MS = 250.0
LONGEST_DELAY_S = 30.0
CLOSE_S = 2.0
SHOWN_MATCHES = 5

# What a venue, the network between, or a message ccxt did not expect can do to a call.
FAILURES = (ccxt.BaseError, aiohttp.ClientError, OSError, LookupError, TypeError, ValueError, AttributeError)

T = TypeVar("T")
Connect = Callable[[], Any]

log = logging.getLogger(__name__)


class VenueDirectory:
    """What is asked of a venue by REST.

    Parameters
    ----------
    venue : VenueQuirks
        The venue.
    connect : callable
        Makes a ccxt client of the venue's websocket layer.
    """

    def __init__(self, venue: VenueQuirks, connect: Connect) -> None:
        self.clock_offset_ms: float | None = None
        self._venue = venue
        self._connect = connect
        self._client = connect()

    async def markets_of(self, names: Sequence[str], quote: str | None, *, strict: bool = True) -> dict[str, Market]:
        """The market of each coin or pair, by its coin; waits for a venue that does not answer.

        Where not `strict`, a name that is not listed is told and keeps no other from being recorded.

        Raises
        ------
        UnknownCoin
            If the venue has no such market, or none of them; the message names what is near.
        """
        await self._insist(self._client.load_markets)
        quote = quote or self._venue.quote
        listed: dict[str, Market] = {}
        for market in self._client.markets.values():
            if self._is_meant(market, quote):
                listed.setdefault(market["base"], market)
        active = {pair: market for pair, market in self._client.markets.items() if market.get("active") is not False}
        known = active | listed
        unknown = [name for name in names if name not in known]
        if unknown:
            kind = "spot markets" if self._venue.spot else "linear perpetuals"
            seen = f"{self._venue.name} lists {len(listed)} {kind} against {quote}"
            near = "; ".join(f"{name} not listed, near it: {_near(name, listed)}" for name in unknown)
            if strict or len(unknown) == len(names):
                raise UnknownCoin(f"{near}. {seen}")
            log.error("left out: %s. %s", near, seen)
        return {known[name]["base"]: known[name] for name in names if name in known}

    def client(self) -> Any:
        """A new client; the markets are not asked for again."""
        client = self._connect()
        client.set_markets_from_exchange(self._client)
        return client

    async def watch_clock(self) -> None:
        """Measure the clock now and then, until cancelled."""
        while True:
            offset_ms = self.clock_offset_ms = await self._insist(self._measure_clock)
            level = logging.WARNING if abs(offset_ms) > LARGE_OFFSET_MS else logging.INFO
            log.log(level, "the clock of %s is %+.0f ms ahead of this machine's", self._venue.name, offset_ms)
            await asyncio.sleep(CLOCK_PERIOD_S)

    async def measure_clock(self) -> None:
        """Measure the clock once; without an answer it stays as it is."""
        try:
            self.clock_offset_ms = await self._measure_clock()
        except FAILURES as error:
            log.warning("the clock of %s is not known yet: %s", self._venue.name, error)

    def exchange_ms(self, local_ms: int) -> int:
        """The venue's time at a local time; the same while its clock has not been measured."""
        return local_ms + round(self.clock_offset_ms or 0.0)

    async def close(self) -> None:
        """End all connections."""
        await close(self._client)

    def _is_meant(self, market: Market, quote: str) -> bool:
        if market["quote"] != quote or market.get("active") is False:
            return False
        return bool(market["spot"]) if self._venue.spot else bool(market["swap"] and market["linear"])

    async def _measure_clock(self) -> float:
        """Offset of the shortest of some round trips [ms]."""
        # ccxt would let a question wait for its turn, and half of the wait would be taken for distance.
        self._client.enableRateLimit = False
        measured: list[tuple[float, float]] = []
        for _ in range(CLOCK_QUESTIONS):
            before, asked_ms = time.monotonic(), now_ms()
            venue_ms = await self._venue.time_ms(self._client)
            trip_ms = (time.monotonic() - before) * 1e3
            measured.append((trip_ms, venue_ms - asked_ms - trip_ms / 2))
        return min(measured)[1]

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer."""
        delay = 0.5
        while True:
            try:
                return await ask()
            except FAILURES as error:
                log.warning("%s does not answer (%s: %s)", self._venue.name, type(error).__name__, error)
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY_S)


async def close(client: Any) -> None:
    """End the connections of a ccxt client; who is cancelled meanwhile leaves none of them open.

    A program that ends cancels what is slow to end again and again.
    """
    ending, is_cancelled = asyncio.create_task(_end(client)), False
    while not ending.done():
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            is_cancelled = True
    if is_cancelled:
        raise asyncio.CancelledError
    ending.result()


async def _end(client: Any) -> None:
    """End them also where the other end does not answer a polite goodbye."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await client.close()
    except TimeoutError:
        if client.session is not None:
            await client.session.close()
        await client.close()


def _near(coin: str, listed: Collection[str]) -> str:
    """Coins whose names contain this one or look like it."""
    wanted = coin.upper()
    containing = sorted((name for name in listed if wanted in name or name in wanted), key=len)
    alike = difflib.get_close_matches(wanted, list(listed), n=SHOWN_MATCHES)
    return ", ".join(list(dict.fromkeys([*alike, *containing]))[:SHOWN_MATCHES]) or "none"
