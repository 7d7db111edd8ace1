"""Records other venues: the collector of the native one, with another source of events."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.pro

from market_making.market.errors import ConfigurationError
from market_making.market.selection import Selection
from market_making.recording.collection.coin_recording import CoinRecording
from market_making.recording.collection.collector import Collector, CollectorOptions, selection_of
from market_making.recording.collection.upkeep import keep_up
from market_making.recording.other_venues.directory import Connect, VenueDirectory
from market_making.recording.other_venues.feed import SEPARATE_STREAMS, CoinFeed, Patience
from market_making.recording.other_venues.quirks import VenueQuirks

MOST_COINS = 40
# ccxt keeps that many prints until they are asked for.
_KEPT_PRINTS = 10_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VenueOptions:
    """Quote currency (None: the venue's usual one), patience, and what makes a ccxt client (None: ccxt itself)."""

    quote: str | None = None
    patience: Patience = field(default_factory=Patience)
    connect: Connect | None = None


class OtherVenueCollector(Collector):
    """Records coins of a venue that is reached through ccxt, until stopped.

    Parameters
    ----------
    venue : VenueQuirks
        The venue; its name is its folder in the store.
    coins : sequence of str
        The base currencies, as ccxt names them; recorded under these names.
    root : Path or str
        Root of the tick store.
    flush_seconds, options
        As of `Collector`.
    through : VenueOptions, optional
        What concerns the venue.

    Raises
    ------
    ConfigurationError
        If there is no coin, or there are more than `MOST_COINS`: each has sockets of its own.
    """

    def __init__(
        self,
        venue: VenueQuirks,
        coins: Selection | Sequence[str],
        root: Path | str,
        *,
        flush_seconds: float = 5.0,
        options: CollectorOptions | None = None,
        through: VenueOptions | None = None,
    ) -> None:
        number = len(selection_of(coins).wanted)
        if number > MOST_COINS:
            raise ConfigurationError(f"{number} coins of {venue.name}: at most {MOST_COINS}, each has its own sockets")
        super().__init__("", coins, root, venue.name, flush_seconds=flush_seconds, options=options)
        self._quirks = venue
        self._through = through or VenueOptions()
        self._markets: VenueDirectory | None = None

    @property
    def clock_offset_ms(self) -> float | None:
        """Venue clock minus local clock [ms]; None before the first measurement."""
        return None if self._markets is None else self._markets.clock_offset_ms

    async def _record(self, client: aiohttp.ClientSession) -> None:  # noqa: ARG002 - ccxt has sessions of its own
        connect = self._through.connect or (lambda: client_of(self._quirks))
        directory = self._markets = VenueDirectory(self._quirks, connect)
        try:
            await self._record_from(directory)
        finally:
            await directory.close()

    async def _record_from(self, directory: VenueDirectory) -> None:
        selection, quote = self._selection, self._through.quote
        markets = await directory.markets_of(selection.wanted, quote, strict=selection.strict)
        recordings = await asyncio.to_thread(self._earlier.resume, markets, SEPARATE_STREAMS)
        feeds = [
            CoinFeed(self._quirks, market, recordings[coin], directory, self._through.patience)
            for coin, market in markets.items()
        ]
        live = self._live = RecordingOfFeeds(recordings, feeds, directory)
        await directory.measure_clock()
        symbols = ", ".join(str(market["symbol"]) for market in markets.values())
        log.info("recording %s of %s as session %s", symbols, self._quirks.name, self.session)
        async with asyncio.TaskGroup() as tasks:
            for feed in feeds:
                tasks.create_task(feed.run())
            tasks.create_task(directory.watch_clock())
            tasks.create_task(self._flush_for_ever(live))
            tasks.create_task(keep_up(self._storage, self._venue, self._options.retention))


class RecordingOfFeeds:
    """What a collector must know of its feeds."""

    def __init__(
        self, recordings: Mapping[str, CoinRecording], feeds: Sequence[CoinFeed], directory: VenueDirectory
    ) -> None:
        self._recordings = recordings
        self._feeds = feeds
        self._directory = directory

    @property
    def recordings(self) -> Mapping[str, CoinRecording]:
        """The recording of each coin."""
        return self._recordings

    @property
    def malformed_messages(self) -> int:
        """Messages that could not be read."""
        return sum(feed.malformed_messages for feed in self._feeds)

    def progress(self, local_ms: int) -> None:
        """Write what has passed of the gaps that are open."""
        time_ms = self._directory.exchange_ms(local_ms)
        for recording in self._recordings.values():
            for tracker in recording.gap_trackers:
                tracker.progress(time_ms)

    def end(self) -> None:
        """Mark the end of the recording of every coin."""
        for recording in self._recordings.values():
            for tracker in recording.gap_trackers:
                tracker.end()


def client_of(venue: VenueQuirks, settings: Mapping[str, Any] | None = None) -> Any:
    """A ccxt client of a venue's websocket layer, with further settings of ccxt."""
    settings = dict(settings or {})
    options = {"tradesLimit": _KEPT_PRINTS, **venue.options, **settings.pop("options", {})}
    return getattr(ccxt.pro, venue.name)({"options": options, **settings})
