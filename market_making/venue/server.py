"""The local venue as a server: HTTP and websocket on one port of this machine.

Run by itself with `run`, or inside another program::

    venue = LocalVenue(source, VenueConfig(accounts=(AccountConfig("0x…"),)))
    base_url = await venue.start()
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator
from itertools import chain

from aiohttp import web

from market_making.venue.clock import Clock, Event, play, wall_ms
from market_making.venue.config import VenueConfig
from market_making.venue.engine.exchange import Exchange
from market_making.venue.markets.older_candles import add_older_candles
from market_making.venue.markets.prehistory import Playback
from market_making.venue.markets.source import Source
from market_making.venue.protocol.gateway import Gateway

log = logging.getLogger(__name__)

HEARTBEAT_S = 0.05
PRIMING_MS = 60_000


class LocalVenue:
    """A local Hyperliquid.

    Parameters
    ----------
    source : Source
        The market.
    config : VenueConfig
        How the venue behaves.
    playback : Playback or None
        The same market split at now, where its past is already known.
    """

    def __init__(self, source: Source, config: VenueConfig, playback: Playback | None = None) -> None:
        self.config = config
        self._source = source
        self._playback = playback
        self._runner: web.AppRunner | None = None
        self._gateway: Gateway | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> str:
        """Begin to play the market and to serve; return the base URL.

        Raises
        ------
        OSError
            If the port is taken.
        """
        playback = self._playback or Playback.prepare(
            self._source, root=None, now_ms=wall_ms(), seconds=self.config.history_s
        )
        exchange = Exchange(self._source.listings, self.config, playback.now_ms)
        gateway = self._gateway = Gateway(exchange, playback.candles, self.config)
        live = _prime(exchange, gateway, playback)
        for number, coin in enumerate(exchange.state.coins):
            add_older_candles(playback.candles, coin.instrument, self.config.older_candles_s, number)
        port = await self._listen(gateway)
        clock = Clock(playback.now_ms, self.config.speed)
        works = self._periodic_works(gateway)
        self._tasks = [
            asyncio.create_task(play(live, clock, gateway.on_event, gateway.flush)),
            *(asyncio.create_task(_every(period_s, gateway, work)) for period_s, work in works),
        ]
        for task in self._tasks:
            task.add_done_callback(_report)
        return f"http://{self.config.host}:{port}"

    async def stop(self) -> None:
        """Close every connection and free the port."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._gateway is not None:
            await self._gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _listen(self, gateway: Gateway) -> int:
        application = web.Application(client_max_size=2**20)
        application.add_routes(gateway.routes())
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.config.host, self.config.port).start()
        port: int = self._runner.addresses[0][1]
        return port

    def _periodic_works(self, gateway: Gateway) -> list[tuple[float, Callable[[], None]]]:
        config, streams = self.config, gateway.streams
        return [
            (HEARTBEAT_S, gateway.cut_silent),
            (HEARTBEAT_S, gateway.let_happen),
            (config.slow_book_period_s, lambda: streams.send_books(fast=False)),
            (config.fast_book_period_s, lambda: streams.send_books(fast=True)),
            (config.fast_book_period_s, streams.send_candles),
            (config.mids_period_s, streams.send_mids),
            (config.context_period_s, streams.send_contexts),
            (config.context_period_s, streams.send_accounts),
        ]


def _prime(exchange: Exchange, gateway: Gateway, playback: Playback) -> Iterator[Event]:
    """Let every coin have a book, and a mark price with it, before the first client asks; return what is left."""
    for book in playback.books.values():
        gateway.on_event(book)
    left: Iterator[Event] = playback.live
    while any(coin.mark is None for coin in exchange.state.coins):
        event = next(playback.live, None)
        if event is None or event.time_ms > playback.now_ms + PRIMING_MS:
            left = chain([] if event is None else [event], playback.live)
            break
        gateway.on_event(event._replace(time_ms=min(event.time_ms, wall_ms())))
    gateway.flush()
    return left


async def _every(period_s: float, gateway: Gateway, work: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(period_s)
        gateway.advance()
        work()


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a part of the venue has stopped", exc_info=task.exception())


async def serve(venue: LocalVenue, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is told the base URL."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    on_ready(await venue.start())
    try:
        await stopped.wait()
    finally:
        await venue.stop()


def run(
    source: Source,
    config: VenueConfig,
    playback: Playback | None = None,
    on_ready: Callable[[str], None] = lambda url: log.info("serving on %s", url),
) -> None:
    """Serve until SIGTERM or SIGINT, as a program; parameters as of `LocalVenue`."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(LocalVenue(source, config, playback), on_ready))
