"""Where clients reach the venue: ``/info``, ``/exchange`` and ``/ws``."""

import asyncio
import logging
from collections.abc import Awaitable
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

import orjson
from aiohttp import WSMsgType, web

from market_making.hyperliquid.actions import Action, read_action
from market_making.hyperliquid.market_data import GREETING
from market_making.hyperliquid.signing import SignedRequest, read_request
from market_making.hyperliquid.weights import action_weight, answer_weight, question_weight
from market_making.market.errors import MalformedMessage, MarketMakingError, UnknownCoin
from market_making.market.events import Trade
from market_making.venue.clock import Event, wall_ms
from market_making.venue.config import VenueConfig
from market_making.venue.engine.exchange import Exchange
from market_making.venue.engine.notices import TradesNotice
from market_making.venue.faults.course import Course
from market_making.venue.markets.candles import CandleAggregator
from market_making.venue.protocol.access import Access, Denied
from market_making.venue.protocol.action_desk import ActionDesk, Answer, refusal_of_action
from market_making.venue.protocol.connection import Connection
from market_making.venue.protocol.delivery import TOO_MANY_REQUESTS, failure, follow, refusal_of_items, respond
from market_making.venue.protocol.fault_desk import FaultDesk
from market_making.venue.protocol.happenings import Happenings
from market_making.venue.protocol.info import Info
from market_making.venue.protocol.occasions import action_occasion, question_occasion
from market_making.venue.protocol.pages import Pages
from market_making.venue.protocol.stamps import shifted
from market_making.venue.protocol.stream_faults import StreamFaults
from market_making.venue.protocol.streams import Streams, message
from market_making.venue.protocol.weight_meter import WeightMeter

log = logging.getLogger(__name__)

EXPIRED_COST = 5
# The answers to these tell of each item of the batch, and under which name.
ITEMISED = {"order": "order", "batchModify": "order", "cancel": "cancel", "cancelByCloid": "cancel"}


class TooManyRequests(MarketMakingError):
    """An IP address has asked for more weight than it may within a minute."""


class Process(Protocol):
    """How a request of an IP address becomes an answer and the course it takes."""

    def __call__(self, address: str, body: Any, *, again: bool) -> Awaitable[tuple[Course, Any]]:
        """Process one request; `again` says whether a doubled one arrives twice."""
        ...


class Gateway:
    """Connects clients and the source's market with the exchange.

    Parameters
    ----------
    exchange : Exchange
        The exchange.
    candles : CandleAggregator
        Candles of the past; they go on with what happens.
    config : VenueConfig
        Latencies, limits and faults.
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
        self._meter = WeightMeter(config.weight_limit)
        self._faults = FaultDesk(config.faults, config.fault_seed, asyncio.get_running_loop().time)
        self._happenings = Happenings(exchange, self._faults, self._disconnect)
        self.streams = Streams(exchange, self._info, candles, StreamFaults(self._faults))

    def routes(self) -> list[web.RouteDef]:
        """Paths of the server."""
        pages = Pages(self._exchange.state, self._info.accounts, self._meter, self._faults, self.advance)
        return [
            web.post("/info", self._handle_info),
            web.post("/exchange", self._handle_exchange),
            web.get("/ws", self._handle_websocket),
            *pages.routes(),
        ]

    def advance(self) -> None:
        """Let the exchange know what time it is, and send out what follows."""
        self._exchange.advance(wall_ms())
        self.flush()

    def cut_silent(self) -> None:
        """Cut the websockets on which nothing was said for a minute."""
        for connection in list(self._connections):
            connection.cut_if_silent()

    def let_happen(self) -> None:
        """Let the faults of the venue itself happen that are due, and send out what follows."""
        self._happenings.work()
        self.flush()

    def _disconnect(self) -> None:
        for connection in list(self._connections):
            connection.abort()

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

    async def _ask(self, address: str, body: Any, *, again: bool) -> tuple[Course, Any]:
        """Answer a question that has come from an IP address, as its course says.

        Raises
        ------
        MalformedMessage
            If it is none.
        TooManyRequests
            If the address has asked for too much.
        """
        kind = self._info.kind(body)
        self._weigh(address, kind, question_weight(kind))
        course = self._faults.course(question_occasion(body, self._exchange.state))

        async def arrive() -> Any:
            self.advance()
            offset_ms = self._faults.offset_ms
            answer = self._info.answer(shifted(body, -offset_ms) if offset_ms else body)
            self._meter.add(address, kind, answer_weight(kind, answer), self._now_s())
            return shifted(answer, offset_ms) if offset_ms else answer

        return course, await follow(course, {}, arrive, again=again)

    async def _act(self, address: str, body: Any, *, again: bool) -> tuple[Course, Any]:
        """Carry out a signed action that has come from an IP address, as its course says; errors as in `_ask`."""
        request = read_request(body)
        action = read_action(request.action)
        kind = str(request.action["type"])
        self._weigh(address, kind, action_weight(request.action))
        aimed = self._faults.wants_accounts
        account = self._access.account_of(request, self._exchange_ms()) if aimed else None
        occasion = action_occasion(kind, action, account, self._exchange.state)
        course = self._faults.course(occasion)
        refusal = refusal_of_action(course.refusal or "")
        if kind in ITEMISED and not course.refuses_whole:
            refusal = refusal_of_items(ITEMISED[kind], course.refusal or "", occasion.items)
        return course, await follow(course, refusal, partial(self._carry_out, request, action), again=again)

    def _weigh(self, address: str, kind: str, weight: int) -> None:
        if not self._meter.admit(address, kind, weight, self._now_s()):
            raise TooManyRequests(f"{address} has asked for more than {self._config.weight_limit} within a minute")

    async def _carry_out(self, request: SignedRequest, action: Action) -> Answer:
        """Carry out an action once it has arrived: its latency after it was received, in order of receipt."""
        due_s = self._now_s() + self._config.order_latency_ms / 1000
        async with self._turn:  # the lock serves first who came first; timers alone promise no order
            if due_s > self._now_s():
                await asyncio.sleep(due_s - self._now_s())
            return self._take_effect(request, action)

    def _take_effect(self, request: SignedRequest, action: Action) -> Answer:
        shown_ms = self._exchange_ms()
        account = self._access.authorise(request, shown_ms)
        if isinstance(account, Denied):
            return refusal_of_action(account.text)
        self._exchange.advance(wall_ms())
        if request.expires_after is not None and request.expires_after < shown_ms:
            account.budget.used += EXPIRED_COST
            return refusal_of_action(f"Action expired: expiresAfter {request.expires_after} is before {shown_ms}")
        answer = self._actions.execute(account, action)
        self.flush()
        return answer

    def _exchange_ms(self) -> int:
        """The exchange's clock, which a fault may have put wrong."""
        return wall_ms() + self._faults.offset_ms

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def _handle_info(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, self._ask)

    async def _handle_exchange(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, self._act)

    async def _serve(self, request: web.Request, process: Process) -> web.StreamResponse:
        try:
            course, answer = await process(request.remote or "", orjson.loads(await request.read()), again=True)
        except (MalformedMessage, orjson.JSONDecodeError) as error:
            return _unprocessable(error)
        except TooManyRequests:
            return failure(TOO_MANY_REQUESTS)
        if self._config.data_latency_ms:
            await asyncio.sleep(self._config.data_latency_ms / 1000)
        return await respond(request, course, answer)

    async def _handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        latency_s = self._config.data_latency_ms / 1000
        connection = Connection(socket, request.transport, latency_s, request.remote or "")
        self._connections.add(connection)
        if self._config.greeting:
            connection.send(GREETING)
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
            raise MalformedMessage(f"a post is of type info or action, got {kind!r:.60}")
        if connection.is_busy:
            connection.send(message("error", f"too many pending post requests id={number}"))
        else:
            connection.begin(self._answer_post(connection, number, kind, request.get("payload")))

    async def _answer_post(self, connection: Connection, number: Any, kind: str, payload: Any) -> None:
        process = self._ask if kind == "info" else self._act
        course = Course()
        try:
            course, answer = await process(connection.address, payload, again=False)
            body = {"type": payload["type"], "data": answer} if kind == "info" else answer
            response = {"type": kind, "payload": body}
        except MalformedMessage as error:
            response = {"type": "error", "payload": f"422 Unprocessable Entity: {error}"}
        except TooManyRequests:
            course = Course(status=TOO_MANY_REQUESTS)
        if course.status != HTTPStatus.OK:
            response = {"type": "error", "payload": f"{course.status} {HTTPStatus(course.status).phrase}"}
        connection.deliver(course.delivery, message("post", {"id": number, "response": response}))


def _unprocessable(error: Exception) -> web.Response:
    """What the real exchange answers to a body it cannot read."""
    return web.Response(status=422, text=f"Failed to deserialize the JSON body into the target type: {error}")
