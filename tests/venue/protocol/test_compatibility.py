"""What programs nobody here wrote rely on: the order of news, full answers, numbers without noise."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import ccxt
import pytest
from hyperliquid.info import Info
from hyperliquid.utils.signing import sign_l1_action

from market_making.hyperliquid.feed import Feed, RateLimits
from market_making.hyperliquid.market_data import Greeting, Subscription, format_frame, parse_frame
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.sides import Direction
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.server import LocalVenue

pytestmark = pytest.mark.timeout(30)
ETH = "ETH/USDC:USDC"
CLOID, OTHER_CLOID = "0x" + "1" * 32, "0x" + "2" * 32


class Client:
    """Speaks JSON for one account and listens to its order updates."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, key: Any) -> None:
        self.session = session
        self.socket = socket
        self.key = key
        self._nonce = time.time_ns() // 1_000_000

    async def act(self, **action: Any) -> Any:
        self._nonce += 1
        signature = sign_l1_action(self.key, action, None, self._nonce, None, True)
        body = {"action": action, "nonce": self._nonce, "signature": signature}
        async with self.session.post("/exchange", json=body) as answer:
            return await answer.json()

    async def place(self, **changes: Any) -> int:
        answer = await self.act(type="order", orders=[wire(**changes)], grouping="na")
        (status,) = answer["response"]["data"]["statuses"]
        return int(next(iter(status.values()))["oid"])

    async def ask(self, kind: str, **more: Any) -> Any:
        async with self.session.post("/info", json={"type": kind, "user": self.key.address, **more}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def news(self) -> list[tuple[int, str]]:
        """Order id and status of each entry of the next message of the account's orders."""
        while (message := await asyncio.wait_for(self.socket.receive_json(), 5))["channel"] != "orderUpdates":
            pass
        return [(update["order"]["oid"], update["status"]) for update in message["data"]]


@asynccontextmanager
async def running(scripted: Any, keys: Any, **settings: Any) -> AsyncIterator[Client]:
    script = settings.pop("script", None)
    config = VenueConfig(accounts=tuple(AccountConfig(key.address) for key in keys[:2]), **settings)
    venue = LocalVenue(scripted(script), config)
    async with aiohttp.ClientSession(await venue.start()) as session, session.ws_connect("/ws") as socket:
        subscription = {"type": "orderUpdates", "user": keys[0].address}
        await socket.send_json({"method": "subscribe", "subscription": subscription})
        try:
            yield Client(session, socket, keys[0])
        finally:
            await venue.stop()


def wire(**changes: Any) -> dict[str, Any]:
    return {"a": 1, "b": True, "p": "2999.5", "s": "0.1", "r": False, "t": {"limit": {"tif": "Alo"}}, **changes}


async def test_a_modify_is_told_as_new_before_the_old_ends(scripted: Any, keys: Any):
    """One message: the new order is open, then the old one is cancelled; a program that follows the client order id
    never sees a moment without a live order. With an order that fills at once the fill comes third."""
    async with running(scripted, keys) as client:
        old = await client.place(c=CLOID)
        assert await client.news() == [(old, "open")]
        await client.act(type="batchModify", modifies=[{"oid": old, "order": wire(p="2999.4", c=CLOID)}])
        ((new, first), (gone, second)) = await client.news()
        assert (gone, first, second) == (old, "open", "canceled")
        order = wire(p="3001", t={"limit": {"tif": "Gtc"}}, c=CLOID)
        await client.act(type="modify", oid=CLOID, order=order)
        told = await client.news()
        while told[-1][1] != "filled":
            told += await client.news()
        assert [status for _, status in told] == ["open", "canceled", "filled"]
        assert [oid for oid, _ in told] == [told[0][0], new, told[0][0]]
        assert told[0][0] > new


async def test_orders_of_a_batch_are_told_in_one_message(scripted: Any, keys: Any):
    """What one action did to an account's orders is one list, in the order in which it happened."""
    async with running(scripted, keys) as client:
        await client.act(type="order", orders=[wire(c=CLOID), wire(p="2999.4", c=OTHER_CLOID)], grouping="na")
        assert [status for _, status in await client.news()] == ["open", "open"]


async def test_the_history_has_an_entry_for_each_status(scripted: Any, keys: Any):
    """Newest status first: an order that was cancelled is there as open and as canceled, a refused one once."""
    async with running(scripted, keys) as client:
        cancelled, open_now = await client.place(), await client.place(p="2999.4")
        await client.act(type="cancel", cancels=[{"a": 1, "o": cancelled}])
        await client.act(type="order", orders=[wire(p="3001")], grouping="na")
        history = await client.ask("historicalOrders")
        stamps = [entry["statusTimestamp"] for entry in history]
        assert all(later >= earlier for later, earlier in pairwise(stamps))
        seen = Counter((entry["order"]["oid"], entry["status"]) for entry in history)
        assert seen == {
            (cancelled, "open"): 1, (cancelled, "canceled"): 1, (open_now, "open"): 1,
            (open_now + 1, "badAloPxRejected"): 1,
        }  # fmt: skip


def noisy(start_ms: int) -> Any:
    """Mids that have no short sum: 0.1 steps around prices like 202.6 add up to 202.64999999999998."""
    for number in range(10_000):
        low = round(202.6 + 0.01 * (number % 30), 2)
        bids, asks = ((Level(round(low + shift, 2), 5.0),) for shift in (0.0, 0.09))
        for coin in ("BTC", "ETH"):
            yield BookSnapshot(coin, start_ms + 20 * number, bids, asks)
            side = Direction.SELL if number % 2 else Direction.BUY
            yield Trade(coin, start_ms + 20 * number, side, round(low + 0.09, 2), 1.5, str(number + 1), "0xaa")


async def test_no_number_carries_noise(scripted: Any, keys: Any):
    """A mid has one decimal more than a price at most, whatever the two sides add up to."""
    async with running(scripted, keys, script=noisy) as client:
        for _ in range(30):
            for price in (await client.ask("allMids")).values():
                assert len(price) <= len("202.645")
            _, contexts = await client.ask("metaAndAssetCtxs")
            for context in contexts:
                for price in (context["midPx"], context["markPx"], context["prevDayPx"], *context["impactPxs"]):
                    assert len(price.replace(".", "")) <= 8, context
            await asyncio.sleep(0.02)


async def test_a_ticker_has_spread_volume_and_yesterday(scripted: Any, keys: Any):
    """Impact prices are what the impact notional costs on either side; the day's volume is what was printed; its first
    price is the one a day ago, as far as the market is known."""
    async with running(scripted, keys, history_s=600) as client:
        candles = await client.ask(
            "candleSnapshot", req={"coin": "ETH", "interval": "1d", "startTime": 0, "endTime": int(time.time() * 1000)}
        )
        _, contexts = await client.ask("metaAndAssetCtxs")
        eth = contexts[1]
        assert float(eth["impactPxs"][0]) == pytest.approx(2999.7, abs=0.11)  # 20,000 USDC at 2 coins a level
        assert float(eth["impactPxs"][1]) == pytest.approx(3000.3, abs=0.11)
        printed = sum(float(candle["v"]) for candle in candles)
        assert float(eth["dayBaseVlm"]) == pytest.approx(printed, rel=0.02)
        assert float(eth["dayNtlVlm"]) == pytest.approx(3000 * printed, rel=0.02)
        assert float(eth["prevDayPx"]) == pytest.approx(3000, abs=0.2)


async def test_the_requests_of_other_clients_are_answered(scripted: Any, keys: Any):
    """Each in the form its clients read: lists are lists, tables have tiers, the master's overview holds everything."""
    async with running(scripted, keys) as client:
        await client.place()
        (meta,) = await client.ask("allPerpMetas")
        assert meta == await client.ask("meta")
        numbers = {table: tiers for table, tiers in meta["marginTables"]}
        for asset in meta["universe"]:
            assert numbers[asset["marginTableId"]]["marginTiers"][0]["maxLeverage"] == asset["maxLeverage"]
        assert await client.ask("marginTable", id=25) == numbers[25]
        data = await client.ask("activeAssetData", coin="ETH")
        assert (data["leverage"], data["markPx"]) == ({"type": "cross", "value": 20}, "3000.0")
        assert [float(size) for size in data["maxTradeSzs"]] == pytest.approx([66.6666, 66.6666], abs=1e-4)
        fundings = await client.ask("predictedFundings")
        assert [coin for coin, _ in fundings] == ["BTC", "ETH"]
        assert fundings[0][1][0][0] == "HlPerp"
        assert await client.ask("extraAgents") == []
        assert await client.ask("subAccounts") is None
        assert await client.ask("perpsAtOpenInterestCap") == []
        assert (await client.ask("referral"))["referrerState"]["stage"] == "needToTrade"
        spans = dict(await client.ask("portfolio"))
        assert [value for _, value in spans["day"]["accountValueHistory"]] == ["10000.0", "10000.0"]
        overview = await client.ask("webData2")
        assert len(overview["openOrders"]) == 1
        assert overview["clearinghouseState"]["marginSummary"]["accountValue"] == "10000.0"


@pytest.mark.parametrize("channel", ["webData3", "activeAssetData", "userNonFundingLedgerUpdates", "notification"])
async def test_the_streams_of_other_clients_begin(scripted: Any, keys: Any, channel: str):
    """Each is acknowledged, and begins with its state where it has one."""
    async with running(scripted, keys) as client:
        subscription = {"type": channel, "user": keys[0].address, "coin": "ETH"}
        await client.socket.send_json({"method": "subscribe", "subscription": subscription})
        seen = []
        while "subscriptionResponse" not in seen[1:] and (channel == "notification" or channel not in seen):
            message = await asyncio.wait_for(client.socket.receive_json(), 5)
            assert message["channel"] != "error", message
            seen.append(message["channel"])


async def test_a_stream_that_the_exchange_has_ended_is_refused(scripted: Any, keys: Any):
    """Since August 2026 ``webData2`` is a question only; ``webData3`` tells of the account and of each dex."""
    async with running(scripted, keys) as client:
        for channel in ("webData2", "webData3"):
            subscription = {"type": channel, "user": keys[0].address}
            await client.socket.send_json({"method": "subscribe", "subscription": subscription})
        told: dict[str, Any] = {}
        while "webData3" not in told:
            message = await asyncio.wait_for(client.socket.receive_json(), 5)
            told[message["channel"]] = message["data"]
        assert "webData2" not in told
        assert told["error"].startswith("Error parsing JSON into valid websocket request")
        assert told["webData3"]["userState"]["user"] == keys[0].address.lower()
        assert told["webData3"]["perpDexStates"] == [{"totalVaultEquity": "0.0", "perpsAtOpenInterestCap": []}]


async def test_a_dex_that_does_not_exist_is_refused_in_streams_too(scripted: Any, keys: Any):
    """Nobody gets the main dex under another's name."""
    async with running(scripted, keys) as client:
        subscription = {"type": "allMids", "dex": "xyz"}
        await client.socket.send_json({"method": "subscribe", "subscription": subscription})
        channels = []
        while "error" not in channels:
            channels.append((await asyncio.wait_for(client.socket.receive_json(), 5))["channel"])
        assert "allMids" not in channels


async def test_a_greeting_is_read_and_disturbs_nobody(scripted: Any, keys: Any):
    """A connection may begin with plain text: the collector's reader takes it, and the official SDK too."""
    async with running(scripted, keys, greeting=True) as client, client.session.ws_connect("/ws") as socket:
        text = (await asyncio.wait_for(socket.receive(), 5)).data
        assert parse_frame(text) == parse_frame(text.encode()) == Greeting()
        assert format_frame(Greeting()).decode() == text


class Ear:
    """Takes what a collector's connection receives."""

    def __init__(self) -> None:
        self.frames: list[Any] = []
        self.malformed_ones: list[Any] = []

    async def tradable(self) -> set[str]:
        return {"ETH"}

    def received(self, frame: Any, receipt: Any) -> None:
        self.frames.append(frame)

    def lost(self, subscription: Any, reason: str) -> None: ...

    def malformed(self, error: Exception) -> None:
        self.malformed_ones.append(error)


async def test_the_collector_takes_the_greeting_for_what_it_is(scripted: Any, keys: Any):
    """No message counts as malformed, so the report of a real change of format is not used up by reconnections."""
    async with running(scripted, keys, greeting=True) as client:
        ear = Ear()
        address = f"ws{str(client.session._base_url).rstrip('/').removeprefix('http')}/ws"
        feed = Feed(address, [Subscription("bbo", "ETH")], ear, RateLimits())  # type: ignore[arg-type]
        receiving = asyncio.create_task(feed.run(client.session))
        async with asyncio.timeout(5):
            while not ear.frames:
                await asyncio.sleep(0.02)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        assert ear.malformed_ones == []


def test_the_sdk_knows_the_greeting(serve: Any, scripted: Any, keys: Any):
    """Messages follow it as always."""

    with serve(VenueConfig(greeting=True, mids_period_s=0.1), scripted()) as url:
        arrived, info = threading.Event(), Info(url)
        info.subscribe({"type": "allMids"}, lambda _: arrived.set())
        assert arrived.wait(5)
        info.ws_manager.ws.send('{"method":"subscribe","subscription":{"type":"trades","coin":"NOT LISTED"}}')
        info.ws_manager.join(5)
        info.ws_manager.stop()
        info.session.close()


def test_ccxts_ticker_has_two_sides(serve: Any, scripted: Any):
    """bid < last < ask and a volume, so that a bot that prices by tickers or ranks by volume can work."""
    with serve(VenueConfig(history_s=600), scripted()) as url:
        client = ccxt.hyperliquid({"urls": {"api": {"public": url, "private": url}}, "rateLimit": 1})
        ticker = client.fetch_tickers([ETH])[ETH]
        assert ticker["bid"] < ticker["last"] < ticker["ask"]
        assert ticker["quoteVolume"] > 1_000_000
        client.session.close()
