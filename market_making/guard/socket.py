"""One websocket of one account: its order updates, and the best quotes of the coins it has orders in.

An order update does not say whose it is, so every account has a connection of its own. A message may be missed whenever
a connection ends; then the listener is told to doubt what it knows.
"""

import asyncio
import logging
import random
import time
from collections.abc import Set
from contextlib import suppress
from typing import Protocol

import aiohttp
import orjson

from market_making.hyperliquid.market_data import (
    PING,
    Acknowledged,
    Subscription,
    UnknownChannel,
    format_subscribe,
    parse_frame,
)
from market_making.hyperliquid.open_orders import OrderUpdate, parse_order_updates
from market_making.market.errors import MalformedMessage
from market_making.market.events import BestQuote

PING_S = 1.0  # also how old the word of a quiet market may be
SILENCE_S = 6.0
CHECK_S = 0.25
CONNECT_S = 5.0
FIRST_DELAY_S, LONGEST_DELAY_S = 0.25, 10.0

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Takes what the connection receives."""

    def coins(self) -> Set[str]:
        """Listed coins whose best quotes are wanted now."""
        ...

    def connected(self) -> None:
        """From now on every update arrives."""
        ...

    def lost(self) -> None:
        """From now on updates are missed."""
        ...

    def quoted(self, quote: BestQuote) -> None:
        """A best quote."""
        ...

    def updated(self, updates: tuple[OrderUpdate, ...]) -> None:
        """What has become of orders."""
        ...


class AccountSocket:
    """A connection that is renewed for ever.

    Parameters
    ----------
    url : str
        Base address of the exchange.
    address : str
        The account.
    listener : Listener
        Told what happens.
    """

    def __init__(self, url: str, address: str, listener: Listener) -> None:
        self.is_up = False
        self.down_since_s = time.monotonic()
        self._url = url.rstrip("/").replace("http", "ws", 1) + "/ws"
        self._address = address
        self._listener = listener
        self.heard_s = 0.0

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Receive until cancelled."""
        delay_s = FIRST_DELAY_S
        while True:
            opened_s = time.monotonic()
            try:
                await self._attempt(session)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                log.debug("no websocket to %s: %s", self._url, error)
            self._drop()
            if time.monotonic() - opened_s > LONGEST_DELAY_S:
                delay_s = FIRST_DELAY_S
            await asyncio.sleep(random.uniform(delay_s / 2, delay_s))  # noqa: S311 - spreads connections, no secret
            delay_s = min(2 * delay_s, LONGEST_DELAY_S)

    def _drop(self) -> None:
        if self.is_up:
            log.warning("the websocket to %s is lost", self._url)
            self.is_up, self.down_since_s = False, time.monotonic()
            self._listener.lost()

    async def _attempt(self, session: aiohttp.ClientSession) -> None:
        """One connection from its opening to its end."""
        async with asyncio.timeout(CONNECT_S):
            socket = await session.ws_connect(self._url, timeout=aiohttp.ClientWSTimeout(ws_close=1.0))
        async with socket:
            updates = {"type": "orderUpdates", "user": self._address}
            await socket.send_str(orjson.dumps({"method": "subscribe", "subscription": updates}).decode())
            self.heard_s = time.monotonic()
            keeper = asyncio.create_task(self._keep(socket))
            try:
                async for message in socket:
                    if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                        self._receive(message.data)
            finally:
                keeper.cancel()
                with suppress(asyncio.CancelledError, aiohttp.ClientError, OSError):
                    await keeper

    def _receive(self, text: str | bytes) -> None:
        self.heard_s = time.monotonic()
        try:
            frame = parse_frame(text)
            if isinstance(frame, BestQuote):
                self._listener.quoted(frame)
            elif isinstance(frame, UnknownChannel) and frame.channel == "orderUpdates":
                self._listener.updated(parse_order_updates(orjson.loads(text).get("data")))
            elif isinstance(frame, Acknowledged) and frame.subscription.channel == "orderUpdates":
                self.is_up = True
                self._listener.connected()
        except MalformedMessage as error:
            # An update that cannot be read is one that was missed.
            log.warning("%s", error)
            self._listener.lost()

    async def _keep(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Subscribe to the coins that are wanted, ping, and close when nothing is heard."""
        asked: set[str] = set()
        pinged_s = time.monotonic()
        while time.monotonic() - self.heard_s < SILENCE_S:
            for coin in sorted(self._listener.coins() - asked):
                await socket.send_str(format_subscribe(Subscription("bbo", coin)).decode())
                asked.add(coin)
            if time.monotonic() - pinged_s > PING_S:
                pinged_s = time.monotonic()
                await socket.send_str(PING.decode())
            await asyncio.sleep(CHECK_S)
        log.warning("nothing was heard on the websocket to %s for %.0f s", self._url, SILENCE_S)
        await socket.close()
