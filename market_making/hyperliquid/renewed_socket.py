"""One websocket to Hyperliquid that is renewed for ever, for a reader that believes it only while it is alive.

It knows nothing of what it carries: messages go to the listener as text, and what the listener wants to hear is
subscribed to on every new connection. A listener that does not believe what it hears asks for a new connection.
"""

import asyncio
import logging
import random
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

import aiohttp
import orjson

log = logging.getLogger(__name__)

Wish = Mapping[str, Any]

_PING = '{"method":"ping"}'
_PING_S = 10.0
_SILENCE_S = 2.0
_CHECK_S = 0.1
_CONNECT_S = 5.0
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 5.0
_STEADY_S = 20.0


class Listener(Protocol):
    """Takes what the connection carries."""

    def wishes(self) -> Iterable[Wish]:
        """Subscriptions that are wanted now; asked for ten times a second."""
        ...

    def received(self, text: str | bytes) -> str | None:
        """Take one message; return why the connection must not be believed any longer, or None."""
        ...

    def lost(self) -> None:
        """From now on messages are missed."""
        ...


class RenewedSocket:
    """A connection that is renewed for ever.

    Parameters
    ----------
    address : str
        Of the websocket.
    listener : Listener
        Takes the messages.
    """

    def __init__(self, address: str, listener: Listener) -> None:
        self.connections = 0
        self._address = address
        self._listener = listener
        self._heard_s = 0.0

    async def run(self) -> None:
        """Receive until cancelled."""
        delay_s = _FIRST_DELAY_S
        async with aiohttp.ClientSession() as session:
            while True:
                opened_s = time.monotonic()
                reason = await self._attempt(session)
                self._listener.lost()
                if time.monotonic() - opened_s > _STEADY_S:
                    delay_s = _FIRST_DELAY_S
                log.warning("the websocket to %s ended (%s); until it is back the bot asks", self._address, reason)
                await asyncio.sleep(random.uniform(delay_s / 2, delay_s))  # noqa: S311 - spreads connections, no secret
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    async def _attempt(self, session: aiohttp.ClientSession) -> str:
        """One connection from its opening to its end; return the reason of the end."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                timeout = aiohttp.ClientWSTimeout(ws_close=0.5)
                socket = await session.ws_connect(self._address, timeout=timeout, max_msg_size=1 << 24)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return f"{type(error).__name__} {error}"
        self.connections += 1
        async with socket:
            self._heard_s = time.monotonic()
            keeper = asyncio.create_task(self._keep(socket))
            try:
                async for message in socket:
                    if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                        self._heard_s = time.monotonic()
                        if (doubt := self._listener.received(message.data)) is not None:
                            return doubt
            except (aiohttp.ClientError, OSError) as error:
                return f"{type(error).__name__} {error}"
            finally:
                keeper.cancel()
                with suppress(asyncio.CancelledError, aiohttp.ClientError, OSError):
                    await keeper
        return f"closed with {socket.close_code}"

    async def _keep(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Subscribe to what is wanted, ping, and close when nothing is heard."""
        asked: set[bytes] = set()
        pinged_s = time.monotonic()
        while time.monotonic() - self._heard_s < _SILENCE_S:
            for wish in self._listener.wishes():
                request = orjson.dumps({"method": "subscribe", "subscription": wish})
                if request not in asked:
                    asked.add(request)
                    await socket.send_str(request.decode())
            if time.monotonic() - pinged_s > _PING_S:
                pinged_s = time.monotonic()
                await socket.send_str(_PING)
            await asyncio.sleep(_CHECK_S)
        await socket.close()
