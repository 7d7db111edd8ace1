"""The one websocket of a bot: its own thread, what it tells put into books and orders, and whether it is believed.

Best quotes and the fast book of each coin come by the same connection as fills, order updates and state of the account,
where there is one. The books, of which one comes every half second, prove that it is alive.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from market_making.hyperliquid.contexts import CONTEXT
from market_making.hyperliquid.renewed_socket import RenewedSocket, Wish
from market_making.market.errors import MalformedMessage
from market_making.trading.freqtrade.edge.known_account import KnownAccount
from market_making.trading.freqtrade.edge.known_books import KnownBooks
from market_making.trading.freqtrade.edge.known_orders import KnownOrders
from market_making.trading.freqtrade.edge.oracles import Oracles

log = logging.getLogger(__name__)

_ACKNOWLEDGED_WITHIN_S = 5.0
_USER_CHANNELS = ("orderUpdates", "userFills")
_STATE_CHANNEL = "clearinghouseState"


class Socket:
    """Listener of the connection, and its thread.

    Parameters
    ----------
    address : str
        Of the websocket.
    user : str or None
        Address of the account; None in a dry run.
    """

    def __init__(self, address: str, user: str | None) -> None:
        self.on_news: Callable[[], None] = _ignore
        """Called by the thread of the socket when an own order was filled or has ended."""
        self.on_price: Callable[[str], None] = _ignore
        """Called by the thread of the socket with the coin of every best quote and book."""
        self.books = KnownBooks()
        self.orders = KnownOrders()
        self.account = KnownAccount()
        self.oracles = Oracles()
        self._user = None if user is None else user.lower()
        self._coins: tuple[str, ...] = ()
        self._acknowledged: set[str] = set()
        self._first_s: float | None = None
        self._channels: dict[str, Callable[[Any], None]] = {
            "bbo": self._take_quote,
            "l2Book": self._take_book,
            CONTEXT: self.oracles.take,
            "orderUpdates": self._take_updates,
            "userFills": self._take_fills,
            _STATE_CHANNEL: self._take_state,
            "subscriptionResponse": lambda data: self._acknowledge(data["subscription"]),
            "error": self._take_error,
        }
        self._connection = RenewedSocket(address, self)
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="edge-socket", daemon=True)

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection and its thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
            self._thread.join(5.0)

    def want(self, coins: Iterable[str]) -> None:
        """Receive these coins, too; an exchange ends a connection that asks for one it does not list."""
        self._coins = tuple(dict.fromkeys((*self._coins, *coins)))

    @property
    def connections(self) -> int:
        """How often it was connected."""
        return self._connection.connections

    def wishes(self) -> Iterator[Wish]:
        """Subscriptions that are wanted now."""
        if not self._coins:
            return  # without a book nothing would prove that the connection is alive
        if self._user is not None:
            for channel in (*_USER_CHANNELS, _STATE_CHANNEL):
                yield {"type": channel, "user": self._user}
        for coin in self._coins:
            yield {"type": "bbo", "coin": coin}
            yield {"type": "l2Book", "coin": coin, "fast": True}
            if ":" in coin:  # of a dex, whose deployer renews the oracle
                yield {"type": CONTEXT, "coin": coin}

    def received(self, text: str | bytes) -> str | None:
        """Take one message; return why the connection must not be believed any longer, or None."""
        try:
            message = orjson.loads(text)
            self._take(message["channel"], message.get("data"))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, MalformedMessage) as error:
            return f"not believed: {error}"
        return self._doubt()

    def lost(self) -> None:
        """Messages are missed from now on; nothing that was told is known any more."""
        self._acknowledged.clear()
        self._first_s = None
        self.books.forget()
        self.orders.forget()
        self.account.forget()
        self.oracles.forget()
        self.on_news()

    def _doubt(self) -> str | None:
        """Why the connection must not be believed although every message can be read."""
        now_s = time.monotonic()
        self._first_s = now_s if self._first_s is None else self._first_s
        if self.orders.is_ready:
            told = self.orders.is_believed()
            return None if told else "not believed: it has not reported in time what became of an own order"
        if self._user is not None and now_s - self._first_s > _ACKNOWLEDGED_WITHIN_S:
            return "not believed: it reports nothing of the account"
        return None

    def _take(self, channel: str, data: Any) -> None:
        take = self._channels.get(channel)
        if take is not None:
            take(data)

    def _take_quote(self, data: Any) -> None:
        self.on_price(self.books.take_quote(data))

    def _take_book(self, data: Any) -> None:
        self.on_price(self.books.take_book(data))

    def _take_updates(self, data: Any) -> None:
        if self.orders.take_updates(data):
            self.on_news()

    def _take_state(self, data: Any) -> None:
        self._require_own(data["user"])
        self.account.take(data["clearinghouseState"])

    def _take_error(self, data: Any) -> None:
        if _STATE_CHANNEL not in str(data):  # an exchange without it is asked for the state
            raise MalformedMessage(f"the exchange says {data!r:.100}")

    def _take_fills(self, data: Any) -> None:
        self._require_own(data["user"])
        if self.orders.take_fills(data["fills"]) and not data.get("isSnapshot"):
            self.on_news()

    def _acknowledge(self, subscription: Any) -> None:
        if subscription["type"] in _USER_CHANNELS:
            self._require_own(subscription["user"])
            self._acknowledged.add(subscription["type"])
            if self._acknowledged.issuperset(_USER_CHANNELS):
                self.orders.ready()

    def _require_own(self, user: Any) -> None:
        if str(user).lower() != self._user:
            raise MalformedMessage(f"it tells of the account {user!r:.60}")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._connection.run())
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _ignore(*_: str) -> None:
    """Nobody listens yet."""
