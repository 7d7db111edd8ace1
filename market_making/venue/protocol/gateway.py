"""Where clients reach the venue: ``/info``, ``/exchange``, ``/ws`` and ``/audit``."""

import asyncio
import logging
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from market_making.hyperliquid.actions import Action, read_action
from market_making.hyperliquid.signing import SignedRequest, read_request
from market_making.market.errors import MalformedMessage, UnknownCoin
from market_making.market.events import Trade
from market_making.venue.clock import Event, wall_ms
from market_making.venue.config import VenueConfig
from market_making.venue.engine.exchange import Exchange
from market_making.venue.engine.notices import TradesNotice
from market_making.venue.markets.candles import CandleAggregator
from market_making.venue.protocol.access import Access, Denied
from market_making.venue.protocol.action_desk import ActionDesk, Answer, refusal_of_action
from market_making.venue.protocol.audit import audit
from market_making.venue.protocol.connection import Connection
from market_making.venue.protocol.info import Info
from market_making.venue.protocol.streams import Streams, message

log = logging.getLogger(__name__)

EXPIRED_COST = 5


class Gateway:
    """Connects clients and the source's market with the exchange.

    Parameters
    ----------
    exchange : Exchange
        The exchange.
    candles : CandleAggregator
        Candles of the past; they go on with what happens.
    config : VenueConfig
        Latencies.
    """

    def __init__(self, exchange: Exchange, candles: CandleAggregator, config: VenueConfig) -> None:
        self._exchange = exchange
        self._candles = candles
        self._config = config
        self._info = Info(exchange, candles)
        self._actions = ActionDesk(exchange)
        self._access = Access(exchange.state.accounts)
        self._connections: set[Connection] = set()
        self._turn = asyncio.Lock()
        self.streams = Streams(exchange, self._info, candles)

    def routes(self) -> list[web.RouteDef]:
        """Paths of the server."""
        return [
            web.post("/info", self._handle_info),
            web.post("/exchange", self._handle_exchange),
            web.get("/ws", self._handle_websocket),
            web.get("/audit", self._handle_audit),
        ]

    def advance(self) -> None:
        """Let the exchange know what time it is, and send out what follows."""
        self._exchange.advance(wall_ms())
        self.flush()

    def cut_silent(self) -> None:
        """Cut the websockets on which nothing was said for a minute."""
        for connection in list(self._connections):
            connection.cut_if_silent()

    async def close(self) -> None:
        """Close every websocket."""
        for connection in list(self._connections):
            await connection.close()

    def on_event(self, event: Event) -> None:
        """Take one event of the source."""
        if isinstance(event, Trade):
            self._exchange.on_trade(event)
            return
        self._exchange.on_book(event)
        mid = self._exchange.state.by_name[event.coin].matching.external_mid
        if mid is not None:
            self._candles.on_mid(event.coin, event.time_ms, mid)

    def flush(self) -> None:
        """Send out what has happened."""
        notices = self._exchange.drain()
        for notice in notices:
            if isinstance(notice, TradesNotice):
                for trade in notice.trades:
                    self._candles.on_trade(trade)
        self.streams.tell(notices)

    def _answer_info(self, request: Any) -> Any:
        self.advance()
        return self._info.answer(request)

    async def _carry_out(self, body: Any) -> Answer:
        """Carry out a signed action once it has arrived: its latency after it was received, in order of receipt.

        Raises
        ------
        MalformedMessage
            If it has not the form of one.
        """
        loop = asyncio.get_running_loop()
        due_s = loop.time() + self._config.order_latency_ms / 1000
        request = read_request(body)
        action = read_action(request.action)
        async with self._turn:  # the lock serves first who came first; timers alone promise no order
            if due_s > loop.time():
                await asyncio.sleep(due_s - loop.time())
            return self._take_effect(request, action)

    def _take_effect(self, request: SignedRequest, action: Action) -> Answer:
        now_ms = wall_ms()
        account = self._access.authorise(request, now_ms)
        if isinstance(account, Denied):
            return refusal_of_action(account.text)
        self._exchange.advance(now_ms)
        if request.expires_after is not None and request.expires_after < now_ms:
            account.budget.used += EXPIRED_COST
            return refusal_of_action(f"Action expired: expiresAfter {request.expires_after} is before {now_ms}")
        answer = self._actions.execute(account, action)
        self.flush()
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
        self.advance()
        user = request.query.get("user")
        accounts = self._exchange.state.accounts
        chosen = list(accounts.values()) if user is None else [self._info.account(user.lower())]
        reports = [audit(account, self._exchange.state) for account in chosen]
        return await self._reply(reports if user is None else reports[0])

    async def _reply(self, answer: Any) -> web.Response:
        body = orjson.dumps(answer)
        if self._config.data_latency_ms:
            await asyncio.sleep(self._config.data_latency_ms / 1000)
        return web.Response(body=body, content_type="application/json")

    async def _handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        connection = Connection(socket, request.transport, self._config.data_latency_ms / 1000)
        self._connections.add(connection)
        try:
            async for received in socket:
                if received.type is WSMsgType.TEXT:
                    self._on_message(connection, received.data)
        finally:
            self.streams.forget(connection)
            self._connections.discard(connection)
            await connection.close()
        return socket

    def _on_message(self, connection: Connection, text: str) -> None:
        try:
            self._obey(connection, orjson.loads(text))
        except UnknownCoin:
            connection.abort()
        except (MalformedMessage, orjson.JSONDecodeError) as error:
            log.debug("websocket message refused: %s", error)
            connection.send(message("error", f"Error parsing JSON into valid websocket request: {text}"))

    def _obey(self, connection: Connection, request: Any) -> None:
        method = request.get("method") if isinstance(request, dict) else None
        if method == "ping":
            connection.send(b'{"channel":"pong"}')
        elif method == "subscribe":
            self.flush()
            self.streams.subscribe(connection, request.get("subscription"))
        elif method == "unsubscribe":
            self.streams.unsubscribe(connection, request.get("subscription"))
        elif method == "post":
            self._post(connection, request.get("id"), request.get("request"))
        else:
            raise MalformedMessage(f"no method {method!r:.60}")

    def _post(self, connection: Connection, number: Any, request: Any) -> None:
        """Answer an info request or an action that came by websocket beside reading on: each has its own latency."""
        kind = request.get("type") if isinstance(request, dict) else None
        if kind not in ("info", "action"):
            raise MalformedMessage(f"a post is of type info or action, saw {kind!r:.60}")
        if connection.is_busy:
            connection.send(message("error", f"too many pending post requests id={number}"))
        else:
            connection.begin(self._answer_post(connection, number, kind, request.get("payload")))

    async def _answer_post(self, connection: Connection, number: Any, kind: str, payload: Any) -> None:
        try:
            if kind == "info":
                answer = self._answer_info(payload)
                response = {"type": kind, "payload": {"type": payload["type"], "data": answer}}
            else:
                response = {"type": kind, "payload": await self._carry_out(payload)}
        except MalformedMessage as error:
            response = {"type": "error", "payload": f"422 Unprocessable Entity: {error}"}
        connection.send(message("post", {"id": number, "response": response}))


def _unprocessable(error: Exception) -> web.Response:
    """What the real exchange answers to a body it cannot read."""
    return web.Response(status=422, text=f"Failed to deserialize the JSON body into the target type: {error}")
