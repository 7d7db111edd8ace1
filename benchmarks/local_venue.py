"""What the local venue costs: market events through its books, and signed orders and cancels over HTTP.

Events: the exchange against a book kept as one would write it first, decimals sorted anew at every snapshot.
Actions: the whole way (HTTP, signature, checks, matching, answer) against a bare aiohttp server that answers at once.
Client and server share a process and one core in both cases; most of the difference is the recovery of the signer.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import aiohttp
from aiohttp import web
from eth_account import Account as Key
from hyperliquid.utils.signing import sign_l1_action

from market_making.market.events import BookSnapshot, Trade
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.engine.exchange import Exchange
from market_making.venue.server import LocalVenue

MINUTES = 20
ACTIONS = 3_000
POST_ONLY = {"limit": {"tif": "Alo"}}
CLIENTS = 20
KEY = Key.from_key("0x" + "11" * 32)


def events_through_the_exchange(events: list[BookSnapshot | Trade], source: SimulatedSource) -> None:
    exchange = Exchange(source.listings, VenueConfig(accounts=(AccountConfig(KEY.address),)), 0)
    for event in events:
        if isinstance(event, Trade):
            exchange.on_trade(event)
        else:
            exchange.on_book(event)
        exchange.drain()


def events_through_sorted_decimals(events: list[BookSnapshot | Trade], _: SimulatedSource) -> None:
    books: dict[str, list[list[tuple[Decimal, Decimal]]]] = {}
    for event in events:
        if isinstance(event, BookSnapshot):
            sides = (event.bids, event.asks)
            decimals = [[(Decimal(repr(level.price)), Decimal(repr(level.size))) for level in side] for side in sides]
            books[event.coin] = [sorted(decimals[0], reverse=True), sorted(decimals[1])]


def rate(work: Callable[..., None], *arguments: Any, count: int) -> float:
    began = time.perf_counter()
    work(*arguments)
    return count / (time.perf_counter() - began)


async def actions_per_second(base_url: str, bodies: list[dict[str, Any]]) -> float:
    async with aiohttp.ClientSession() as session:
        waiting = iter(bodies)

        async def client() -> None:
            for body in waiting:
                async with session.post(f"{base_url}/exchange", json=body) as answer:
                    assert (await answer.json())["status"] == "ok"

        began = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return len(bodies) / (time.perf_counter() - began)


def signed_actions(price: float) -> list[dict[str, Any]]:
    """What a maker does: a post-only order below the price, its cancel, the next order, and so on."""
    first, bodies = time.time_ns() // 1_000_000, []
    for number in range(0, ACTIONS, 2):
        cloid = f"{number:#034x}"
        terms = {"a": 0, "b": True, "p": f"{round(price * 0.95)}", "s": "0.01", "r": False, "t": POST_ONLY, "c": cloid}
        place = {"type": "order", "orders": [terms], "grouping": "na"}
        cancel = {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": cloid}]}
        bodies += [signed(place, first + number), signed(cancel, first + number + 1)]
    return bodies


def signed(action: dict[str, Any], nonce: int) -> dict[str, Any]:
    return {"action": action, "nonce": nonce, "signature": sign_l1_action(KEY, action, None, nonce, None, True)}


async def bare_server() -> tuple[web.AppRunner, str]:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"status": "ok"})

    application = web.Application()
    application.add_routes([web.post("/exchange", answer)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def compare_actions() -> None:
    account = AccountConfig(KEY.address)
    source = SimulatedSource(default_truths(["ETH"]), seed=1)
    venue = LocalVenue(source, VenueConfig(accounts=(account,)))
    bodies = signed_actions(3337.0)
    base_url = await venue.start()
    here = await actions_per_second(base_url, bodies)
    await venue.stop()
    runner, base_url = await bare_server()
    bare = await actions_per_second(base_url, bodies)
    await runner.cleanup()
    print(f"orders and cancels: {here:,.0f}/s from {CLIENTS} clients")
    print(f"        a server that only answers: {bare:,.0f}/s; ratio {here / bare:.2f}")


def main() -> None:
    source = SimulatedSource(default_truths(["ETH"]), seed=1)
    events = list(itertools.takewhile(lambda event: event.time_ms < MINUTES * 60_000, source.events(0)))
    ours = rate(events_through_the_exchange, events, source, count=len(events))
    naive = rate(events_through_sorted_decimals, events, source, count=len(events))
    print(f"events: {ours:,.0f}/s, a book of sorted decimals {naive:,.0f}/s: {ours / naive:.1f} times faster")
    print(f"        {MINUTES} minutes of one coin in {len(events) / ours:.2f} s")
    asyncio.run(compare_actions())


if __name__ == "__main__":
    main()
