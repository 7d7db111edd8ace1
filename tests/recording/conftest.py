"""A small exchange on a real socket, whose faults a test chooses, and strategies for events."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import orjson
import pytest
import pytest_asyncio
from aiohttp import WSMsgType, web

from market_making.hyperliquid.feed import Timing
from market_making.hyperliquid.listings import universe_fields
from market_making.hyperliquid.market_data import Acknowledged, Pong, Subscription, format_frame
from market_making.hyperliquid.spot_listings import pair_fields, spot_meta_fields, token_fields
from market_making.market.events import BestQuote, BookSnapshot, Level, Trade
from market_making.market.identity import Kind, Market
from market_making.market.instrument import Listing
from market_making.market.sides import Direction
from market_making.recording.collection.collector import CollectorOptions

LISTINGS = (Listing("BTC", 5, 40), Listing("ETH", 4, 25), Listing("OLD", 2, 3, delisted=True))


def now_ms() -> int:
    """Time of now in the exchange's unit."""
    return time.time_ns() // 1_000_000


class SmallExchange:
    """Speaks the public market data protocol; repeats books as the exchange does, and fails on demand.

    As on the real one, a subscription to a coin that is not listed ends the connection without a word.
    """

    def __init__(self) -> None:
        self.listings = LISTINGS
        self.others: tuple[Market, ...] = ()
        self.unreadable_answers: set[str] = set()
        self.beat_s = 0.02
        self.most_sockets = self.most_subscriptions = 0
        self.volumes: dict[str, float] = {}
        self.backlog: list[Trade] = []
        self.silent = False
        self.deaf_coins: set[str] = set()
        self.connections = 0
        self.refused_connections = 0
        self.clock_ahead_ms = 0
        self.unsubscribed: list[Subscription] = []
        self._sockets: dict[web.WebSocketResponse, set[Subscription]] = {}
        self._bids = 0

    async def __aenter__(self) -> "SmallExchange":
        """Listen on a free port."""
        application = web.Application()
        application.router.add_post("/info", self._info)
        application.router.add_get("/ws", self._websocket)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self._repeating = asyncio.create_task(self._repeat_books())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close everything."""
        self._repeating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._repeating
        await self.drop_connections()
        await self._runner.cleanup()

    def subscribers(self, subscription: Subscription) -> list[web.WebSocketResponse]:
        """Connections that have this subscription."""
        return [socket for socket, subscriptions in self._sockets.items() if subscription in subscriptions]

    async def subscribed(self, *subscriptions: Subscription) -> None:
        """Wait until somebody has all of these."""
        while not all(self.subscribers(subscription) for subscription in subscriptions):
            await asyncio.sleep(0.005)

    async def send(self, subscription: Subscription, text: bytes) -> None:
        """Send one message to everyone who has the subscription."""
        for socket in self.subscribers(subscription):
            with contextlib.suppress(ConnectionError):
                await socket.send_str(text.decode())

    async def quote(self, quote: BestQuote) -> None:
        """Publish a best quote."""
        await self.send(Subscription("bbo", quote.coin), format_frame(quote))

    async def trade(self, *trades: Trade) -> None:
        """Publish trades of one coin."""
        await self.send(Subscription("trades", trades[0].coin), format_frame(trades))

    def forget(self, *coins: str) -> None:
        """Send no more of these coins until they are subscribed to again."""
        for subscriptions in self._sockets.values():
            subscriptions.difference_update([each for each in subscriptions if each.coin in coins])

    async def drop_connections(self) -> None:
        """End all connections abnormally (1006 at the other end: no closing frame)."""
        for socket in list(self._sockets):
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)

    async def _info(self, request: web.Request) -> web.Response:
        question = await request.json()
        if question["type"] in self.unreadable_answers:
            return web.Response(body=b"<html>", content_type="text/html")
        dexes = {market.dex.name: market.dex.place for market in self.others if market.kind is Kind.PERPETUAL}
        listed = self._perpetuals_of(question.get("dex", ""))
        answers = {
            "meta": universe_fields(listed),
            "exchangeStatus": {"time": now_ms() + self.clock_ahead_ms},
            "perpDexs": [None, *({"name": name} for name in dexes)],
            "metaAndAssetCtxs": [universe_fields(listed), [self._volume(listing.coin) for listing in listed]],
            "spotMetaAndAssetCtxs": self._spot(),
            "allPerpMetas": [universe_fields(self._perpetuals_of(name)) for name in ("", *dexes)],
            "spotMeta": self._spot()[0],
        }
        return web.Response(body=orjson.dumps(answers[question["type"]]), content_type="application/json")

    def _perpetuals_of(self, dex: str) -> tuple[Listing, ...]:
        perpetuals = [market for market in self.others if market.kind is Kind.PERPETUAL and market.dex.name == dex]
        return (*(self.listings if not dex else ()), *(market.listing for market in perpetuals))

    def _spot(self) -> tuple[dict, list[dict | None]]:
        pairs = {market.asset - 10_000: market for market in self.others if market.kind is Kind.SPOT}
        tokens = [token_fields(index, market.tokens.base, 2) for index, market in pairs.items()]
        universe = [pair_fields(market.wire, index, index, 0) for index, market in pairs.items()]
        contexts = [self._volume(pairs[at].wire) if at in pairs else None for at in range(max(pairs, default=0) + 1)]
        return spot_meta_fields([token_fields(0, "USDC", 8), *tokens], universe), contexts

    def _volume(self, coin: str) -> dict:
        return {"dayNtlVlm": str(self.volumes.get(coin, 0.0))}

    @property
    def tradable(self) -> list[str]:
        """What may be subscribed to."""
        listed = (*self.listings, *(market.listing for market in self.others))
        return [listing.coin for listing in listed if not listing.delisted]

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        if self.refused_connections:
            self.refused_connections -= 1
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self._sockets[socket] = set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._request(socket, orjson.loads(message.data))
        finally:
            del self._sockets[socket]
        return socket

    async def _request(self, socket: web.WebSocketResponse, request: dict) -> None:
        if request["method"] == "ping":
            await socket.send_str(format_frame(Pong()).decode())
            return
        fields = request["subscription"]
        subscription = Subscription(fields["type"], fields.get("coin", ""), fields.get("fast", False))
        if subscription.coin not in {"", *self.tradable}:
            socket._req.transport.abort()
            return
        if request["method"] == "unsubscribe":
            self._sockets[socket].discard(subscription)
            self.unsubscribed.append(subscription)
            return
        await socket.send_str(format_frame(Acknowledged(subscription)).decode())
        self._sockets[socket].add(subscription)
        self.most_sockets = max(self.most_sockets, len(self._sockets))
        self.most_subscriptions = max(self.most_subscriptions, sum(map(len, self._sockets.values())))
        backlog = tuple(trade for trade in self.backlog if trade.coin == subscription.coin)
        if subscription.channel == "trades" and backlog:
            await socket.send_str(format_frame(backlog).decode())

    async def _repeat_books(self) -> None:
        beats = 0
        while True:
            beats += 1
            for coin in self.tradable:
                if not self.silent and coin not in self.deaf_coins:
                    await self._book(coin, fast=True)
                    if beats % 4 == 1:
                        await self._book(coin, fast=False)
            await asyncio.sleep(self.beat_s)

    async def _book(self, coin: str, *, fast: bool) -> None:
        depth = 5 if fast else 20
        levels = [Level(100.0 - level, 1.0 + level, 1) for level in range(depth)]
        asks = [Level(101.0 + level, 1.0 + level, 1) for level in range(depth)]
        book = BookSnapshot(coin, now_ms(), tuple(levels), tuple(asks))
        await self.send(Subscription("l2Book", coin, fast), format_frame(book))


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[SmallExchange]:
    """An exchange that lists BTC, ETH and the delisted OLD, on a free port of this machine."""
    async with SmallExchange() as running:
        yield running


@pytest.fixture
def hurried() -> CollectorOptions:
    """Connections a hundred times less patient than in earnest."""
    timing = Timing(
        ping_s=0.2,
        fast_book_silence_s=0.3,
        book_silence_s=0.6,
        context_silence_s=60.0,
        acknowledgement_s=0.5,
        check_s=0.02,
        first_delay_s=0.01,
        longest_delay_s=0.05,
        connect_s=1.0,
    )
    return CollectorOptions(timing=timing)


@pytest.fixture
def now() -> Callable[[], int]:
    """The exchange's clock [ms]."""
    return now_ms


@pytest.fixture
def make_quote() -> Callable[..., BestQuote]:
    """A best quote of ETH, one wide."""

    def make(time_ms: int, bid: float = 100.0) -> BestQuote:
        return BestQuote("ETH", time_ms, Level(bid, 1.0, 1), Level(bid + 1, 2.0, 1))

    return make


@pytest.fixture
def make_trade() -> Callable[..., Trade]:
    """A market buy of one ETH."""

    def make(time_ms: int, trade_id: int) -> Trade:
        return Trade("ETH", time_ms, Direction.BUY, 101.0, 1.0, str(trade_id), f"0x{trade_id:064x}", "0xb", "0xs")

    return make
