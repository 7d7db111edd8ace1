"""What a client sees of each fault, by HTTP and websocket, and that the venue's own books stay exact."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from hyperliquid.utils.signing import sign_l1_action

from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.faults.document import Faults
from market_making.venue.faults.effects import CANCELLATIONS
from market_making.venue.server import LocalVenue

pytestmark = pytest.mark.timeout(60)
SHORT = aiohttp.ClientTimeout(total=0.5)


class Client:
    """Somebody with a key; every request on a connection of its own, so that one that is cut spoils no other."""

    def __init__(self, session: aiohttp.ClientSession, key: Any) -> None:
        self.session = session
        self.key = key
        self._nonce = time.time_ns() // 1_000_000

    def signed(self, action: dict[str, Any]) -> dict[str, Any]:
        self._nonce += 1
        signature = sign_l1_action(self.key, action, None, self._nonce, None, True)
        return {"action": action, "nonce": self._nonce, "signature": signature}

    async def post(self, path: str, body: Any, timeout: aiohttp.ClientTimeout | None = None) -> tuple[int, Any]:
        headers = {"Connection": "close"}
        async with self.session.post(path, json=body, headers=headers, timeout=timeout) as answer:
            return answer.status, await answer.json(content_type=None) if answer.status == 200 else await answer.text()

    async def act(self, timeout: aiohttp.ClientTimeout | None = None, **action: Any) -> tuple[int, Any]:
        return await self.post("/exchange", self.signed(action), timeout)

    async def place(self, timeout: aiohttp.ClientTimeout | None = None, **changes: Any) -> tuple[int, Any]:
        order = {"a": 1, "b": True, "p": "2999.5", "s": "0.1", "r": False, "t": {"limit": {"tif": "Alo"}}, **changes}
        return await self.act(timeout, type="order", orders=[order], grouping="na")

    async def ask(self, kind: str, **more: Any) -> Any:
        status, answer = await self.post("/info", {"type": kind, "user": self.key.address, "coin": "ETH", **more})
        assert status == 200
        return answer

    async def open_orders(self) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = await self.ask("frontendOpenOrders")
        return answer

    async def inject(self, *faults: dict[str, Any]) -> None:
        status, answer = await self.post("/faults", {"faults": list(faults)})
        assert status == 200, answer

    async def strikes(self) -> list[dict[str, Any]]:
        async with self.session.get("/faults") as answer:
            return list((await answer.json())["strikes"])


@asynccontextmanager
async def running(scripted: Any, keys: Any, *faults: dict[str, Any], **settings: Any) -> AsyncIterator[Client]:
    """A venue with faults in this loop, and a client of its first account."""
    accounts = tuple(AccountConfig(key.address) for key in keys[:2])
    config = VenueConfig(accounts=accounts, faults=Faults.parse({"faults": list(faults)}), **settings)
    venue = LocalVenue(scripted(), config)
    async with aiohttp.ClientSession(await venue.start()) as session:
        try:
            yield Client(session, keys[0])
        finally:
            await venue.stop()


def the_status(answer: Any) -> Any:
    return answer["response"]["data"]["statuses"][0]


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize(("fault", "error"), [
    ({"fault": "swallow"}, TimeoutError), ({"fault": "cut"}, aiohttp.ServerDisconnectedError),
    ({"fault": "half"}, aiohttp.ClientPayloadError),
])  # fmt: skip
async def test_an_answer_is_lost_with_or_without_the_order(
    scripted: Any, keys: Any, fault: dict[str, Any], error: type[Exception], executed: bool
):
    """The client sees a failure of its connection either way; the order rests only if it was executed."""
    async with running(scripted, keys, {**fault, "action": "order", "executed": executed, "times": 1}) as client:
        with pytest.raises(error):
            await client.place(SHORT)
        assert len(await client.open_orders()) == executed
        assert "resting" in the_status((await client.place())[1])


@pytest.mark.parametrize(
    ("code", "body"), [(429, "null"), (502, "502 Bad Gateway"), (504, "504 Gateway"), (500, "500")]
)
@pytest.mark.parametrize("executed", [True, False])
async def test_a_status_comes_instead_of_the_answer(scripted: Any, keys: Any, code: int, body: str, executed: bool):
    """A limit is told by null as the exchange does, an outage by a page of the server before it."""
    fault = {"fault": "status", "code": code, "action": "order", "executed": executed, "times": 1}
    async with running(scripted, keys, fault) as client:
        status, text = await client.place()
        assert (status, body in text) == (code, True)
        assert len(await client.open_orders()) == executed


async def test_delay_and_late_differ_in_when_the_order_rests(scripted: Any, keys: Any):
    """Delayed, the order rests only when the answer comes; late, it rests long before."""
    faults = (
        {"fault": "delay", "action": "order", "side": "buy", "seconds": 1.0},
        {"fault": "late", "action": "order", "side": "sell", "seconds": 1.0},
    )
    async with running(scripted, keys, *faults) as client:
        began, buy = time.monotonic(), asyncio.create_task(client.place())
        sell = asyncio.create_task(client.place(b=False, p="3000.5"))
        await asyncio.sleep(0.4)
        assert [order["side"] for order in await client.open_orders()] == ["A"]
        for answer in await asyncio.gather(buy, sell):
            assert "resting" in the_status(answer[1])
        assert time.monotonic() - began > 0.99
        assert len(await client.open_orders()) == 2


async def test_refusals_are_in_the_exchanges_form(scripted: Any, keys: Any):
    """Each item of a batch is refused in the given words, or the whole batch; cancels likewise; nothing happens."""
    faults = (
        {"fault": "refuse", "action": "order", "text": "No.", "times": 1},
        {"fault": "refuse", "action": "order", "text": "Never.", "whole": True, "skip": 1, "times": 1},
        {"fault": "refuse", "action": "cancel", "text": "Not now.", "times": 1},
        {"fault": "refuse", "action": "updateLeverage", "text": "Later."},
    )
    async with running(scripted, keys, *faults) as client:
        assert the_status((await client.place())[1]) == {"error": "No."}
        assert (await client.place())[1] == {"status": "err", "response": "Never."}
        oid = the_status((await client.place())[1])["resting"]["oid"]
        cancel = {"type": "cancel", "cancels": [{"a": 1, "o": oid}]}
        assert the_status((await client.act(**cancel))[1]) == {"error": "Not now."}
        assert the_status((await client.act(**cancel))[1]) == "success"
        leverage = {"type": "updateLeverage", "asset": 1, "isCross": True, "leverage": 3}
        assert (await client.act(**leverage))[1] == {"status": "err", "response": "Later."}


async def test_an_action_that_arrives_twice_is_carried_out_once(scripted: Any, keys: Any):
    """A proxy that repeats a request makes the client see the refusal of the second, while the first order rests."""
    async with running(scripted, keys, {"fault": "twice", "action": "order"}) as client:
        assert (await client.place())[1]["response"].startswith("Invalid nonce: duplicate nonce")
        assert len(await client.open_orders()) == 1


async def test_answers_are_null_zero_empty_or_anything(scripted: Any, keys: Any):
    """Each kind of bad content, once; then the truth again."""
    state = "clearinghouseState"
    faults = (
        {"fault": "null", "info": state, "times": 1},
        {"fault": "zero", "info": state, "skip": 1, "times": 1},
        {"fault": "empty", "info": state, "skip": 2, "times": 1},
        {"fault": "content", "info": state, "skip": 3, "times": 1, "content": {"time": "never"}},
        {"fault": "empty", "info": "frontendOpenOrders", "times": 1},
    )
    async with running(scripted, keys, *faults) as client:
        await client.place(p="3001", t={"limit": {"tif": "Ioc"}})
        await client.place()
        assert await client.ask(state) is None
        zero = await client.ask(state)
        assert (zero["marginSummary"]["accountValue"], zero["withdrawable"], zero["assetPositions"]) == (
            "0.0",
            "0.0",
            [],
        )
        assert zero["time"] > 10**12
        assert await client.ask(state) == {}
        assert await client.ask(state) == {"time": "never"}
        assert len((await client.ask(state))["assetPositions"]) == 1
        assert [len(await client.open_orders()) for _ in range(2)] == [0, 1]


async def test_one_order_is_unknown_and_no_other(scripted: Any, keys: Any):
    """By id and by client order id it stays unknown, while it can be cancelled."""
    cloids = ["0x" + f"{number:032x}" for number in (1, 2)]
    fault = {"fault": "unknown", "info": "orderStatus", "per_order": True, "times": 1}
    async with running(scripted, keys, fault) as client:
        first, second = [the_status((await client.place(c=cloid))[1])["resting"]["oid"] for cloid in cloids]
        for key in (first, cloids[0], first):
            assert await client.ask("orderStatus", oid=key) == {"status": "unknownOid"}
        for key in (second, cloids[1]):
            assert (await client.ask("orderStatus", oid=key))["order"]["status"] == "open"
        assert the_status((await client.act(type="cancel", cancels=[{"a": 1, "o": first}]))[1]) == "success"


async def test_a_fault_strikes_one_user_and_one_side(scripted: Any, keys: Any):
    """The account counts that an action acts for, whoever has signed; the sides of orders count."""
    fault = {"fault": "refuse", "action": "any", "user": keys[0].address, "side": "sell", "text": "No."}
    async with running(scripted, keys, fault) as client:
        other = Client(client.session, keys[1])
        assert "resting" in the_status((await client.place())[1])
        assert the_status((await client.place(b=False, p="3000.5"))[1]) == {"error": "No."}
        oid = the_status((await other.place(b=False, p="3000.5"))[1])["resting"]["oid"]
        assert the_status((await other.act(type="cancel", cancels=[{"a": 1, "o": oid}]))[1]) == "success"


async def wait_for_orders(client: Client, count: int) -> None:
    async with asyncio.timeout(10):
        while len(await client.open_orders()) != count:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("status", CANCELLATIONS)
async def test_the_exchange_ends_an_order_in_each_of_its_words(scripted: Any, keys: Any, status: str):
    """Two of them end in other letters than all others, and a client that looks at these takes the order for open."""
    async with running(scripted, keys) as client:
        oid = the_status((await client.place(p="2999.5"))[1])["resting"]["oid"]
        await client.inject({"fault": "cancel", "oid": oid, "status": status})
        await wait_for_orders(client, 0)
        assert (await client.ask("orderStatus", oid=oid))["order"]["status"] == status


async def test_the_exchange_cancels_by_itself(scripted: Any, keys: Any):
    """An order ends with the exchange's status, is told so, and the books forget it."""
    async with running(scripted, keys) as client:
        oids = [the_status((await client.place(p=price))[1])["resting"]["oid"] for price in ("2999.5", "2999.4")]
        await client.inject({"fault": "cancel", "oid": oids[0], "status": "marginCanceled"})
        await wait_for_orders(client, 1)
        assert (await client.ask("orderStatus", oid=oids[0]))["order"]["status"] == "marginCanceled"
        await client.inject({"fault": "cancel", "status": "delistedCanceled", "all_orders": True})
        await wait_for_orders(client, 0)
        assert [strike["oids"] for strike in await client.strikes()] == [[oids[0]], [oids[1]]]


async def test_somebody_else_trades_on_the_account(scripted: Any, keys: Any):
    """A manual order rests, a manual trade becomes a position; neither uses the program's actions."""
    user = {"user": keys[0].address}
    async with running(scripted, keys) as client:
        await client.inject(
            {"fault": "order", "notional": 30, "direction": "buy", "distance_bps": 10, "coin": "ETH", **user}
        )
        await wait_for_orders(client, 1)
        (order,) = await client.open_orders()
        assert (order["side"], float(order["limitPx"])) == ("B", 2997.0)
        await client.inject({"fault": "trade", "notional": 60, "direction": "sell", "coin": "ETH", **user})
        async with asyncio.timeout(10):
            while not (positions := (await client.ask("clearinghouseState"))["assetPositions"]):
                await asyncio.sleep(0.05)
        assert float(positions[0]["position"]["szi"]) == pytest.approx(-60 / 3000, abs=3e-4)
        assert (await client.ask("userRateLimit"))["nRequestsUsed"] == 0


async def test_streams_lose_double_and_swap_messages(scripted: Any, keys: Any):
    """Of the trades of ten seconds some never come, some come twice, some come in another order; with an empty schedule
    each comes once, in order."""
    faults = [
        {"fault": "drop", "stream": "trades", "probability": 0.2},
        {"fault": "double", "stream": "trades", "probability": 0.2},
        {"fault": "reorder", "stream": "trades", "probability": 0.2},
    ]

    async def heard(client: Client) -> list[int]:
        async with client.session.ws_connect("/ws") as socket:
            await socket.send_json({"method": "subscribe", "subscription": {"type": "trades", "coin": "ETH"}})
            ids: list[int] = []
            async with asyncio.timeout(20):
                while len(ids) < 60:
                    message = await socket.receive_json()
                    if message["channel"] == "trades":
                        ids += [trade["tid"] for trade in message["data"]]
            return ids

    async with running(scripted, keys, speed=5.0, trade_backlog=1) as client:
        assert (seen := await heard(client)) == list(range(seen[0], seen[0] + len(seen)))
        await client.inject(*faults)
        spoiled = await heard(client)
    assert len(set(spoiled)) < len(spoiled)
    assert set(range(min(spoiled), max(spoiled))) - set(spoiled)
    assert list(dict.fromkeys(spoiled)) != sorted(set(spoiled))


@pytest.mark.parametrize(
    ("fault", "channel"), [("old", "l2Book"), ("half", "l2Book"), ("stranger", "clearinghouseState")]
)
async def test_streams_lie(scripted: Any, keys: Any, fault: str, channel: str):
    """A message comes again as it was, in half, or of another account, from the moment the fault is there."""
    user = keys[0].address.lower()
    wish = {"type": channel, "user": user} if fault == "stranger" else {"type": channel, "coin": "ETH", "fast": True}
    async with running(scripted, keys) as client, client.session.ws_connect("/ws") as socket:
        await socket.send_json({"method": "subscribe", "subscription": wish})

        async def next_text() -> str:
            async with asyncio.timeout(10):
                while f'"channel":"{channel}"' not in (text := (await socket.receive()).data):
                    pass
                return text

        await client.inject({"fault": fault, "stream": channel, "from_s": 1.2})
        sound = [await next_text() for _ in range(2)]
        assert all(user in text for text in sound if fault == "stranger")
        assert len(set(sound)) == 2
        await asyncio.sleep(1.2)
        lies = [await next_text() for _ in range(5)][3:]
    if fault == "old":
        assert lies[0] == lies[1]
    elif fault == "half":
        assert all(len(text) < 0.6 * len(sound[0]) for text in lies)
    else:
        assert not any(user in text for text in lies)


async def test_websockets_are_cut(scripted: Any, keys: Any):
    """A disconnect ends every websocket with code 1006, and a new one may be opened at once."""
    async with running(scripted, keys) as client:
        async with client.session.ws_connect("/ws") as socket:
            await client.inject({"fault": "disconnect"})
            assert (await asyncio.wait_for(socket.receive(), 5)).type in (
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
            )
            assert socket.close_code == 1006
        async with client.session.ws_connect("/ws") as socket:
            await socket.send_json({"method": "ping"})
            assert (await socket.receive_json())["channel"] == "pong"


async def test_posts_of_a_websocket_meet_the_same_faults(scripted: Any, keys: Any):
    """Swallowed, doubled, refused by a status, halved: in this order."""
    faults = (
        {"fault": "swallow", "action": "order", "times": 1},
        {"fault": "twice", "action": "order", "skip": 1, "times": 1},
        {"fault": "status", "code": 429, "action": "order", "skip": 2, "times": 1},
        {"fault": "half", "action": "order", "skip": 3, "times": 1},
    )
    order = {"a": 1, "b": True, "p": "2999.5", "s": "0.1", "r": False, "t": {"limit": {"tif": "Alo"}}}
    action = {"type": "order", "orders": [order], "grouping": "na"}
    async with running(scripted, keys, *faults) as client, client.session.ws_connect("/ws") as socket:
        for number in range(4):
            request = {"type": "action", "payload": client.signed(action)}
            await socket.send_json({"method": "post", "id": number, "request": request})
        texts = [(await asyncio.wait_for(socket.receive(), 5)).data for _ in range(4)]
        assert ['"id":1' in text for text in texts] == [True, True, False, False]
        assert '"payload":"429 Too Many Requests"' in texts[2]
        assert '"id":3' in texts[3]
        assert not texts[3].endswith("}")
        assert (await asyncio.wait_for(socket.receive(), 5)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert len(await client.open_orders()) == 3


@pytest.mark.parametrize("offset_ms", [45_000, -45_000])
async def test_a_wrong_clock_moves_every_stamp_and_judges_nonces(scripted: Any, keys: Any, offset_ms: int):
    """Answers, streams and what is judged by time agree on the exchange's clock; afterwards all is as before."""
    async with running(scripted, keys, history_s=120) as client:
        await client.place()
        await client.inject({"fault": "clock", "offset_ms": offset_ms})
        now_ms = time.time() * 1000
        status = await client.ask("exchangeStatus")
        (order,) = await client.open_orders()
        book = await client.ask("l2Book")
        candles = await client.ask(
            "candleSnapshot",
            req={
                "coin": "ETH",
                "interval": "1m",
                "startTime": int(now_ms) - 60_000 + offset_ms,
                "endTime": int(now_ms) + offset_ms,
            },
        )
        for stamp in (status["time"], order["timestamp"], book["time"]):
            assert abs(stamp - now_ms - offset_ms) < 2_000
        assert candles
        async with client.session.ws_connect("/ws") as socket:
            await socket.send_json({"method": "subscribe", "subscription": {"type": "bbo", "coin": "ETH"}})
            while (message := await asyncio.wait_for(socket.receive_json(), 5))["channel"] != "bbo":
                pass
            assert abs(message["data"]["time"] - now_ms - offset_ms) < 2_000
        body = client.signed({"type": "noop"})
        signature = sign_l1_action(keys[0], {"type": "noop"}, None, body["nonce"], int(now_ms) + 20_000, True)
        late = {**body, "signature": signature, "expiresAfter": int(now_ms) + 20_000}
        answer = (await client.post("/exchange", late))[1]
        assert (answer["status"] == "err") == (offset_ms > 0), answer
        async with client.session.delete("/faults"):
            pass
        assert abs((await client.ask("exchangeStatus"))["time"] - now_ms) < 5_000


async def test_faults_cannot_be_injected_where_nobody_wanted_any(scripted: Any, keys: Any):
    """Without faults in the settings the path does not exist; with them a browser's page is kept out."""
    async with running(scripted, keys) as client:
        async with client.session.post("/faults", json={"faults": []}, headers={"Origin": "http://evil"}) as answer:
            assert answer.status == 403
        assert (await client.post("/faults", {"faults": [{"fault": "explode"}]}))[0] == 400
    venue = LocalVenue(scripted(), VenueConfig())
    async with aiohttp.ClientSession(await venue.start()) as session:
        for method in ("GET", "POST", "DELETE"):
            async with session.request(method, "/faults", json={"faults": []}) as answer:
                assert answer.status in (404, 405)
    await venue.stop()


async def test_the_same_seed_gives_a_client_the_same_failures(scripted: Any, keys: Any):
    """Two venues, the same schedule, seed and requests: the same answers fail in the same way."""

    async def outcomes(seed: int) -> list[str]:
        faults = (
            {"fault": "cut", "action": "order", "probability": 0.3},
            {"fault": "status", "code": 502, "action": "order", "probability": 0.3},
        )
        seen = []
        async with running(scripted, keys, *faults, fault_seed=seed) as client:
            for _ in range(25):
                try:
                    seen.append(str((await client.place())[0]))
                except aiohttp.ServerDisconnectedError:
                    seen.append("cut")
        return seen

    first = await outcomes(3)
    assert await outcomes(3) == first
    assert await outcomes(4) != first
    assert {"200", "cut", "502"} == set(first)


@pytest.fixture
def no_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing in the venue may break, whatever it is told to do to others."""
    yield
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


def books_agree(report: dict[str, Any], fills: list[dict[str, Any]], deposit: str) -> None:
    """Money and positions of an account, added up from its fills alone."""
    cash, held = Decimal(deposit), Decimal(0)
    for fill in fills:
        size = Decimal(fill["sz"]) * (1 if fill["side"] == "B" else -1)
        held += size
        cash -= size * Decimal(fill["px"]) + Decimal(fill["fee"])
    assert float(held) == report["positions"].get("ETH", 0.0)
    assert report["seized"] == 0
    assert float(cash + held * 3000) == pytest.approx(report["equity"], abs=1e-9)


async def at_rest(client: Client) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], set[int]]:
    """Audit, fills, history and open orders of one moment: an action held back may land while they are read."""

    async def audit() -> dict[str, Any]:
        async with client.session.get("/audit", params={"user": client.key.address}) as answer:
            report: dict[str, Any] = await answer.json()
            return {name: value for name, value in report.items() if name != "resting_s"}  # it counts on by itself

    for _ in range(100):
        report = await audit()
        fills, history = await client.ask("userFills"), await client.ask("historicalOrders")
        opened = {order["oid"] for order in await client.open_orders()}
        if await audit() == report:
            return report, fills, history, opened
    raise AssertionError("the account never comes to rest")


@pytest.mark.usefixtures("no_errors")
@pytest.mark.parametrize("seed", range(3))
async def test_the_venues_books_stay_exact_in_chaos(scripted: Any, keys: Any, seed: int):
    """Whatever clients see, the venue loses no order: every one that was accepted is open or has ended, and what the
    account holds is what its fills add up to."""
    chaos = [
        {"fault": "swallow", "action": "any", "executed": False, "probability": 0.1},
        {"fault": "cut", "action": "any", "probability": 0.2},
        {"fault": "half", "action": "any", "probability": 0.1},
        {"fault": "twice", "action": "any", "probability": 0.1},
        {"fault": "delay", "action": "any", "seconds": 0.1, "probability": 0.2},
        {"fault": "cancel", "every_s": 0.2, "coin": "ETH"},
        {"fault": "trade", "every_s": 0.3, "coin": "ETH"},
        {"fault": "order", "every_s": 0.3, "coin": "ETH", "distance_bps": 1.0},
        {"fault": "zero", "info": "clearinghouseState", "probability": 0.5},
    ]
    async with running(scripted, keys, *chaos, funding_rate=0.0, fault_seed=seed) as client:
        for number in range(120):
            price = f"{3000 + (-1 if number % 2 else 1) * (0.3 - 0.1 * (number % 5)):.1f}"
            tif = ("Alo", "Gtc", "Ioc")[number % 3]
            with suppress(TimeoutError, aiohttp.ClientError):
                await client.place(
                    SHORT, b=bool(number % 2), p=price, t={"limit": {"tif": tif}}, c="0x" + f"{number:032x}"
                )
        async with client.session.delete("/faults"):
            pass
        for key in keys[:2]:
            report, fills, history, opened = await at_rest(Client(client.session, key))
            books_agree(report, fills[::-1], "10000")
            last = {entry["order"]["oid"]: entry["status"] for entry in reversed(history)}
            assert opened == {oid for oid, status in last.items() if status == "open"}
            assert len(opened) == report["open_orders"]
            assert {fill["oid"] for fill in fills} <= set(last)
            known = {entry["order"]["cloid"] for entry in history if entry["order"]["cloid"]}
            if key is keys[0]:
                assert 80 < len(known) <= 120
