"""A websocket connection to Hyperliquid that is renewed for ever.

The venue closes connections without announcement and repeats books even when nothing changes, so silence means loss:
a connection on which nothing arrives is renewed, a feed that is silent while others speak is subscribed again.
"""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import aiohttp

from market_making.hyperliquid.contexts import CONTEXT, EVERY_CONTEXT, EveryContext
from market_making.hyperliquid.market_data import (
    PING,
    Acknowledged,
    Frame,
    Greeting,
    Pong,
    Refused,
    Subscription,
    UnknownChannel,
    format_subscribe,
    parse_frame,
)
from market_making.market.clock import now_ms
from market_making.market.errors import MalformedMessage
from market_making.market.events import AssetContext, BestQuote, BookSnapshot, Trade

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timing:
    """How patient a connection is [s].

    The fast book is repeated every half second, the slow one every five; best quotes and trades may be silent for
    minutes, so they have no limit of their own. What was not listed is looked for again after `relist_s`.
    """

    ping_s: float = 20.0
    fast_book_silence_s: float = 5.0
    book_silence_s: float = 20.0
    context_silence_s: float = 60.0
    acknowledgement_s: float = 10.0
    check_s: float = 0.5
    relist_s: float = 120.0
    first_delay_s: float = 0.25
    longest_delay_s: float = 10.0
    connect_s: float = 10.0

    def silence_s(self, subscription: Subscription) -> float:
        """How long a feed may be silent."""
        if subscription.channel == "l2Book":
            return self.fast_book_silence_s if subscription.fast else self.book_silence_s
        return self.context_silence_s if subscription.channel in (CONTEXT, EVERY_CONTEXT) else float("inf")


class Receipt(NamedTuple):
    """How a frame was received; `first_since_ms` is the time of the subscription if this is its first frame."""

    local_ms: int
    fast: bool
    first_since_ms: int | None


class Listener(Protocol):
    """Takes what a connection receives."""

    async def tradable(self) -> Set[str]:
        """Coins that may be subscribed to now: one that is not listed ends the whole connection."""
        ...

    def received(self, frame: Frame, reception: Receipt) -> None:
        """A frame of a feed that was asked for."""
        ...

    def malformed(self, error: MalformedMessage) -> None:
        """A message could not be read; the connection goes on."""
        ...

    def lost(self, subscription: Subscription, reason: str) -> None:
        """From the last frame on, something may be missing of this feed."""
        ...


class RateLimit:
    """No more than `per_minute` of something in any minute."""

    def __init__(self, per_minute: int) -> None:
        self._taken: deque[float] = deque(maxlen=per_minute)

    async def take(self) -> None:
        """Wait until one more is allowed."""
        while len(self._taken) == self._taken.maxlen and (wait := self._taken[0] + 60 - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        self._taken.append(time.monotonic())


class RateLimits:
    """What the exchange allows an address, over all its connections: 30 new ones and 2000 messages a minute.

    A part is left to the other programs of the machine.
    """

    def __init__(self, *, connections: int = 25, messages: int = 1800) -> None:
        self.connections = RateLimit(connections)
        self.messages = RateLimit(messages)


class _Line:
    """State of one subscription on the present connection."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.subscribed_ms: int | None = None
        self.acknowledged = False
        self.heard = 0.0
        self.attempts = 0

    def asked(self) -> None:
        self.subscribed_ms = now_ms()
        self.heard = time.monotonic()
        self.acknowledged = False
        self.attempts += 1

    def silent(self, timing: Timing) -> bool:
        """Whether it is time to ask again; the patience doubles with every attempt."""
        limit = timing.silence_s(self.subscription)
        if not self.acknowledged:
            limit = min(limit, timing.acknowledgement_s)
        patience = limit * 2.0 ** min(self.attempts - 1, 6)
        return time.monotonic() - self.heard > patience

    def is_quiet_with(self, silent: "_Line") -> bool:
        """Whether it may have ended with a silent feed of its coin; a book is repeated long before it is silent."""
        if self is silent:
            return True
        quiet_s, silent_s = (time.monotonic() - line.heard for line in (self, silent))
        of, book = self.subscription, silent.subscription
        return of.coin == book.coin and book.channel == "l2Book" and quiet_s > silent_s / 2


class Feed:
    """Feeds of some coins over one connection.

    Parameters
    ----------
    address : str
        Websocket address.
    subscriptions : sequence of Subscription
        What to receive. Fast and slow books must not be mixed: their frames look alike.
    listener : Listener
        Takes the frames.
    allowances : RateLimits
        Shared by all connections of this program.
    timing : Timing
        How patient to be.
    """

    def __init__(
        self,
        address: str,
        subscriptions: Sequence[Subscription],
        listener: Listener,
        allowances: RateLimits,
        timing: Timing | None = None,
    ) -> None:
        self.connections = 0
        self._address = address
        self._listener = listener
        self._allowances = allowances
        self._timing = timing or Timing()
        self._fast = any(subscription.fast for subscription in subscriptions)
        self._lines = {subscription: _Line(subscription) for subscription in subscriptions}
        self._heard = 0.0
        self._silent = False

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Receive until cancelled."""
        delay = self._timing.first_delay_s
        while True:
            await self._allowances.connections.take()
            opened = time.monotonic()
            reason = await self._attempt(session)
            for subscription in self._lines:
                self._listener.lost(subscription, "silence" if self._silent else "reconnect")
            if time.monotonic() - opened > self._timing.longest_delay_s:
                delay = self._timing.first_delay_s
            log.warning("connection to %s ended (%s); the next within %.1f s", self._address, reason, delay)
            await asyncio.sleep(random.uniform(0, delay))  # noqa: S311 - spreads reconnections, no secret
            delay = min(2 * delay, self._timing.longest_delay_s)

    async def _attempt(self, session: aiohttp.ClientSession) -> str:
        """One connection from its opening to its end; gives the reason of the end."""
        self._silent = False
        try:
            async with asyncio.timeout(self._timing.connect_s):
                socket = await session.ws_connect(
                    self._address, max_msg_size=1 << 24, timeout=aiohttp.ClientWSTimeout(ws_close=1.0)
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return f"{type(error).__name__} {error}"
        self.connections += 1
        async with socket:
            keeper = asyncio.create_task(self._keep(socket))
            try:
                await self._listen(socket)
            finally:
                keeper.cancel()
                with suppress(asyncio.CancelledError, aiohttp.ClientError, OSError):
                    await keeper
        return "silence" if self._silent else f"closed with {socket.close_code}"

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self._receive(message.data)

    def _receive(self, text: str | bytes) -> None:
        local_ms = now_ms()
        try:
            frame = parse_frame(text)
        except MalformedMessage as error:
            self._listener.malformed(error)
            return
        if isinstance(frame, (Greeting, Pong, UnknownChannel)):
            return
        self._heard = time.monotonic()
        if isinstance(frame, Refused):
            log.warning("%s refuses: %s", self._address, frame.text)
            return
        line = self._lines.get(_subscription_of(frame, fast=self._fast))
        if line is None:
            return
        line.heard = self._heard
        if isinstance(frame, Acknowledged):
            line.acknowledged = True
            return
        line.attempts = 1
        first_since_ms, line.subscribed_ms = line.subscribed_ms, None
        self._listener.received(frame, Receipt(local_ms, self._fast, first_since_ms))

    async def _keep(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Subscribe, then ping and watch for silence until the connection ends."""
        tradable = await self._listener.tradable()
        lines = [line for line in self._lines.values() if line.subscription.coin in {*tradable, ""}]
        for line in lines:
            line.attempts = 0
            await self._ask(socket, line)
        pinged = looked = self._heard = time.monotonic()
        while not self._is_silent():
            await asyncio.sleep(self._timing.check_s)
            if time.monotonic() - pinged > self._timing.ping_s:
                pinged = time.monotonic()
                await self._send(socket, PING)
            if len(lines) < len(self._lines) and time.monotonic() - looked > self._timing.relist_s:
                looked = time.monotonic()
                await self._take_up(socket, lines)
            await self._wake(socket, lines)
        self._silent = True
        await socket.close()

    async def _wake(self, socket: aiohttp.ClientWebSocketResponse, lines: list[_Line]) -> None:
        """Ask again for what is silent; what is not listed any more is left out of `lines`."""
        for line in list(lines):
            coin = line.subscription.coin
            if line not in lines or not line.silent(self._timing):
                continue
            if coin in {*await self._listener.tradable(), ""}:
                for quiet in [each for each in lines if each.is_quiet_with(line)]:
                    await self._ask_again(socket, quiet)
                continue
            # To ask for it would end the connection, for every other coin as well. Its other feeds have ended too.
            for ended in [each for each in lines if each.subscription.coin == coin]:
                lines.remove(ended)
                self._cease(ended)

    async def _take_up(self, socket: aiohttp.ClientWebSocketResponse, lines: list[_Line]) -> None:
        """Ask for what was left out of `lines` and is listed again: the connection may last for days."""
        tradable = await self._listener.tradable()
        for line in self._lines.values():
            if line not in lines and line.subscription.coin in tradable:
                log.warning("%s is listed again; its %s begins", line.subscription.coin, line.subscription.channel)
                line.attempts = 0
                await self._ask(socket, line)
                lines.append(line)

    def _is_silent(self) -> bool:
        """Whether nothing at all was heard for as long as the most talkative feed may be silent."""
        limit = min(self._timing.silence_s(subscription) for subscription in self._lines)
        return time.monotonic() - self._heard > limit

    async def _ask(self, socket: aiohttp.ClientWebSocketResponse, line: _Line) -> None:
        await self._send(socket, format_subscribe(line.subscription))
        line.asked()

    async def _send(self, socket: aiohttp.ClientWebSocketResponse, message: bytes) -> None:
        await self._allowances.messages.take()
        await socket.send_str(message.decode())

    async def _ask_again(self, socket: aiohttp.ClientWebSocketResponse, line: _Line) -> None:
        log.warning("no %s of %s; subscribing again", line.subscription.channel, line.subscription.coin)
        self._listener.lost(line.subscription, "silence")
        if line.acknowledged:
            await self._send(socket, format_subscribe(line.subscription, method="unsubscribe"))
        await self._ask(socket, line)

    def _cease(self, line: _Line) -> None:
        """A coin is not listed any more: it is left out until it is."""
        log.warning("%s is not listed any more; its %s ends", line.subscription.coin, line.subscription.channel)
        self._listener.lost(line.subscription, "delisted")


def _subscription_of(frame: Frame, *, fast: bool) -> Subscription:
    """The subscription a frame answers; the frequent kinds first."""
    if isinstance(frame, BestQuote):
        return Subscription("bbo", frame.coin)
    if isinstance(frame, BookSnapshot):
        return Subscription("l2Book", frame.coin, fast)
    if isinstance(frame, AssetContext | EveryContext):
        return Subscription(CONTEXT, frame.coin) if isinstance(frame, AssetContext) else Subscription(EVERY_CONTEXT, "")
    if isinstance(frame, Acknowledged):
        return frame.subscription._replace(fast=fast and frame.subscription.channel == "l2Book")
    if frame and isinstance(frame[0], Trade):
        return Subscription("trades", frame[0].coin)
    return Subscription("", "")
