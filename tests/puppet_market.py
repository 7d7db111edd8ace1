"""A market that does what a test says, the parameter file it quotes from, and the local venue over it in a thread."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from http import HTTPStatus
from math import isnan
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson
import requests
from aiohttp import ClientSession, ClientWebSocketResponse, web
from eth_account import Account

from calibration.estimators.estimate import EstimateSource
from calibration.publication.document import (
    Market,
    Model,
    PublishedEstimate,
    PublishedFlow,
    PublishedRegime,
    PublishedWindow,
    Quality,
    Table,
)
from calibration.publication.parameters import Parameters
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.sides import Direction
from market_making.quoting.value.quote_table import solve_table
from market_making.settings.sections import Horizon, ModelSettings
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.markets.source import Listing
from market_making.venue.server import LocalVenue

STEP_MS = 50
JSON = "application/json"
KEY, OTHER_KEY = "0x" + "11" * 32, "0x" + "22" * 32
ADDRESS, OTHER_ADDRESS = (Account.from_key(key).address for key in (KEY, OTHER_KEY))


class PuppetMarket:
    """Coins with the same still book around `mid`; `print_trade` makes somebody trade.

    `shift` moves the mid of single coins [price].
    """

    def __init__(self, mid: float = 3000.0, coins: tuple[str, ...] = ("ETH",), step_ms: int = STEP_MS) -> None:
        self.mid = mid
        self.shift: dict[str, float] = {}
        self._coins = coins
        self._step_ms = step_ms
        self._trades: deque[tuple[str, Direction, float, float]] = deque()

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The coins, with the rules of ETH."""
        return tuple(Listing(coin, 4, 25) for coin in self._coins)

    def print_trade(self, direction: Direction, price: float, size: float, coin: str | None = None) -> None:
        """Let an aggressor trade a coin, the first unless it is named, through `price`."""
        self._trades.append((coin or self._coins[0], direction, price, size))

    def events(self, start_ms: int) -> Iterator[BookSnapshot | Trade]:
        """Endless: a book per step, and the trades that were asked for."""
        number, now_ms = 0, start_ms
        while True:
            while self._trades:
                coin, direction, price, size = self._trades.popleft()
                number += 1
                yield Trade(coin, now_ms, direction, price, size, str(number))
            # All from one look at `mid`: the first is taken before the venue waits for its time, the others after it.
            yield from [self._book(coin, now_ms) for coin in self._coins]
            now_ms += self._step_ms

    def truth(self) -> None:
        """A puppet has none."""

    def _book(self, coin: str, now_ms: int) -> BookSnapshot:
        mid = self.mid + self.shift.get(coin, 0.0)
        bids = tuple(Level(round(mid - 0.1 * (i + 1), 1), 5.0) for i in range(20))
        asks = tuple(Level(round(mid + 0.1 * (i + 1), 1), 5.0) for i in range(20))
        return BookSnapshot(coin, now_ms, bids, asks)


class Asked(NamedTuple):
    """A request that came to the venue: when [s, monotonic], to which path, with which body."""

    time_s: float
    path: str
    body: dict[str, Any]

    @property
    def kind(self) -> str:
        """The exchange's word for it."""
        return str((self.body["action"] if self.path == "/exchange" else self.body)["type"])


class VenueThread:
    """The local venue in a thread, behind a proxy that can spoil the books it answers with.

    `spoil` changes an l2Book answer; `answer_s` is how long [s] the answer to an action is on its way, `trip_s` the
    round trip of any request; a websocket's message takes half of it. `hear` turns a websocket's message into those
    that arrive. `asked` lists the requests that came. The accounts are `ADDRESS` and `OTHER_ADDRESS`, signed for with
    their keys, unless `accounts` names others.

    With `faults` in the settings `inject` adds faults at run time. Clients then reach the venue itself, websockets
    included, unless they are `proxied`: half an answer and a cut connection arrive as they are, and the proxy's means
    do nothing.
    """

    def __init__(self, market: PuppetMarket, *, proxied: bool | None = None, **config: Any) -> None:
        self.market = market
        self.url = ""
        self.spoil: Any = None
        self.answer_s = 0.0
        self.trip_s = 0.0
        self.hear: Callable[[bytes], list[bytes]] = lambda text: [text]
        self.asked: list[Asked] = []
        accounts = config.pop("accounts", (AccountConfig(ADDRESS), AccountConfig(OTHER_ADDRESS)))
        self._is_direct = config.get("faults") is not None if proxied is None else not proxied
        self._venue = LocalVenue(market, VenueConfig(accounts=accounts, **({"history_s": 300.0} | config)))
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30), "the venue did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def direct_url(self) -> str:
        """Where the venue answers at once, whatever `trip_s` is."""
        return self._behind

    def audit(self, address: str = ADDRESS, **more: str) -> dict[str, Any]:
        """The venue's own account of what was done; ``orders="yes"`` adds orders and fills."""
        return dict(requests.get(f"{self.url}/audit", params={"user": address, **more}, timeout=5).json())

    def inject(self, *faults: dict[str, Any]) -> None:
        """Let these faults strike from now on; a fault's times count from this moment."""
        answer = requests.post(f"{self.url}/faults", json={"faults": list(faults)}, timeout=5)
        assert answer.ok, answer.text

    def heal(self) -> list[dict[str, Any]]:
        """Let nothing go wrong any more; return what has."""
        return list(requests.delete(f"{self.url}/faults", timeout=5).json()["strikes"])

    def open_orders(self, address: str = ADDRESS) -> list[dict[str, Any]]:
        """Orders that rest, the newest first, whatever faults the protocol plays."""
        query = {"user": address, "orders": "yes"}
        return list(requests.get(f"{self.url}/audit", params=query, timeout=5).json()["orders"])[::-1]

    def transfer(self, source: str, target: str, amount: str) -> None:
        """Move cash [USDC] from one account to another, as a person does on the exchange's page."""
        assert self._venue._gateway is not None
        accounts = self._venue._gateway._exchange.state.accounts
        for address, change in ((source, -Decimal(amount)), (target, Decimal(amount))):
            purse = accounts[address.lower()].purse
            purse.deposits, purse.cash = purse.deposits + change, purse.cash + change

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._behind = await self._venue.start()
        application = web.Application()
        application.router.add_route("*", "/{path}", self._forward)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = self._behind if self._is_direct else f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with ClientSession() as self._session:
            self._ready.set()
            await self._stop.wait()
            await runner.cleanup()
        await self._venue.stop()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/ws":
            return await self._forward_socket(request)
        body = await request.read()
        await asyncio.sleep(self.trip_s / 2)
        if request.method == "POST":
            self.asked.append(Asked(time.monotonic(), request.path, orjson.loads(body)))
        url = f"{self._behind}{request.path_qs}"
        async with self._session.request(request.method, url, data=body, headers={"Content-Type": JSON}) as given:
            answer, status = await given.read(), given.status
        if self.spoil is not None and request.path == "/info" and b'"l2Book"' in body and status == HTTPStatus.OK:
            answer = orjson.dumps(self.spoil(orjson.loads(answer)))
        if request.path == "/exchange":
            await asyncio.sleep(self.answer_s)
        await asyncio.sleep(self.trip_s / 2)
        return web.Response(body=answer, status=status, content_type=JSON)

    async def _forward_socket(self, request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(compress=0)
        await client.prepare(request)
        address = f"{self._behind}/ws"
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with self._session.ws_connect(address) as behind:
            tasks = [asyncio.create_task(each) for each in (_ask(client, behind), _deliver(client, queue))]
            async for message in behind:
                for text in self.hear(message.data.encode()):
                    queue.put_nowait((time.monotonic() + self.trip_s / 2, text))
            for task in tasks:
                task.cancel()
        await client.close()
        return client


async def _ask(client: web.WebSocketResponse, behind: ClientWebSocketResponse) -> None:
    async for message in client:
        await behind.send_str(message.data)
    await behind.close()


async def _deliver(client: web.WebSocketResponse, queue: "asyncio.Queue[tuple[float, bytes]]") -> None:
    while not client.closed:
        due_s, text = await queue.get()
        await asyncio.sleep(max(due_s - time.monotonic(), 0))
        await client.send_str(text.decode())


def parameters(**changes: Any) -> Parameters:
    """Valid parameters of ETH, for a minute from now; without a change of theirs, model and table are the default's."""
    now_ms = int(time.time() * 1e3)

    def estimate(value: float) -> PublishedEstimate:
        return PublishedEstimate(value=value, low=value, high=value, n=100, source=EstimateSource.OK)

    flow = PublishedFlow(
        arrival_rate=estimate(0.5),
        fill_decay=estimate(1.5),
        fill_intensity=estimate(0.3),
        adverse_selection=estimate(0.05),
        adverse_selection_on_fill=estimate(0.06),
        adverse_selection_slope=estimate(0.0),
    )
    values: dict[str, Any] = {
        "venue": "hyperliquid",
        "coin": "ETH",
        "pair": "ETH/USDC:USDC",
        "created_ms": now_ms,
        "valid_until_ms": now_ms + 60_000,
        "calibration_id": "test",
        "window": PublishedWindow(start_ms=now_ms - 1_800_000, end_ms=now_ms, exposure_s=1800.0),
        "market": Market(mid=3000.0, tick=0.1, lot=0.0001, half_spread=0.1, volatility=0.2),
        "buy": flow,
        "sell": flow,
        "model": Model(
            order_size=0.0333,
            maximum_inventory=3,
            running_penalty=0.01,
            terminal_penalty=0.0,
            maker_fee=0.00015,
            horizon=Horizon(),
            drift_weight=0.0,
        ),
        "hjb": Table(time_left_s=[0.0], inventory=[0], h=[[0.0]], ask_depth=[[None]], bid_depth=[[None]]),
        "regime": PublishedRegime(toxicity_buy=0.5, toxicity_sell=0.5, state="quote"),
        "quality": Quality(status="ok", flags=[], events=1000),
    }
    published = Parameters(**(values | changes))
    return published if {"model", "hjb"} & set(changes) else with_table(published)


def with_table(published: Parameters, **model: Any) -> Parameters:
    """The same with the table that a calibrator with these model settings publishes for its estimates."""
    settings = ModelSettings(**model)
    table = solve_table(published.order_flow(), published.market.mid, settings.cartea_jaimungal())
    lot, exact = published.market.lot, settings.order_notional / published.market.mid

    def rows(depths: Any) -> list[list[float | None]]:
        return [[None if isnan(depth) else depth for depth in row] for row in depths.tolist()]

    hjb = Table(
        time_left_s=table.time_left_s.tolist(),
        inventory=table.inventory.tolist(),
        h=table.value.tolist(),
        ask_depth=rows(table.depths.ask),
        bid_depth=rows(table.depths.bid),
    )
    section = Model(
        order_size=max(1, round(exact / lot)) * lot,
        maximum_inventory=settings.maximum_inventory,
        running_penalty=table.running_penalty,
        terminal_penalty=settings.terminal_penalty,
        maker_fee=settings.maker_fee,
        horizon=settings.horizon,
        drift_weight=settings.drift_weight,
    )
    return published.model_copy(update={"hjb": hjb, "model": section})


def live_config(url: str, folder: Path) -> dict[str, Any]:
    """What is added to user_data/config.json to trade on the venue at `url`, with everything written to `folder`."""
    websocket = url.replace("http", "ws", 1) + "/ws"
    return {
        "dry_run": False,
        "db_url": f"sqlite:///{folder}/trades.sqlite",
        "exchange": {
            "walletAddress": ADDRESS,
            "privateKey": KEY,
            "enable_ws": False,
            "ccxt_config": {
                "rateLimit": 5,
                "options": {"enableUnifiedMargin": False},
                "urls": {"api": {"public": url, "private": url, "ws": {"public": websocket}}},
            },
        },
        "market_making": {
            "sides": "alternate",
            "url": url,
            "market_data": str(folder / "market_data"),
            "parameters": str(folder / "parameters"),
            "decisions": str(folder / "decisions"),
            "legs": str(folder / "legs"),
            "state": str(folder / "state"),
            "risk": {"state": str(folder / "risk")},
            "edge": {"socket": False},  # most tests spoil requests; those of the websocket switch it on
            "model": {"widen_toxicity": 10.0, "pause_toxicity": 10.0},
        },
    }
