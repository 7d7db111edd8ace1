"""Leaves positions, reduce-only and at once: only ever on request, or by a rule somebody has turned on."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from market_making.guard.client import ExchangeClient, ExchangeRefused, Reduction
from market_making.guard.options import Markets
from market_making.guard.record import GuardRecord
from market_making.guard.watch import Leave
from market_making.hyperliquid.market_data import parse_book
from market_making.market.errors import MalformedMessage
from market_making.market.events import BookSnapshot
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.safety.order_names import OrderNames

SLIPPAGE = 0.01
AGAIN_S = 3.0

log = logging.getLogger(__name__)


class Leaver:
    """Sends orders that reduce positions of one account.

    Parameters
    ----------
    bot : str
        Name of the bot whose account it is.
    client : ExchangeClient
        Sends.
    markets : Callable[[], Markets]
        What the exchange lists now.
    record : GuardRecord
        Where it is written down.
    names : OrderNames
        Where the name of an order is noted that leaves what the bot has not booked, so that it is left once.
    """

    def __init__(
        self,
        bot: str,
        client: ExchangeClient,
        markets: Callable[[], Markets],
        record: GuardRecord,
        names: OrderNames,
    ) -> None:
        self.words: str | None = None
        self.names: set[str] = set()
        """Names of the orders with which it has left what only fills tell of."""
        self._names = names
        self._bot, self._client, self._markets, self._record = bot, client, markets, record
        self._sent_s = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def send(self, leaves: Sequence[Leave], tell: Callable[[str], None]) -> None:
        """Begin to leave, not more often than every few seconds."""
        if not leaves or time.monotonic() - self._sent_s < AGAIN_S or (self._task and not self._task.done()):
            return
        self._sent_s = time.monotonic()
        self._task = asyncio.create_task(self._carry_out(leaves, tell))

    async def _carry_out(self, leaves: Sequence[Leave], tell: Callable[[str], None]) -> None:
        for leave in leaves:
            try:
                words = await self._leave(leave)
            except (ExchangeRefused, MalformedMessage) as error:
                words = str(error)
            self.words = words
            event = "left" if words is None else "refused"
            detail = leave.because.detail if words is None else words
            self._record.write(
                event, bot=self._bot, coin=leave.coin, size=leave.size, reason=str(leave.because.reason), detail=detail
            )
            tell(f"{self._bot}: leaving {leave.size:g} {leave.coin}: {detail}")

    async def _leave(self, leave: Leave) -> str | None:
        """Send one order; None if something was filled, else the exchange's words."""
        markets = self._markets()
        asset = markets.assets.get(leave.coin)
        if asset is None:
            return f"{leave.coin} is not listed"
        try:
            book = parse_book(await self._client.ask("l2Book", coin=leave.coin))
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedMessage(f"the book of {leave.coin} lacks {error}") from None
        reduction = _reduction(leave, asset, markets.instruments[leave.coin], book)
        if reduction is None:
            return f"nobody is there to trade {leave.coin} with"
        is_spot = leave.coin in markets.bases
        if is_spot or leave.because.reason is Reason.POSITION_UNKNOWN:
            reduction = reduction._replace(name=self._noted(), reduces=not is_spot)
        return (await self._client.reduce([reduction]))[0]

    def _noted(self) -> str:
        name = self._names.new()
        self.names.add(name)
        try:
            self._names.note(name)
        except OSError as error:  # it is left all the same: what is left is seen in the position
            log.warning("the name of an order cannot be written down: %s", error)
        return name


def _reduction(leave: Leave, asset: int, instrument: Instrument, book: BookSnapshot) -> Reduction | None:
    """The order that leaves a position through this book, at most `SLIPPAGE` beyond its best price."""
    side = Side.ASK if leave.size > 0 else Side.BID
    levels = book.bids if side is Side.ASK else book.asks
    if not levels:
        return None
    best = levels[0].price
    if side is Side.ASK:
        price = instrument.ask_price(best * (1 - SLIPPAGE))
    else:
        price = instrument.bid_price(best * (1 + SLIPPAGE))
    return Reduction(asset, side, price, instrument.size(abs(leave.size)))
