"""What a bot leaves behind, written as the test says: state file, database, parameter file, and orders by the SDK."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from eth_account import Account
from freqtrade.persistence import Order, Trade, init_db
from hyperliquid.exchange import Exchange

from market_making.guard.client import Identity
from market_making.guard.guard import Guard
from market_making.guard.options import GuardedBot, GuardOptions
from market_making.safety.state_file import write_state
from tests.guard.documents import COIN, PAIR, pair_state, state
from tests.puppet_market import ADDRESS, KEY, VenueThread, parameters

NAME = "maker"


class ScriptedBot:
    """A bot as the guard sees it, on the venue; it speaks every 0.1 s until `silent`."""

    def __init__(self, venue: VenueThread, folder: Path) -> None:
        self.venue, self.folder = venue, folder
        self.silent = False
        self.pair = pair_state()
        self.exchange = Exchange(Account.from_key(KEY), venue.url, account_address=ADDRESS)
        self.database = folder / "trades.sqlite"
        init_db(f"sqlite:///{self.database}")
        self._loop = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._speak)

    def __enter__(self) -> Self:
        parameters(valid_until_ms=int(time.time() * 1e3) + 600_000).write(self.folder / "parameters")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        Trade.session.remove()

    def place(self, price: float, size: float = 0.0333, *, known: bool = True, buy: bool = True) -> int:
        """Rest a post-only order, in the database or not."""
        answer = self.exchange.order(COIN, buy, size, price, {"limit": {"tif": "Alo"}})
        oid = int(answer["response"]["data"]["statuses"][0]["resting"]["oid"])
        if known:
            self.book(oid, price, size)
        return oid

    def book(self, oid: int, price: float, size: float) -> None:
        """Write an order into the database as Freqtrade does."""
        trade = Trade(pair=PAIR, stake_amount=size * price, amount=0.0, open_rate=price, fee_open=0.0, fee_close=0.0,
                      exchange="hyperliquid", is_open=True, leverage=1.0, is_short=False)  # fmt: skip
        trade.orders.append(Order(ft_order_side="buy", ft_pair=PAIR, ft_is_open=True, ft_amount=size, ft_price=price,
                                  order_id=str(oid), status="open", filled=0.0))  # fmt: skip
        Trade.session.add(trade)
        Trade.commit()

    def open_oids(self) -> set[int]:
        """Orders that rest at the venue."""
        return {order["oid"] for order in self.venue.open_orders()}

    def options(self, **changes: Any) -> GuardOptions:
        """What the guard is told."""
        bot = GuardedBot(NAME, Identity(ADDRESS, KEY), self.database, self.folder / "parameters")
        given: dict[str, Any] = {"url": self.venue.url, "state": self.folder / "state", "bots": (bot,)}
        return GuardOptions(**(given | {"record": self.folder / "decisions"} | changes))

    def _speak(self) -> None:
        while not self._ended.wait(0.1):
            if not self.silent:
                self._loop += 1
                now_ms = int(time.time() * 1e3)
                document = state(self.pair, loop=self._loop, written_ms=now_ms, started_ms=now_ms)
                write_state(self.folder / "state", NAME, document)


class GuardThread:
    """The guard in a thread of its own."""

    def __init__(self, options: GuardOptions) -> None:
        self.guard = Guard(options)
        self.is_calm: bool | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(),))

    async def _run(self) -> None:
        self._stopped, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self.is_calm = await self.guard.run(self._stopped, self._ready.set)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def ready(self) -> Self:
        """Wait until it knows the account."""
        assert self._ready.wait(10), "the guard does not see the account"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(20)

    @property
    def alarms(self) -> set[str]:
        """Names of what is in force."""
        return {notice.name.removeprefix("guard_") for notice in self.guard.alarms.notices}


def seconds_until(condition: Any, within_s: float, what: str) -> float:
    """How long it takes until something holds [s]."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, f"{what} not within {within_s} s"
        time.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def holds_for(seconds: float, condition: Any, what: str) -> Iterator[None]:
    """Whether something holds all the time, for so long at least."""
    began = time.monotonic()
    yield
    while time.monotonic() - began < seconds:
        if not condition():
            pytest.fail(f"{what} after {time.monotonic() - began:.2f} s")
        time.sleep(0.02)
