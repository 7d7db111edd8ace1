"""The server by itself: malformed requests, websocket manners, latency, speed, start and stop."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from hyperliquid.utils.signing import sign_l1_action

from market_making.market.errors import ConfigurationError
from market_making.market.events import BookSnapshot, Trade
from market_making.market.sides import Direction
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.server import LocalVenue

pytestmark = pytest.mark.timeout(30)
ORDER = {"a": 1, "b": True, "p": "2999.5", "s": "0.1", "r": False, "t": {"limit": {"tif": "Alo"}}}
STOP = {"trigger": {"isMarket": True, "triggerPx": "2900", "tpsl": "sl"}}
QUESTIONS = (
    "spotMeta", "spotMetaAndAssetCtxs", "perpDexs", "meta", "metaAndAssetCtxs", "exchangeStatus", "allMids", "l2Book",
    "recentTrades", "candleSnapshot", "fundingHistory", "userAbstraction", "clearinghouseState",
    "spotClearinghouseState", "orderStatus", "openOrders", "frontendOpenOrders", "historicalOrders", "userFills",
    "userFillsByTime", "userFunding", "userFees", "userRateLimit", "userRole", "maxBuilderFee",
)  # fmt: skip
NETWORK = {"hyperliquidChain": "Mainnet", "signatureChainId": "0x66eee"}
PLACE = {"type": "order", "orders": [ORDER], "grouping": "na"}


@asynccontextmanager
async def running(scripted: Any, **settings: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """A venue in this loop, and an HTTP session with its address as base."""
    settings = {"slow_book_period_s": 0.3, "fast_book_period_s": 0.05, "mids_period_s": 0.1, **settings}
    source = settings.pop("source", None) or scripted()
    venue = LocalVenue(source, VenueConfig(**settings))
    async with aiohttp.ClientSession(await venue.start()) as session:
        try:
            yield session
        finally:
            await venue.stop()


async def ask(session: aiohttp.ClientSession, **request: Any) -> Any:
    async with session.post("/info", json=request) as answer:
        assert answer.status == 200
        return await answer.json()


async def next_of(socket: aiohttp.ClientWebSocketResponse, channel: str) -> Any:
    """Body of the next message of a channel."""
    while True:
        message = await asyncio.wait_for(socket.receive_json(), 5)
        if message["channel"] == channel:
            return message.get("data")


def subscription(method: str = "subscribe", **fields: Any) -> dict[str, Any]:
    return {"method": method, "subscription": fields}


def signed(key: Any, action: dict[str, Any], nonce: int | None = None, **more: Any) -> dict[str, Any]:
    nonce = time.time_ns() // 1_000_000 if nonce is None else nonce
    return {"action": action, "nonce": nonce, "signature": sign_l1_action(key, action, None, nonce, None, True), **more}


def post(number: int, payload: dict[str, Any], kind: str = "action") -> dict[str, Any]:
    return {"method": "post", "id": number, "request": {"type": kind, "payload": payload}}


@pytest.mark.parametrize("path", ["/info", "/exchange"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"type":7}', b'{"action":{}}', b"\xff\xfe", b'"x"'])
async def test_what_cannot_be_read_is_unprocessable(scripted: Any, path: str, body: bytes):
    """Whatever arrives instead of a request is answered by HTTP 422, and the server goes on."""
    async with running(scripted) as session:
        async with session.post(path, data=body) as answer:
            assert answer.status == 422
        assert (await ask(session, type="exchangeStatus"))["specialStatuses"] is None


def mutated(body: Any, chance: random.Random) -> Any:
    """The same body with one value, anywhere in it, replaced by something that does not belong there."""
    strange = [None, True, -1, 2**63, 1e300, 0.5, "", "x", "NaN", "1e400", "-5", "0.00000000000000000001", [], {}, [[]]]
    if chance.random() < 0.3 or not isinstance(body, dict | list) or not body:
        return chance.choice(strange)
    if isinstance(body, list):
        return [mutated(body[0], chance), *body[1:]]
    key = chance.choice(sorted(body))
    return {**body, key: mutated(body[key], chance)}


async def test_no_request_breaks_the_server(scripted: Any, keys: Any):
    """Any change of a valid request, signed or not after it, is answered: carried out, refused or unprocessable."""
    actions = [
        PLACE, {"type": "cancel", "cancels": [{"a": 1, "o": 1}]}, {"type": "scheduleCancel", "time": 1},
        {"type": "order", "orders": [{**ORDER, "t": STOP, "r": True, "c": "0x" + "1" * 32}], "grouping": "positionTpsl",
         "builder": {"b": "0x" + "1" * 40, "f": 1}},
        {"type": "updateLeverage", "asset": 1, "isCross": True, "leverage": 3}, {"type": "setReferrer", "code": "X"},
        {"type": "updateIsolatedMargin", "asset": 1, "isBuy": True, "ntli": 10}, {"type": "noop"},
        {"type": "reserveRequestWeight", "weight": 10}, {"type": "modify", "oid": 1, "order": ORDER},
        {"type": "approveBuilderFee", "maxFeeRate": "0.01%", "builder": "0x" + "1" * 40, "nonce": 1, **NETWORK},
        {"type": "approveAgent", "agentAddress": "0x" + "1" * 40, "agentName": "x", "nonce": 1, **NETWORK},
    ]  # fmt: skip
    questions = [{"type": kind, "user": keys[0].address, "coin": "ETH", "oid": 7, "builder": "0x" + "1" * 40,
                  "req": {"coin": "ETH", "interval": "1m", "startTime": 0, "endTime": 10**13}, "startTime": 0,
                  "endTime": 10**13} for kind in QUESTIONS]  # fmt: skip
    chance, nonce = random.Random(7), time.time_ns() // 1_000_000
    async with running(scripted, accounts=(AccountConfig(keys[0].address),)) as session:
        for number in range(2500):
            action = chance.choice(actions)
            if chance.random() < 0.5:
                action = mutated(action, chance)
                body = signed(keys[0], action, nonce + number) if isinstance(action, dict) else {"action": action}
            else:
                body = mutated(signed(keys[0], action, nonce + number), chance)
            question = mutated(chance.choice(questions), chance)
            for path, request in (("/exchange", body), ("/info", question)):
                async with session.post(path, json=request) as answer:
                    assert answer.status in (200, 422), request


@pytest.mark.parametrize("text", ["{", "7", "{}", '{"method":"dance"}', '{"method":"subscribe"}',
                                  '{"method":"subscribe","subscription":{"type":"userFills","user":"me"}}',
                                  '{"method":"post","id":1,"request":{"type":"x"}}'])  # fmt: skip
async def test_a_websocket_request_that_cannot_be_read_is_an_error_message(scripted: Any, text: str):
    """The connection stays, and the error repeats what was sent."""
    async with running(scripted) as session, session.ws_connect("/ws") as socket:
        await socket.send_str(text)
        assert await next_of(socket, "error") == f"Error parsing JSON into valid websocket request: {text}"
        await socket.send_json({"method": "ping"})
        assert await next_of(socket, "pong") is None


async def test_an_unknown_coin_cuts_the_connection(scripted: Any):
    """A subscription to a coin that is not listed ends the socket without a word, all its feeds with it: code 1006."""
    async with running(scripted) as session, session.ws_connect("/ws") as socket:
        await socket.send_json(subscription(type="bbo", coin="ETH"))
        await next_of(socket, "bbo")
        await socket.send_json(subscription(type="bbo", coin="NOPE"))
        while (await asyncio.wait_for(socket.receive(), 5)).type is not aiohttp.WSMsgType.CLOSED:
            pass
        assert socket.close_code == 1006


async def test_a_subscription_is_acknowledged_once_and_ends_when_asked(scripted: Any):
    """The acknowledgement repeats the request; a second one is an error; after the end nothing more arrives."""
    feed = {"type": "trades", "coin": "ETH"}
    async with running(scripted) as session, session.ws_connect("/ws") as socket:
        await socket.send_json(subscription(**feed))
        assert await next_of(socket, "subscriptionResponse") == {"method": "subscribe", "subscription": feed}
        await socket.send_json(subscription(**feed))
        assert (await next_of(socket, "error")).startswith("Already subscribed")
        await next_of(socket, "trades")
        await socket.send_json(subscription("unsubscribe", **feed))
        assert (await next_of(socket, "subscriptionResponse"))["method"] == "unsubscribe"
        await socket.send_json(subscription("unsubscribe", **feed))
        assert (await next_of(socket, "error")).startswith("Already unsubscribed")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.receive(), 0.4)


async def test_fast_books_have_five_levels_and_slow_ones_twenty(scripted: Any):
    """The two books share a channel; the fast one comes more often and with fewer levels."""
    async with running(scripted) as session, session.ws_connect("/ws") as fast, session.ws_connect("/ws") as slow:
        await fast.send_json(subscription(type="l2Book", coin="ETH", fast=True))
        await slow.send_json(subscription(type="l2Book", coin="ETH"))
        quick = [await next_of(fast, "l2Book") for _ in range(6)]
        calm = [await next_of(slow, "l2Book") for _ in range(2)]
        assert {len(side) for book in quick for side in book["levels"]} == {5}
        assert {len(side) for book in calm for side in book["levels"]} == {20}
        assert quick[-1]["time"] - quick[-2]["time"] < calm[1]["time"] - calm[0]["time"]


async def test_best_quotes_are_sent_on_change_only(scripted: Any, keys: Any):
    """In a market that stands still no quote follows the first one until an order changes the best price."""
    accounts = (AccountConfig(keys[0].address),)
    async with running(scripted, accounts=accounts) as session, session.ws_connect("/ws") as socket:
        await socket.send_json(subscription(type="bbo", coin="BTC"))
        assert (await next_of(socket, "bbo"))["bbo"][0]["px"] == "99999"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.receive(), 0.4)
        order = {**ORDER, "a": 0, "p": "100000", "s": "0.001"}
        async with session.post("/exchange", json=signed(keys[0], {**PLACE, "orders": [order]})) as answer:
            assert "resting" in (await answer.json())["response"]["data"]["statuses"][0]
        assert (await next_of(socket, "bbo"))["bbo"][0] == {"px": "100000", "sz": "0.001", "n": 1}


async def test_a_quote_that_returns_is_news(scripted: Any, keys: Any):
    """A reader who came after a change is told when the quote becomes again what it was before."""
    accounts = (AccountConfig(keys[0].address),)
    order = {**ORDER, "a": 0, "p": "100000", "s": "0.001"}
    async with running(scripted, accounts=accounts) as session:
        async with session.ws_connect("/ws") as first:
            await first.send_json(subscription(type="bbo", coin="BTC"))
            assert (await next_of(first, "bbo"))["bbo"][0]["px"] == "99999"
        async with session.post("/exchange", json=signed(keys[0], {**PLACE, "orders": [order]})) as answer:
            oid = (await answer.json())["response"]["data"]["statuses"][0]["resting"]["oid"]
        async with session.ws_connect("/ws") as second:
            await second.send_json(subscription(type="bbo", coin="BTC"))
            assert (await next_of(second, "bbo"))["bbo"][0]["px"] == "100000"
            cancel = {"type": "cancel", "cancels": [{"a": 0, "o": oid}]}
            async with session.post("/exchange", json=signed(keys[0], cancel)):
                assert (await next_of(second, "bbo"))["bbo"][0]["px"] == "99999"


async def test_a_silent_connection_is_cut(scripted: Any, monkeypatch: pytest.MonkeyPatch):
    """Without a message for the time the exchange allows the socket ends; a ping is answered, which keeps it."""
    monkeypatch.setattr("market_making.venue.protocol.connection.SILENCE_S", 0.3)
    async with running(scripted) as session, session.ws_connect("/ws") as quiet, session.ws_connect("/ws") as lively:
        for _ in range(5):
            await asyncio.sleep(0.15)
            await lively.send_json({"method": "ping"})
            await next_of(lively, "pong")
        assert (await quiet.receive()).type is aiohttp.WSMsgType.CLOSED
        assert not lively.closed


async def test_questions_and_actions_go_by_websocket_too(scripted: Any, keys: Any):
    """A post of type info or action is answered under its id, a malformed one with an error of that id."""
    accounts = (AccountConfig(keys[0].address),)
    async with running(scripted, accounts=accounts) as session, session.ws_connect("/ws") as socket:
        await socket.send_json(post(7, {"type": "l2Book", "coin": "ETH"}, "info"))
        posted = await next_of(socket, "post")
        assert (posted["id"], posted["response"]["payload"]["data"]["coin"]) == (7, "ETH")
        await socket.send_json(post(8, signed(keys[0], PLACE)))
        assert (await next_of(socket, "post"))["response"]["payload"]["status"] == "ok"
        await socket.send_json(post(9, {}))
        assert (await next_of(socket, "post"))["response"]["type"] == "error"


async def test_orders_and_data_have_their_latency(scripted: Any, keys: Any):
    """An action takes effect after the order latency and is answered a data latency later; data alone is quicker."""
    accounts = (AccountConfig(keys[0].address),)
    settings = {"accounts": accounts, "order_latency_ms": 80, "data_latency_ms": 40}
    async with running(scripted, **settings) as session:
        began = time.monotonic()
        await ask(session, type="allMids")
        asked = time.monotonic()
        async with session.post("/exchange", json=signed(keys[0], PLACE)):
            pass
        answered = time.monotonic()
        assert asked - began >= 0.04
        assert answered - asked >= 0.12
        user = keys[0].address
        (order,) = await ask(session, type="openOrders", user=user)
        assert order["timestamp"] - (time.time() - (time.monotonic() - asked)) * 1000 >= 79


async def test_posts_wait_for_their_latency_beside_each_other(scripted: Any, keys: Any):
    """Posts on one websocket are all answered one latency after they came, a ping and a question among them at once."""
    accounts, nonce = (AccountConfig(keys[0].address),), time.time_ns() // 1_000_000
    settings = {"accounts": accounts, "order_latency_ms": 400}
    async with running(scripted, **settings) as session, session.ws_connect("/ws") as socket:
        posts = [post(number, signed(keys[0], PLACE, nonce + number)) for number in range(5)]
        began = time.monotonic()
        for message in posts:
            await socket.send_json(message)
        await socket.send_json({"method": "ping"})
        await socket.send_json(post(9, {"type": "allMids"}, "info"))
        assert (await asyncio.wait_for(socket.receive_json(), 5))["channel"] == "pong"
        assert (await next_of(socket, "post"))["id"] == 9
        assert time.monotonic() - began < 0.4
        assert [(await next_of(socket, "post"))["id"] for _ in posts] == [0, 1, 2, 3, 4]
        assert 0.4 <= time.monotonic() - began < 1.2


@pytest.mark.parametrize("latency_ms", [0.0, 50.0])
async def test_actions_are_carried_out_in_the_order_of_receipt(scripted: Any, keys: Any, latency_ms: float):
    """Of posts that come at the same moment the first gets the lowest order id, whatever the latency."""
    accounts, nonce = (AccountConfig(keys[0].address),), time.time_ns() // 1_000_000
    settings = {"accounts": accounts, "order_latency_ms": latency_ms}
    async with running(scripted, **settings) as session, session.ws_connect("/ws") as socket:
        posts = [post(number, signed(keys[0], PLACE, nonce + number)) for number in range(60)]
        for message in posts:
            await socket.send_json(message)
        answers = [await next_of(socket, "post") for _ in posts]
        assert [answer["id"] for answer in answers] == list(range(60))
        statuses = [answer["response"]["payload"]["response"]["data"]["statuses"][0] for answer in answers]
        oids = [status["resting"]["oid"] for status in statuses]
        assert oids == list(range(oids[0], oids[0] + 60))


async def test_a_hundred_posts_may_wait_at_once(scripted: Any, keys: Any):
    """The post beyond them is refused with its id, the others are answered, and then there is room again."""
    accounts = (AccountConfig(keys[0].address),)
    settings = {"accounts": accounts, "order_latency_ms": 1_000}
    async with running(scripted, **settings) as session, session.ws_connect("/ws") as socket:
        body = signed(keys[0], PLACE)
        for number in range(101):
            await socket.send_json(post(number, body))
        assert await next_of(socket, "error") == "too many pending post requests id=100"
        assert [(await next_of(socket, "post"))["id"] for _ in range(100)] == list(range(100))
        await socket.send_json(post(101, body))
        assert (await next_of(socket, "post"))["id"] == 101


async def test_a_post_ends_with_its_connection(scripted: Any, keys: Any):
    """An action that has not arrived when its websocket is closed is not carried out, and holds up nobody."""
    accounts, nonce = (AccountConfig(keys[0].address),), time.time_ns() // 1_000_000
    async with running(scripted, accounts=accounts, order_latency_ms=500) as session:
        async with session.ws_connect("/ws") as socket:
            await socket.send_json(post(1, signed(keys[0], PLACE, nonce)))
            await socket.send_json({"method": "ping"})
            await next_of(socket, "pong")
        async with session.post("/exchange", json=signed(keys[0], PLACE, nonce + 1)) as answer:
            assert (await answer.json())["status"] == "ok"
        assert len(await ask(session, type="openOrders", user=keys[0].address)) == 1


async def test_a_post_that_breaks_cuts_its_connection(scripted: Any, monkeypatch: pytest.MonkeyPatch):
    """Nobody waits for an answer that will never come."""

    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("market_making.venue.protocol.info.Info.answer", broken)
    async with running(scripted) as session, session.ws_connect("/ws") as socket:
        await socket.send_json(post(1, {"type": "allMids"}, "info"))
        assert (await asyncio.wait_for(socket.receive(), 5)).type is aiohttp.WSMsgType.CLOSED


async def test_speed_compresses_the_market_into_real_time(scripted: Any):
    """At speed 20 the market's 100 ms between prints become 5 ms, also in the stamps."""
    async with running(scripted, speed=20.0, trade_backlog=50) as session:
        async with asyncio.timeout(10):
            while len(trades := await ask(session, type="recentTrades", coin="ETH")) < 50:
                await asyncio.sleep(0.05)
        assert 240 <= trades[0]["time"] - trades[-1]["time"] <= 250
        assert abs(trades[0]["time"] - time.time() * 1000) < 2_000


async def test_a_client_finds_candles_of_the_past(scripted: Any):
    """With a history the first question already finds closed candles, and the market goes on seamlessly."""
    async with running(scripted, history_s=300.0) as session:
        now_ms = time.time_ns() // 1_000_000
        wanted = {"coin": "ETH", "interval": "1m", "startTime": now_ms - 300_000, "endTime": now_ms}
        candles = await ask(session, type="candleSnapshot", req=wanted)
        assert len(candles) >= 5
        assert all(candle["n"] >= 599 for candle in candles[1:-1])


async def test_a_price_exists_before_the_first_client_asks(scripted: Any, scripted_book: Any):
    """A market whose first book comes a little late is played ahead to it: the tick clients derive is right at once."""

    def late(start_ms: int) -> Iterator[BookSnapshot | Trade]:
        yield Trade("ETH", start_ms + 10, Direction.BUY, 3000.1, 1.0, "1")
        for coin in ("BTC", "ETH"):
            yield scripted_book(coin, start_ms + 5_000)

    async with running(scripted, source=scripted(late)) as session:
        _, contexts = await ask(session, type="metaAndAssetCtxs")
        assert [context["markPx"] for context in contexts] == ["100000", "3000"]


async def test_a_market_that_ends_stands_still(scripted: Any, scripted_book: Any):
    """After the last event of a recording the venue goes on to answer."""

    def short(start_ms: int) -> Iterator[BookSnapshot | Trade]:
        for coin in ("BTC", "ETH"):
            yield scripted_book(coin, start_ms)

    async with running(scripted, source=scripted(short)) as session:
        await asyncio.sleep(0.2)
        assert (await ask(session, type="allMids"))["ETH"] == "3000"


async def test_the_audit_is_for_everybody_or_one(scripted: Any, keys: Any):
    """GET /audit lists all accounts; with a user it is that one's report, of an unknown one an empty report."""
    accounts = (AccountConfig(keys[0].address), AccountConfig(keys[1].address, balance=5.0))
    async with running(scripted, accounts=accounts) as session:
        async with session.get("/audit") as answer:
            assert [report["deposits"] for report in await answer.json()] == [10_000.0, 5.0]
        async with session.get("/audit", params={"user": keys[1].address}) as answer:
            assert (await answer.json())["equity"] == 5.0
        async with session.get("/audit", params={"user": "0x" + "7" * 40}) as answer:
            assert (await answer.json())["post_only_share"] is None


async def test_twenty_clients_are_served_at_once(scripted: Any, keys: Any):
    """Orders of twenty clients at once are all accepted, seen by all of them, and cancelled again."""
    accounts = tuple(AccountConfig(key.address) for key in keys)
    async with running(scripted, accounts=accounts) as session:
        sockets = [await session.ws_connect("/ws") for _ in range(20)]
        for socket in sockets:
            await socket.send_json(subscription(type="orderUpdates", user=keys[0].address))
            await next_of(socket, "subscriptionResponse")
        nonce = time.time_ns() // 1_000_000

        async def place(number: int) -> int:
            async with session.post("/exchange", json=signed(keys[0], PLACE, nonce + number)) as answer:
                return (await answer.json())["response"]["data"]["statuses"][0]["resting"]["oid"]

        oids = await asyncio.gather(*(place(number) for number in range(100)))
        assert len(set(oids)) == 100
        for socket in sockets:
            seen = [(await next_of(socket, "orderUpdates"))[0]["order"]["oid"] for _ in oids]
            assert sorted(seen) == sorted(oids)
        cancel = {"type": "cancel", "cancels": [{"a": 1, "o": oid} for oid in oids]}
        async with session.post("/exchange", json=signed(keys[0], cancel, nonce + 200)) as answer:
            assert set((await answer.json())["response"]["data"]["statuses"]) == {"success"}
        for socket in sockets:
            await socket.close()


async def test_stopping_closes_sockets_and_frees_the_port(scripted: Any):
    """After a stop clients are disconnected, and the same port can be used again."""
    async with running(scripted) as session:
        port = session._base_url.port
        socket = await session.ws_connect("/ws")
    assert (await asyncio.wait_for(socket.receive(), 5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    async with running(scripted, port=port) as session:
        assert await ask(session, type="perpDexs") == [None]


PROGRAM = """
import logging, sys
from market_making.venue.config import VenueConfig
from market_making.simulation.presets import default_truths
from market_making.venue.server import run
from market_making.simulation.simulation import SimulatedSource
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
run(SimulatedSource(default_truths(["ETH"])), VenueConfig())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_ends_on_a_signal(number: signal.Signals):
    """As a program the venue tells where it serves, and ends in order when it is told to."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "serving on http://127.0.0.1:" in process.stdout.readline()
        os.kill(process.pid, number)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


@pytest.mark.parametrize("settings", [
    {"host": "0.0.0.0"}, {"speed": 0.0}, {"speed": float("nan")}, {"order_latency_ms": -1.0},
    {"fast_book_period_s": 0.0}, {"abstraction": "new"},
])  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]):
    """The message names the setting and what was seen; the venue never listens to other machines."""
    (name,) = settings
    with pytest.raises(ConfigurationError, match=f"{name} must be"):
        VenueConfig(**settings)
