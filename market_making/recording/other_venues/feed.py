"""One coin of a venue, received through ccxt's websocket clients, for ever.

A client that failed or fell silent is closed and replaced: ccxt keeps books and caches across its own reconnections,
and no venue promises that they still hold. A quiet market looks like a dead subscription, so the patience with a stream
doubles whenever its silence was answered with a new client.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from market_making.market.clock import now_ms
from market_making.market.errors import MalformedMessage
from market_making.market.events import BestQuote, BookSnapshot
from market_making.recording.collection.coin_recording import CoinRecording
from market_making.recording.other_venues.directory import FAILURES, VenueDirectory, close
from market_making.recording.other_venues.quirks import Market, Print, Ticker, VenueQuirks
from market_making.recording.other_venues.structures import book_of, coins_per_unit, quote_of, trade_of
from market_making.recording.streams import BOOK_LEVELS, Stream

REPORTED_MALFORMED = 20

# Each has its own gaps: on some venues every stream has its own socket.
SEPARATE_STREAMS = ((Stream.TRADES,), (Stream.BBO,), (Stream.BOOK, Stream.BOOK_FAST))

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long a stream may be silent, and how long to wait before the next client [s].

    ccxt does not tell when a subscription is acknowledged: without a print, prints count as observed `settled_s` after
    they were asked for, if quotes flow. A full book is recorded once in `book_period_s`.
    """

    quote_silence_s: float = 30.0
    trade_silence_s: float = 600.0
    longest_silence_s: float = 3600.0
    first_delay_s: float = 0.5
    longest_delay_s: float = 30.0
    settled_s: float = 5.0
    book_period_s: float = 1.0


class Ending(NamedTuple):
    """Why a client is given up; `silent` is the stream that said nothing."""

    reason: str
    silent: Stream | None = None


class TellingCache(dict[str, Ticker]):
    """Takes the place of ccxt's cache of best quotes and tells of each one that is put there.

    Of several that arrive at once, ccxt wakes those who wait for the first one only.
    """

    def __init__(self, tell: Callable[[Ticker], None]) -> None:
        super().__init__()
        self._tell = tell

    def __setitem__(self, symbol: str, ticker: Ticker) -> None:
        super().__setitem__(symbol, ticker)
        self._tell(ticker)


class CoinFeed:
    """Streams of one coin.

    Parameters
    ----------
    venue : VenueQuirks
        The venue.
    market : Market
        ccxt's description of the coin's market.
    recording : CoinRecording
        Takes the events; its streams must be separate.
    directory : VenueDirectory
        Makes clients and tells the venue's time.
    patience : Patience
        How patient to be.
    """

    def __init__(
        self,
        venue: VenueQuirks,
        market: Market,
        recording: CoinRecording,
        directory: VenueDirectory,
        patience: Patience | None = None,
    ) -> None:
        self.malformed_messages = 0
        self.clients = 0
        self._venue = venue
        self._symbol = str(market["symbol"])
        self._unit = coins_per_unit(market)
        self._recording = recording
        self._directory = directory
        self._patience = patience or Patience()
        quotes, trades = self._patience.quote_silence_s, self._patience.trade_silence_s
        self._limit_s = {Stream.TRADES: trades, Stream.BBO: quotes, Stream.BOOK: quotes}
        self._trades_asked = 0.0
        self._booked_ms = 0

    async def run(self) -> None:
        """Receive until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for streams in self._venue.connections:
                tasks.create_task(self._renew_for_ever(streams))

    async def _renew_for_ever(self, streams: Sequence[Stream]) -> None:
        delay = self._patience.first_delay_s
        while True:
            opened = time.monotonic()
            ending = await self._attempt(streams)
            for stream in self._carried(streams):
                self._recording.gap_tracker(stream).lost("silence" if stream is ending.silent else "reconnect")
            if time.monotonic() - opened > self._patience.longest_delay_s:
                delay = self._patience.first_delay_s
            log.warning("%s of %s: %s; the next client within %.1f s", *self._name(), ending.reason, delay)
            await asyncio.sleep(random.uniform(delay / 2, delay))  # noqa: S311 - spreads reconnections, no secret
            delay = min(2 * delay, self._patience.longest_delay_s)

    async def _attempt(self, streams: Sequence[Stream]) -> Ending:
        """One client from its making to its end."""
        client = self._directory.client()
        client.bidsasks = TellingCache(self._take_ticker)
        self.clients += 1
        watchers = [asyncio.create_task(self._watch(client, stream)) for stream in streams]
        try:
            ended, _ = await asyncio.wait(watchers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.wait(watchers)
            await close(client)
        # ccxt cancels those who wait when it closes a connection itself.
        endings = [watcher.result() for watcher in ended if not watcher.cancelled()]
        return endings[0] if endings else Ending("the connection was closed")

    async def _watch(self, client: Any, stream: Stream) -> Ending:
        """Take the news of one stream until it fails or falls silent."""
        asked_ms: int | None = now_ms()
        if stream is Stream.TRADES:
            self._trades_asked = time.monotonic()
        while True:
            limit_s = self._limit_s[stream]
            try:
                async with asyncio.timeout(limit_s):
                    news = await self._next(client, stream)
            except TimeoutError:
                self._limit_s[stream] = min(2 * limit_s, self._patience.longest_silence_s)
                return Ending(f"no {stream} for {limit_s:g} s", stream)
            except FAILURES as error:
                return Ending(f"{type(error).__name__} {error}")
            try:
                self._take(stream, news, asked_ms)
            except MalformedMessage as error:
                self._malformed(error)
            asked_ms = None

    async def _next(self, client: Any, stream: Stream) -> Any:
        """News of one stream, as ccxt gives them; nothing new where the cache has told already."""
        if stream is Stream.TRADES:
            return await client.watch_trades(self._symbol)
        if stream is Stream.BOOK:
            return await client.watch_order_book(self._symbol, self._venue.book_limit)
        await client.watch_bids_asks([self._symbol])
        return None

    def _take(self, stream: Stream, news: Any, asked_ms: int | None) -> None:
        local_ms = now_ms()
        if stream is Stream.TRADES:
            self._take_trades(news, local_ms, asked_ms)
        elif stream is Stream.BOOK:
            self._take_book(news, local_ms)

    def _take_trades(self, news: Sequence[Print], local_ms: int, asked_ms: int | None) -> None:
        """Record prints; what is older than its subscription is a back-log and proves nothing about what came since."""
        backlog_ms = float("-inf") if asked_ms is None else self._directory.exchange_ms(asked_ms)
        trades = []
        for item in news:
            if self._venue.is_market_order(item):
                try:
                    trades.append(trade_of(self._recording.coin, item, self._unit))
                except MalformedMessage as error:
                    self._malformed(error)
        trades.sort(key=lambda trade: trade.time_ms)
        self._recording.trades(trades, local_ms, replayed_until_ms=backlog_ms)
        for trade in trades:
            if trade.time_ms > backlog_ms:
                self._recording.gap_tracker(Stream.TRADES).seen(trade.time_ms)

    def _take_ticker(self, ticker: Ticker) -> None:
        local_ms = now_ms()
        time_ms = self._venue.quote_ms(ticker) or self._directory.exchange_ms(local_ms)
        try:
            quote = quote_of(self._recording.coin, ticker, time_ms, self._unit)
        except MalformedMessage as error:
            self._malformed(error)
        else:
            self._take_quote(quote, local_ms)

    def _take_book(self, news: Any, local_ms: int) -> None:
        time_ms = news["timestamp"] or self._directory.exchange_ms(local_ms)
        book = book_of(self._recording.coin, news, time_ms, self._unit, BOOK_LEVELS)
        if not book.bids and not book.asks:
            return
        self._recording.book(book, local_ms, Stream.BOOK_FAST)
        if time_ms - self._booked_ms >= self._patience.book_period_s * 1e3:
            self._booked_ms = time_ms
            self._recording.book(book, local_ms, Stream.BOOK)
        if not self._venue.has_best_quotes:
            self._take_quote(_top(book), local_ms)

    def _take_quote(self, quote: BestQuote, local_ms: int) -> None:
        self._recording.quote(quote, local_ms)
        trades = self._recording.gap_tracker(Stream.TRADES)
        if trades.is_open and time.monotonic() - self._trades_asked > self._patience.settled_s:
            trades.seen(quote.time_ms)

    def _carried(self, streams: Sequence[Stream]) -> set[Stream]:
        """Streams whose gaps a client's end opens."""
        carried = set(streams)
        if Stream.BOOK in carried and not self._venue.has_best_quotes:
            carried.add(Stream.BBO)
        return carried

    def _malformed(self, error: MalformedMessage) -> None:
        self.malformed_messages += 1
        if self.malformed_messages <= REPORTED_MALFORMED:
            log.error("%s of %s: message %d cannot be read: %s", *self._name(), self.malformed_messages, error)

    def _name(self) -> tuple[str, str]:
        return self._symbol, self._venue.name


def _top(book: BookSnapshot) -> BestQuote:
    return BestQuote(book.coin, book.time_ms, *(side[0] if side else None for side in (book.bids, book.asks)))
