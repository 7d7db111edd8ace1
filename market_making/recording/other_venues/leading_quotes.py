"""Best quotes of a venue as they come, for somebody who acts on them: nothing is recorded."""

import asyncio
import logging
from collections.abc import Callable, Set
from typing import Any

from market_making.market.clock import now_ms
from market_making.market.errors import ConfigurationError, MalformedMessage, UnknownCoin
from market_making.market.events import BestQuote
from market_making.recording.other_venues.collector import client_of
from market_making.recording.other_venues.directory import FAILURES, Connect, VenueDirectory, close
from market_making.recording.other_venues.feed import Patience, TellingCache
from market_making.recording.other_venues.quirks import Market, Ticker, VenueQuirks
from market_making.recording.other_venues.structures import coins_per_unit, quote_of

LOOK_S = 1.0

log = logging.getLogger(__name__)


class LeadingQuotes:
    """Best quotes of the coins that somebody wants now, of those that the venue lists.

    Parameters
    ----------
    venue : VenueQuirks
        The venue.
    connect : callable, optional
        Makes a ccxt client of the venue's websocket layer.
    patience : Patience, optional
        How long a coin may be silent until its client is replaced.

    Raises
    ------
    ConfigurationError
        If the venue streams no best quotes.
    """

    def __init__(self, venue: VenueQuirks, connect: Connect | None = None, patience: Patience | None = None) -> None:
        if not venue.has_best_quotes:
            raise ConfigurationError(f"a leader must stream best quotes, {venue.name} does not")
        self.name = venue.name
        self._venue = venue
        self._connect = connect or (lambda: client_of(venue))
        self._patience = patience or Patience()

    async def run(self, coins: Callable[[], Set[str]], tell: Callable[[BestQuote], None]) -> None:
        """Tell every best quote until cancelled; a coin that is wanted later is added, an unknown one left out."""
        directory = VenueDirectory(self._venue, self._connect)
        known: set[str] = set()
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    for coin in sorted(coins() - known):
                        known.add(coin)
                        market = await self._market(directory, coin)
                        if market is not None:
                            tasks.create_task(self._follow(directory, coin, market, tell))
                    await asyncio.sleep(LOOK_S)
        finally:
            await directory.close()

    async def _market(self, directory: VenueDirectory, coin: str) -> Market | None:
        try:
            return (await directory.markets_of([coin], None))[coin]
        except UnknownCoin as error:
            log.warning("%s does not lead %s: %s", self.name, coin, error)
            return None

    async def _follow(
        self, directory: VenueDirectory, coin: str, market: Market, tell: Callable[[BestQuote], None]
    ) -> None:
        """One coin for ever, with a new client whenever the last one failed or fell silent."""
        unit, delay_s = coins_per_unit(market), self._patience.first_delay_s

        def take(ticker: Ticker) -> None:
            try:
                tell(quote_of(coin, ticker, self._venue.quote_ms(ticker) or now_ms(), unit))
            except MalformedMessage as error:
                log.warning("a best quote of %s of %s cannot be read: %s", coin, self.name, error)

        while True:
            client = directory.client()
            client.bidsasks = TellingCache(take)
            try:
                await self._watch(client, str(market["symbol"]))
            except TimeoutError:
                log.warning("%s of %s was silent for %g s", coin, self.name, self._patience.quote_silence_s)
            except FAILURES as error:
                log.warning("%s of %s: %s %s", coin, self.name, type(error).__name__, error)
            finally:
                await close(client)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, self._patience.longest_delay_s)

    async def _watch(self, client: Any, symbol: str) -> None:
        while True:
            async with asyncio.timeout(self._patience.quote_silence_s):
                await client.watch_bids_asks([symbol])
