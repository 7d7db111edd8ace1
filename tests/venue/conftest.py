"""A market that follows a script, and a venue over it."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from eth_account import Account as Key

from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.instrument import Listing
from market_making.market.sides import Direction
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.server import LocalVenue

LISTINGS = (Listing("BTC", 5, 40), Listing("ETH", 4, 25))
MID = {"BTC": 100_000.0, "ETH": 3_000.0}
STEP = {"BTC": 1.0, "ETH": 0.1}
PRINT_EVERY_MS = 100


def book(coin: str, time_ms: int, *, mid: float | None = None, size: float = 2.0, levels: int = 20) -> BookSnapshot:
    """A book of equal levels, one step apart, best bid and ask one step from mid."""
    middle, step = MID[coin] if mid is None else mid, STEP[coin]
    bids, asks = (
        tuple(Level(round(middle + sign * step * (number + 1), 1), size, 3) for number in range(levels))
        for sign in (-1, 1)
    )
    return BookSnapshot(coin, time_ms, bids, asks)


class ScriptedSource:
    """Both coins stand still; ETH prints 1 coin at the touch every 100 ms, a sell and a buy in turn."""

    def __init__(self, script: Callable[[int], Iterator[BookSnapshot | Trade]] | None = None) -> None:
        self._script = script or self._quiet

    @property
    def listings(self) -> tuple[Listing, ...]:
        return LISTINGS

    def truth(self) -> dict[str, dict[str, Any]] | None:
        return None

    def events(self, start_ms: int) -> Iterator[BookSnapshot | Trade]:
        return self._script(start_ms)

    def _quiet(self, start_ms: int) -> Iterator[BookSnapshot | Trade]:
        for listing in LISTINGS:
            yield book(listing.coin, start_ms)
        for number in range(10_000):
            time_ms = start_ms + (number + 1) * PRINT_EVERY_MS
            direction = Direction.SELL if number % 2 else Direction.BUY
            yield Trade("ETH", time_ms, direction, 3000.0 + direction.sign * 0.1, 1.0, str(number + 1), "0xaa")
            yield book("ETH", time_ms)


class RunningVenue(NamedTuple):
    """A venue that serves in a thread, with the keys of two of its accounts and of an agent of the first."""

    base_url: str
    key: Any
    agent: Any
    other: Any


KEYS = [Key.from_key("0x" + f"{number:02x}" * 32) for number in (17, 34, 51)]


@contextmanager
def serving(config: VenueConfig, source: ScriptedSource) -> Iterator[str]:
    """Run a venue in a thread of its own, because blocking clients block the loop of a test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    venue = LocalVenue(source, config)
    try:
        yield asyncio.run_coroutine_threadsafe(venue.start(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(venue.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some clients would ask the proxy of the environment for 127.0.0.1."""
    monkeypatch.setitem(os.environ, "NO_PROXY", "127.0.0.1")
    monkeypatch.setitem(os.environ, "no_proxy", "127.0.0.1")


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    """A venue with quick streams over the scripted market."""
    key, agent, other = KEYS
    accounts = (AccountConfig(key.address, (agent.address,)), AccountConfig(other.address))
    config = VenueConfig(accounts=accounts, history_s=120, slow_book_period_s=0.5, fast_book_period_s=0.1,
                         mids_period_s=0.2, context_period_s=0.2)  # fmt: skip
    with serving(config, ScriptedSource()) as base_url:
        yield RunningVenue(base_url, key, agent, other)


@pytest.fixture(scope="session")
def scripted() -> type[ScriptedSource]:
    return ScriptedSource


@pytest.fixture(scope="session")
def serve() -> Any:
    return serving


@pytest.fixture(scope="session")
def scripted_book() -> Any:
    return book


@pytest.fixture(scope="session")
def keys() -> list[Any]:
    return KEYS
