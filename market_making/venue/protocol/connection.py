"""One websocket of a client: what it has subscribed to, what it waits for, and a queue of what it gets."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any, NamedTuple

from aiohttp import WSMsgType, web

from market_making.venue.faults.course import Delivery

log = logging.getLogger(__name__)

# A client that is so many messages behind does not read; the real exchange would drop it, too.
MOST_WAITING = 20_000
# A connection on which the exchange has had nothing to say for so long is closed; a ping gives it something to say.
SILENCE_S = 60.0
# Posts that may wait for their answer at once. The real exchange counts them by IP address.
MOST_POSTS = 100
# Half a message is given so long to leave before the connection is cut.
HALF_S = 0.05


class Topic(NamedTuple):
    """What a subscription is about; equal topics get equal messages. `detail` is an interval, or ``fast``."""

    channel: str
    coin: str = ""
    user: str = ""
    detail: str = ""


class Connection:
    """A websocket; messages leave in order, each after the latency of the venue.

    Parameters
    ----------
    socket : web.WebSocketResponse
        Prepared socket.
    transport : asyncio.Transport or None
        What lies under it; `abort` cuts it.
    latency_s : float
        Delay of every message [s].
    address : str
        IP address of the client.
    """

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, latency_s: float, address: str
    ) -> None:
        self.address = address
        self.topics: dict[Topic, dict[str, Any]] = {}
        self._socket = socket
        self._transport = transport
        self._latency_s = latency_s
        self._waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._last_sent_s = asyncio.get_running_loop().time()
        self._writer = asyncio.create_task(self._write())
        self._posts: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether as many posts wait for their answer as may."""
        return len(self._posts) >= MOST_POSTS

    def begin(self, post: Coroutine[Any, Any, None]) -> None:
        """Work on a post; what is not answered when the connection ends is not carried out any more."""
        task = asyncio.create_task(post)
        self._posts.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._posts.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a post was not answered, its connection is cut", exc_info=task.exception())
            self.abort()

    def send(self, message: bytes) -> None:
        """Queue a message."""
        if self._waiting.qsize() >= MOST_WAITING:
            self.abort()
            return
        self._last_sent_s = asyncio.get_running_loop().time()
        self._waiting.put_nowait((self._last_sent_s + self._latency_s, message))

    def deliver(self, delivery: Delivery, message: bytes) -> None:
        """Queue a message, or what is left of it."""
        match delivery:
            case Delivery.WHOLE:
                self.send(message)
            case Delivery.TWICE:
                self.send(message)
                self.send(message)
            case Delivery.HALF:
                self.send(message[: len(message) // 2])
                asyncio.get_running_loop().call_later(self._latency_s + HALF_S, self.abort)
            case Delivery.CUT:
                self.abort()

    def cut_if_silent(self) -> None:
        """Cut the connection if nothing was sent for a minute."""
        if asyncio.get_running_loop().time() - self._last_sent_s > SILENCE_S:
            self.abort()

    def abort(self) -> None:
        """Cut the connection without a word: the client sees code 1006."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Stop writing, give up the posts without an answer, and close the socket."""
        for post in self._posts:
            post.cancel()
        self._writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writer
        await self._socket.close(code=1001)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, message = await self._waiting.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            try:
                await self._socket.send_frame(message, WSMsgType.TEXT)
            except ConnectionError:
                return
