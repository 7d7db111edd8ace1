"""Cancels orders of one account, each once: what is on its way is not sent again, what has ended is forgotten."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

from market_making.guard.account_view import Budget, OpenOrders
from market_making.guard.client import ExchangeClient, ExchangeRefused
from market_making.guard.record import GuardRecord
from market_making.guard.watch import Cancellation
from market_making.hyperliquid.orders import Cancel
from market_making.market.reasons import Because
from market_making.safety.guard_record import CANCEL, CANCELLED

_GONE = "already canceled, or filled"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 5.0
_SPOT_ASSETS_FROM = 10_000

log = logging.getLogger(__name__)


class Canceller:
    """Sends cancels and writes down what became of them.

    Parameters
    ----------
    bot : str
        Name of the bot whose orders these are.
    client : ExchangeClient
        Sends.
    asset_of : Callable[[str], int | None]
        Number of a listed coin.
    orders, budget
        Told what has ended and what was spent.
    record : GuardRecord
        Where it is written down.
    """

    def __init__(
        self,
        bot: str,
        client: ExchangeClient,
        asset_of: Callable[[str], int | None],
        orders: OpenOrders,
        budget: Budget,
        record: GuardRecord,
    ) -> None:
        self.cancelled = 0
        self.words: str | None = None
        self.took_ms: deque[float] = deque(maxlen=1000)
        self._bot, self._client, self._asset_of = bot, client, asset_of
        self._orders, self._budget, self._record = orders, budget, record
        self._underway: set[int] = set()
        self._again_s: dict[int, tuple[float, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def is_free(self, oid: int) -> bool:
        """Whether a cancel of this order may be sent now."""
        return oid not in self._underway and time.monotonic() >= self._again_s.get(oid, (0.0, 0.0))[0]

    def send(self, cancellations: Iterable[Cancellation], on_done: Callable[[str], None] | None = None) -> int:
        """Begin to cancel in one action; return how many orders it is about. `on_done` is told what was cancelled."""
        wanted = [item for item in cancellations if self.is_free(item.order.oid)]
        chosen = [item for item in wanted if self._asset(item.order.coin) is not None]
        if not chosen:
            return 0
        self._underway.update(item.order.oid for item in chosen)
        task = asyncio.create_task(self._carry_out(chosen, on_done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return len(chosen)

    async def settle(self) -> None:
        """Wait for the answers that are still missing."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LONGEST_WAIT_S)

    def _asset(self, coin: str) -> int | None:
        """Number of a coin; a spot pair carries its own in its name."""
        if coin.startswith("@") and coin[1:].isdigit():
            return _SPOT_ASSETS_FROM + int(coin[1:])
        return self._asset_of(coin)

    async def _carry_out(self, chosen: list[Cancellation], on_done: Callable[[str], None] | None) -> None:
        for item in chosen:
            self._record.about(CANCEL, self._bot, item.order, item.because)
        began_s = time.monotonic()
        try:
            cancels = [Cancel(self._asset(item.order.coin) or 0, item.order.oid) for item in chosen]
            answers = await self._client.cancel(cancels)
        except ExchangeRefused as error:
            answers = [str(error)] * len(chosen)
        finally:
            self._underway.difference_update(item.order.oid for item in chosen)
        self._budget.spend(len(chosen))
        self.took_ms.append((time.monotonic() - began_s) * 1e3)
        done = [item for item, words in zip(chosen, answers, strict=True) if self._note(item, words)]
        if done and on_done is not None:
            coins = ", ".join(sorted({item.order.coin for item in done}))
            count = "an order" if len(done) == 1 else f"{len(done)} orders"
            on_done(f"{self._bot}: cancelled {count} of {coins}: {done[0].because}")

    def _note(self, item: Cancellation, words: str | None) -> bool:
        """Take the exchange's answer about one order; tell whether it was cancelled."""
        order, now_s = item.order, time.monotonic()
        if words is None or _GONE in words:
            self.words = None
            self._again_s.pop(order.oid, None)
            self._orders.end(order.oid, now_s)
            event = CANCELLED if words is None else "gone"
            self._record.about(event, self._bot, order, item.because)
            self.cancelled += words is None
            return words is None
        self.words = words
        wait_s = min(2 * self._again_s.get(order.oid, (0.0, _FIRST_WAIT_S / 2))[1], _LONGEST_WAIT_S)
        self._again_s[order.oid] = (now_s + wait_s, wait_s)
        self._record.about("refused", self._bot, order, Because(item.because.reason, words))
        log.warning("%s: order %d of %s was not cancelled: %s", self._bot, order.oid, order.coin, words)
        return False
