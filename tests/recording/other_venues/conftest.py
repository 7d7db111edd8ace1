"""A small venue on a real socket that speaks the dialect a test gives it, and ccxt's own clients pointed at it."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import orjson
import pytest
from aiohttp import WSMsgType, web

from market_making.market.clock import now_ms
from market_making.recording.other_venues.collector import OtherVenueCollector, VenueOptions, client_of
from market_making.recording.other_venues.feed import Patience
from market_making.recording.other_venues.quirks import VenueQuirks
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

HURRIED = Patience(
    quote_silence_s=20.0,
    trade_silence_s=20.0,
    longest_silence_s=20.0,
    first_delay_s=0.01,
    longest_delay_s=0.05,
    settled_s=0.05,
    book_period_s=0.0,
)


class Dialect(NamedTuple):
    """How a venue takes subscriptions and answers by REST.

    `topics` tells what a request asks for, `answers` what is sent upon it; `rest` maps paths to answers; `settings`
    point ccxt at an address.
    """

    topics: Callable[[dict[str, Any]], list[str]]
    answers: Callable[[dict[str, Any]], list[Any]]
    rest: dict[str, Callable[[], Any]]
    settings: Callable[[str], dict[str, Any]]


class SmallVenue:
    """Serves one dialect, sends what a test tells it to, and can fail."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.refusing = False
        self.connections = 0
        self.upon: dict[str, list[Any]] = {}
        self._sockets: dict[str, list[web.WebSocketResponse]] = defaultdict(list)
        self._open: list[web.WebSocketResponse] = []

    async def __aenter__(self) -> "SmallVenue":
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._any)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = "http://{}:{}".format(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drop()
        await self._runner.cleanup()

    async def subscribed(self, *topics: str) -> None:
        """Wait until somebody listens to all of these."""
        async with asyncio.timeout(10):
            while not all(self._listening(topic) for topic in topics):
                await asyncio.sleep(0.005)

    async def send(self, topic: str, *frames: Any) -> None:
        """Send frames to those who listen to a topic."""
        for socket in self._listening(topic):
            for frame in frames:
                await socket.send_str(frame if isinstance(frame, str) else orjson.dumps(frame).decode())

    async def drop(self) -> None:
        """End all connections without a closing frame."""
        for socket in self._open:
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        self._sockets.clear()
        await asyncio.sleep(0)

    @property
    def open_sockets(self) -> int:
        """Connections that somebody holds."""
        return sum(not socket.closed for socket in self._open)

    def _listening(self, topic: str) -> list[web.WebSocketResponse]:
        return [socket for socket in self._sockets[topic] if not socket.closed]

    async def _any(self, request: web.Request) -> web.StreamResponse:
        if self.refusing:
            raise web.HTTPServiceUnavailable
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._websocket(request)
        answer = self.dialect.rest.get(request.path)
        if answer is None:
            raise web.HTTPNotFound(text=request.path)
        return web.Response(body=orjson.dumps(answer()), content_type="application/json")

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self._open.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data != "ping":
                await self._request(socket, orjson.loads(message.data))
        return socket

    async def _request(self, socket: web.WebSocketResponse, request: dict[str, Any]) -> None:
        topics = self.dialect.topics(request)
        for topic in topics:
            self._sockets[topic].append(socket)
        for frame in [
            *self.dialect.answers(request),
            *(frame for topic in topics for frame in self.upon.get(topic, [])),
        ]:
            await socket.send_str(orjson.dumps(frame).decode())


class Recorded:
    """A collector that runs beside a test, and what it has written."""

    def __init__(self, venue: SmallVenue, quirks: VenueQuirks, root: Any, **more: Any) -> None:
        self.clients: list[Any] = []
        self._stop = asyncio.Event()
        self._root = root
        self._quirks = quirks
        self.venue = venue
        through = VenueOptions(
            patience=more.pop("patience", HURRIED), connect=self._connect, quote=more.pop("quote", None)
        )
        coins = more.pop("coins", ["BTC"])
        self.collector = OtherVenueCollector(quirks, coins, root, flush_seconds=0.05, through=through)

    def _connect(self) -> Any:
        # ccxt would wait a quarter of a second for the end of an encryption that there is not.
        client = client_of(self._quirks, {"timeout_on_exit": 0, **self.venue.dialect.settings(self.venue.address)})
        self.clients.append(client)
        return client

    async def __aenter__(self) -> "Recorded":
        self._running = asyncio.create_task(self.collector.run(self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._running
        assert all(client.session is None and not client.clients for client in self.clients), "a client was left open"

    def rows(self, stream: Stream, coin: str = "BTC") -> list[dict[str, Any]]:
        """What is recorded so far, by time."""
        store = TickStore(self._root, self._quirks.name)
        return store.read(coin, stream, 0, 2**62).to_pylist()

    async def until(self, stream: Stream, count: int, coin: str = "BTC") -> list[dict[str, Any]]:
        """Wait for that many rows."""
        async with asyncio.timeout(10):
            while len(rows := self.rows(stream, coin)) < count:
                await asyncio.sleep(0.03)
                assert not self._running.done(), self._running.result()
        return rows

    def gaps(self, stream: Stream, reason: str) -> list[dict[str, Any]]:
        """Gaps of a stream that have this reason."""
        return [row for row in self.rows(Stream.GAPS) if (row["stream"], row["reason"]) == (stream, reason)]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests talk to this machine only."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def record(tmp_path: Any) -> Callable[..., Any]:
    """Record a venue while the context lasts."""

    @contextlib.asynccontextmanager
    async def recording(quirks: VenueQuirks, dialect: Dialect, **more: Any) -> AsyncIterator[Recorded]:
        async with SmallVenue(dialect) as venue, Recorded(venue, quirks, tmp_path, **more) as recorded:
            yield recorded

    return recording


def market_of(symbol: str, identity: str, **more: Any) -> dict[str, Any]:
    """ccxt's description of a market."""
    base, rest = symbol.split("/")
    quote = rest.split(":")[0]
    swap = ":" in symbol
    known = {"id": identity, "lowercaseId": identity.lower(), "symbol": symbol, "base": base, "quote": quote,
             "baseId": base, "quoteId": quote, "type": "swap" if swap else "spot", "spot": not swap, "swap": swap,
             "future": False, "option": False, "margin": False, "contract": swap, "linear": swap or None,
             "inverse": False if swap else None, "settle": quote if swap else None, "settleId": quote if swap else None,
             "contractSize": 1.0 if swap else None, "active": True, "precision": {"amount": 1e-5, "price": 0.01},
             "limits": {}, "info": {}}  # fmt: skip
    return known | more


def websocket(address: str, path: str = "") -> str:
    return address.replace("http", "ws", 1) + path


def binance(*, spot: bool = True) -> Dialect:
    """Binance: ``{"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1}``."""
    book = {"lastUpdateId": 100, "bids": [["99.5", "2"], ["99.0", "3"]], "asks": [["100.5", "1"], ["101.0", "4"]]}
    market = market_of("BTC/USDT" if spot else "BTC/USDT:USDT", "BTCUSDT")
    more = market_of("1000PEPE/USDT" if spot else "1000PEPE/USDT:USDT", "1000PEPEUSDT")
    root = "/api/v3" if spot else "/fapi/v1"
    return Dialect(
        topics=lambda request: request["params"],
        answers=lambda request: [{"result": None, "id": request["id"]}],
        rest={f"{root}/time": lambda: {"serverTime": now_ms()}, f"{root}/depth": lambda: book | {"T": 1, "E": 1}},
        settings=lambda address: {
            "markets": {item["symbol"]: item for item in (market, more)},
            "urls": {"api": {"ws": {"spot": websocket(address, "/stream/ws"), "linear": websocket(address, "/ws")},
                             "public": address + "/api/v3", "fapiPublic": address + "/fapi/v1"}},
        },
    )  # fmt: skip


def bybit() -> Dialect:
    """Bybit: ``{"op": "subscribe", "args": ["publicTrade.BTCUSDT"]}``."""
    return Dialect(
        topics=lambda request: request["args"] if request["op"] == "subscribe" else [],
        answers=lambda request: [{"success": True, "ret_msg": "", "op": request["op"], "conn_id": "c"}],
        rest={"/v5/market/time": lambda: {"retCode": 0, "result": {}, "time": now_ms()}},
        settings=lambda address: {
            "markets": {"BTC/USDT:USDT": market_of("BTC/USDT:USDT", "BTCUSDT")},
            "urls": {"api": {"public": address, "ws": {"public": {"linear": websocket(address, "/v5/public/linear")}}}},
        },
    )


def okx() -> Dialect:
    """OKX: ``{"op": "subscribe", "args": [{"channel": "trades", "instId": "BTC-USDT-SWAP"}]}``."""
    return Dialect(
        topics=lambda request: [topic["channel"] for topic in request["args"]],
        answers=lambda request: [{"event": "subscribe", "arg": topic, "connId": "c"} for topic in request["args"]],
        rest={"/api/v5/public/time": lambda: {"code": "0", "msg": "", "data": [{"ts": str(now_ms())}]}},
        settings=lambda address: {
            "markets": {"BTC/USDT:USDT": market_of("BTC/USDT:USDT", "BTC-USDT-SWAP", contractSize=0.01)},
            "urls": {"api": {"rest": address, "ws": websocket(address, "/ws/v5")}},
        },
    )


def dydx() -> Dialect:
    """dYdX: ``{"type": "subscribe", "channel": "v4_trades", "id": "BTC-USD"}``; the answer holds what there is."""
    return Dialect(
        topics=lambda request: [request["channel"]],
        answers=lambda request: [],
        rest={"/v4/time": lambda: {"iso": "", "epoch": now_ms() / 1e3}},
        settings=lambda address: {
            "markets": {"BTC/USDC:USDC": market_of("BTC/USDC:USDC", "BTC-USD")},
            "urls": {"api": {"indexer": address + "/v4", "ws": websocket(address, "/v4/ws")}},
        },
    )


@pytest.fixture
def dialects() -> dict[str, Callable[..., Dialect]]:
    """Dialects by the venue's name."""
    return {"binance": binance, "binanceusdm": lambda: binance(spot=False), "bybit": bybit, "okx": okx, "dydx": dydx}
