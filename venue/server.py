"""The local venue as a server: HTTP and websocket on one port of this machine.

Run by itself with `run`, or inside another program::

    venue = LocalVenue(source, VenueConfig(accounts=(AccountConfig("0x…"),)))
    base_url = await venue.start()
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from itertools import chain
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from market.errors import MalformedMessage, UnknownCoin
from market.events import BookSnapshot, Trade
from market.hyperliquid.actions import read_action
from market.hyperliquid.signing import read_request
from venue.access import Access, Denied
from venue.action_desk import ActionDesk, Answer, refusal_of_action
from venue.audit import audit
from venue.clock import Clock, Event, play, wall_ms
from venue.config import VenueConfig
from venue.connection import Connection
from venue.exchange import Exchange
from venue.info import Info
from venue.notices import TradesNotice
from venue.prehistory import Playback
from venue.source import Source
from venue.streams import Streams, message

log = logging.getLogger(__name__)

HEARTBEAT_S = 0.05
PRIMING_MS = 60_000
EXPIRED_COST = 5


class LocalVenue:
    """A Hyperliquid of one's own.

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
        self._tasks: list[asyncio.Task[None]] = []
        self._connections: set[Connection] = set()

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
        self.exchange = Exchange(self._source.listings, self.config, playback.now_ms)
        self._candles = playback.candles
        self._info = Info(self.exchange, self._candles)
        self._streams = Streams(self.exchange, self._info, self._candles)
        self._actions = ActionDesk(self.exchange)
        self._access = Access(self.exchange.state.accounts)
        live = self._prime(playback)
        port = await self._listen()
        clock = Clock(playback.now_ms, self.config.speed)
        self._tasks = [asyncio.create_task(play(live, clock, self._on_event, self._flush)), *self._periodic()]
        for task in self._tasks:
            task.add_done_callback(_report)
        return f"http://{self.config.host}:{port}"

    async def stop(self) -> None:
        """Close every connection and free the port."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections):
            await connection.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _prime(self, playback: Playback) -> chain[Event]:
        """Let every coin have a book, and a mark price with it, before the first client asks for them."""
        for book in playback.books.values():
            self._on_event(book)
        early: list[Event] = []
        coins = self.exchange.state.coins
        while any(coin.mark is None for coin in coins):
            event = next(playback.live, None)
            if event is None or event.time_ms > playback.now_ms + PRIMING_MS:
                early += [] if event is None else [event]
                break
            self._on_event(event._replace(time_ms=min(event.time_ms, wall_ms())))
        self.exchange.drain()
        return chain(early, playback.live)

    async def _listen(self) -> int:
        application = web.Application(client_max_size=2**20)
        application.add_routes(
            [
                web.post("/info", self._handle_info),
                web.post("/exchange", self._handle_exchange),
                web.get("/ws", self._handle_websocket),
                web.get("/audit", self._handle_audit),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.config.host, self.config.port).start()
        port: int = self._runner.addresses[0][1]
        return port

    def _periodic(self) -> list[asyncio.Task[None]]:
        config, streams = self.config, self._streams
        works: list[tuple[float, Callable[[], None]]] = [
            (HEARTBEAT_S, lambda: None),
            (config.slow_book_period_s, lambda: streams.send_books(fast=False)),
            (config.fast_book_period_s, lambda: streams.send_books(fast=True)),
            (config.fast_book_period_s, streams.send_candles),
            (config.mids_period_s, streams.send_mids),
            (config.context_period_s, streams.send_contexts),
        ]
        return [asyncio.create_task(self._every(period_s, work)) for period_s, work in works]

    async def _every(self, period_s: float, work: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(period_s)
            self.exchange.advance(wall_ms())
            self._flush()
            work()

    def _on_event(self, event: Event) -> None:
        """Take one event of the source."""
        if isinstance(event, Trade):
            self.exchange.on_trade(event)
            return
        self.exchange.on_book(event)
        self._note_mid(event)

    def _note_mid(self, book: BookSnapshot) -> None:
        mid = self.exchange.state.by_name[book.coin].matching.external_mid
        if mid is not None:
            self._candles.on_mid(book.coin, book.time_ms, mid)

    def _flush(self) -> None:
        """Send out what has happened."""
        notices = self.exchange.drain()
        for notice in notices:
            if isinstance(notice, TradesNotice):
                for trade in notice.trades:
                    self._candles.on_trade(trade)
        self._streams.tell(notices)

    def _answer_info(self, request: Any) -> Any:
        self.exchange.advance(wall_ms())
        self._flush()
        return self._info.answer(request)

    async def _carry_out(self, body: Any) -> Answer:
        """Carry out a signed action once it has arrived.

        Raises
        ------
        MalformedMessage
            If it has not the form of one.
        """
        request = read_request(body)
        action = read_action(request.action)
        if self.config.order_latency_ms:
            await asyncio.sleep(self.config.order_latency_ms / 1000)
        now_ms = wall_ms()
        account = self._access.authorise(request, now_ms)
        if isinstance(account, Denied):
            return refusal_of_action(account.text)
        self.exchange.advance(now_ms)
        if request.expires_after is not None and request.expires_after < now_ms:
            account.budget.used += EXPIRED_COST
            return refusal_of_action(f"Action expired: expiresAfter {request.expires_after} is before {now_ms}")
        answer = self._actions.execute(account, action)
        self._flush()
        return answer

    async def _handle_info(self, request: web.Request) -> web.Response:
        try:
            answer = self._answer_info(orjson.loads(await request.read()))
        except (MalformedMessage, orjson.JSONDecodeError) as error:
            return _unprocessable(error)
        return await self._reply(answer)

    async def _handle_exchange(self, request: web.Request) -> web.Response:
        try:
            answer = await self._carry_out(orjson.loads(await request.read()))
        except (MalformedMessage, orjson.JSONDecodeError) as error:
            return _unprocessable(error)
        return await self._reply(answer)

    async def _handle_audit(self, request: web.Request) -> web.Response:
        self.exchange.advance(wall_ms())
        user = request.query.get("user")
        accounts = self.exchange.state.accounts
        chosen = list(accounts.values()) if user is None else [self._info.account(user.lower())]
        reports = [audit(account, self.exchange.state) for account in chosen]
        return await self._reply(reports if user is None else reports[0])

    async def _reply(self, answer: Any) -> web.Response:
        body = orjson.dumps(answer)
        if self.config.data_latency_ms:
            await asyncio.sleep(self.config.data_latency_ms / 1000)
        return web.Response(body=body, content_type="application/json")

    async def _handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        connection = Connection(socket, request.transport, self.config.data_latency_ms / 1000)
        self._connections.add(connection)
        try:
            async for received in socket:
                if received.type is WSMsgType.TEXT:
                    await self._on_message(connection, received.data)
        finally:
            self._streams.forget(connection)
            self._connections.discard(connection)
            await connection.close()
        return socket

    async def _on_message(self, connection: Connection, text: str) -> None:
        try:
            await self._obey(connection, orjson.loads(text))
        except UnknownCoin:
            connection.abort()
        except (MalformedMessage, orjson.JSONDecodeError) as error:
            log.debug("websocket message refused: %s", error)
            connection.send(message("error", f"Error parsing JSON into valid websocket request: {text}"))

    async def _obey(self, connection: Connection, request: Any) -> None:
        method = request.get("method") if isinstance(request, dict) else None
        if method == "ping":
            connection.send(b'{"channel":"pong"}')
        elif method == "subscribe":
            self._flush()
            self._streams.subscribe(connection, request.get("subscription"))
        elif method == "unsubscribe":
            self._streams.unsubscribe(connection, request.get("subscription"))
        elif method == "post":
            response = await self._answer_post(request.get("request"))
            connection.send(message("post", {"id": request.get("id"), "response": response}))
        else:
            raise MalformedMessage(f"no method {method!r:.60}")

    async def _answer_post(self, request: Any) -> dict[str, Any]:
        """Answer an info request or an action that came by websocket."""
        kind = request.get("type") if isinstance(request, dict) else None
        try:
            if kind == "info":
                answer = self._answer_info(request.get("payload"))
                return {"type": "info", "payload": {"type": request["payload"]["type"], "data": answer}}
            if kind == "action":
                return {"type": "action", "payload": await self._carry_out(request.get("payload"))}
        except MalformedMessage as error:
            return {"type": "error", "payload": f"422 Unprocessable Entity: {error}"}
        raise MalformedMessage(f"a post is of type info or action, saw {kind!r:.60}")


def _unprocessable(error: Exception) -> web.Response:
    """What the real exchange answers to a body it cannot read."""
    return web.Response(status=422, text=f"Failed to deserialize the JSON body into the target type: {error}")


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a part of the venue has stopped", exc_info=task.exception())


async def serve(source: Source, config: VenueConfig) -> None:
    """Serve until SIGTERM or SIGINT."""
    venue = LocalVenue(source, config)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    log.info("serving on %s", await venue.start())
    try:
        await stopped.wait()
    finally:
        await venue.stop()


def run(source: Source, config: VenueConfig) -> None:
    """Serve until SIGTERM or SIGINT, as a program."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(source, config))
