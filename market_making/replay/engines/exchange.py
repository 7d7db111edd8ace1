"""The local exchange in process as an engine: partial fills, funding, reduce-only. The reference.

The exchange is shown a book only where that may change something: where the size at the price of an own order is
another one, where a price has come to an own order, after a print, and before an order arrives; and where only queues
move, no level beyond the own orders. What comes of it is the same as if it were shown every book.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from market_making.hyperliquid.orders import OrderTerms, TimeInForce
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.instrument import Listing
from market_making.market.sides import Direction, Side, Sides
from market_making.replay.engines.engine import (
    EngineAccount,
    EngineFill,
    EngineFunding,
    EngineSettings,
    NewOrder,
    OrderNow,
    require_same_money,
)
from market_making.replay.tape.cache import SessionTape, TapeFile
from market_making.replay.tape.events import BUY, KIND, NS_PER_MS, TRADE
from market_making.trading.fills import DIGITS
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.engine.exchange import Exchange
from market_making.venue.engine.notices import FillNotice, FundingNotice
from market_making.venue.engine.order_checks import Refusal
from market_making.venue.engine.order_desk import Handling
from market_making.venue.order_book.order import Status

_SHOWN = 20  # levels of a book that the exchange is shown
_HANDLING = Handling()


class ExchangeEngine:
    """The local exchange over a tape.

    Parameters
    ----------
    tape : SessionTape
        What happens.
    settings : EngineSettings
        Fees, funding, accounts.
    """

    name = "exchange"
    whole_fills = False

    def __init__(self, tape: SessionTape, settings: EngineSettings) -> None:
        addresses = [f"0x{leg + 1:040x}" for leg in range(settings.legs)]
        config = VenueConfig(
            accounts=tuple(AccountConfig(address) for address in addresses),
            maker_fee=settings.maker_fee,
            taker_fee=settings.taker_fee,
            starting_balance=settings.balance,
            funding_rate=settings.funding_rate,
            whole_fills=self.whole_fills,
        )
        instrument = settings.instrument
        listing = Listing(instrument.coin, max(-int(instrument.lot.as_tuple().exponent), 0))
        self.fills: list[EngineFill] = []
        self.fundings: list[EngineFunding] = []
        self._exchange = Exchange([listing], config, tape.span.start_ms)
        self._accounts = [self._exchange.state.accounts[address] for address in addresses]
        self._legs = {address: leg for leg, address in enumerate(addresses)}
        self._coin, self._balance = instrument.coin, settings.balance
        self._book = _Book()
        self._book_ms = tape.span.start_ms
        self._is_shown = True  # the exchange has seen the book, all of it that it may see
        self._show_all = settings.funding_rate != 0  # it is paid on a price that is read off every few seconds
        self._show_next = True
        self._stamps = _stamps(tape.files)
        self._next = next(self._stamps, None)
        self._oids: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._sides: dict[int, Side] = {}
        self._resting: dict[int, tuple[Side, float]] = {}
        self._trades = 0

    def advance(self, time_ms: int, *, until_fill: bool = False) -> int:
        """Let everything happen up to and with this time [ms]; return the time that was reached."""
        known = len(self.fills)
        while self._next is not None and self._next.time_ms <= time_ms:
            self._play(self._next)
            stamp_ms, self._next = self._next.time_ms, next(self._stamps, None)
            if until_fill:
                self._collect()
                if len(self.fills) > known:
                    time_ms = stamp_ms
                    break
        self._exchange.advance(time_ms)
        self._collect()
        return self._exchange.state.now_ms

    def place(self, order: NewOrder) -> bool:
        """Let a post-only order arrive now."""
        self._show()
        price, size = Decimal(repr(order.price)), Decimal(repr(order.size))
        terms = OrderTerms(0, order.side, price, size, order.reduce_only, TimeInForce.POST_ONLY, None, None)
        self._sides[order.number] = order.side
        placed = self._exchange.desk.place(self._accounts[order.leg], terms, _HANDLING)
        if isinstance(placed, Refusal):
            return False
        self._oids[order.number], self._numbers[placed.oid] = placed.oid, order.number
        self._resting[order.number], self._show_next = (order.side, order.price), True
        return True

    def cancel(self, number: int) -> None:
        """Let a cancellation arrive now."""
        order = self._exchange.state.orders.get(self._oids[number])
        if order is not None and order.is_live:
            self._exchange.desk.end(order, Status.CANCELLED)
        self._resting.pop(number, None)

    def order(self, number: int) -> OrderNow:
        """What has become of an order until now."""
        order = self._exchange.state.orders.get(self._oids[number])
        if order is None:  # the exchange forgets orders that ended long ago
            filled = sum(fill.size for fill in self.fills if fill.number == number)
            return OrderNow(round(filled, DIGITS), is_open=False)
        return OrderNow(float(order.size(order.filled_lots)), order.is_live)

    def levels(self, side: Side, count: int) -> tuple[Level, ...]:
        """The market's best levels on one side now."""
        return self._book.best(side, count)

    def close(self) -> EngineAccount:
        """End the run and return the account, checked against the fills."""
        self._collect()
        position = sum(float(account.position(self._coin).size) for account in self._accounts)
        cash = sum(float(account.purse.cash) - self._balance for account in self._accounts)
        fees = sum(float(account.purse.fees) for account in self._accounts)
        return require_same_money(EngineAccount(position, cash, fees), self, self._sides)

    def _play(self, stamp: "_Stamp") -> None:
        if stamp.trades:
            self._show()
            self._show_next = True
        for is_buy, price, size in stamp.trades:
            direction, self._trades = Direction.BUY if is_buy else Direction.SELL, self._trades + 1
            self._exchange.on_trade(Trade(self._coin, stamp.time_ms, direction, price, size, str(self._trades)))
        if stamp.changes:
            for is_bid, price, size in stamp.changes:
                self._book.change(Side.BID if is_bid else Side.ASK, price, size)
            self._book_ms, self._is_shown = stamp.time_ms, False
            at_edge = any(self._is_at_edge(*order) for order in self._resting.values())
            if self._show_all or at_edge:
                self._show()
            elif self._show_next or self._is_at_own_price(stamp.changes):
                self._show_queues()
            self._show_next = at_edge

    def _show(self) -> None:
        """Let the exchange see the book as it is, if it has not yet."""
        if not self._is_shown:
            self._tell(_SHOWN, _SHOWN)
            self._is_shown = True

    def _show_queues(self) -> None:
        """Let the exchange see as many levels as it needs for the queues of the own orders, which are within them."""
        counts = {Side.BID: 1, Side.ASK: 1}
        for side, price in self._resting.values():
            counts[side] = max(counts[side], self._book.levels_to(side, price) + 1)
        self._tell(min(counts[Side.BID], _SHOWN), min(counts[Side.ASK], _SHOWN))

    def _tell(self, bids: int, asks: int) -> None:
        shown = self._book.best(Side.BID, bids), self._book.best(Side.ASK, asks)
        self._exchange.on_book(BookSnapshot(self._coin, self._book_ms, *shown))

    def _is_at_edge(self, side: Side, price: float) -> bool:
        """Whether an own order is crossed, or not clearly within the shown levels; then the next one counts."""
        return self._book.ends_before(side, price, _SHOWN) or self._book.crosses(side, price)

    def _is_at_own_price(self, changes: list[tuple[bool, float, float]]) -> bool:
        own = {(side is Side.BID, price) for side, price in self._resting.values()}
        return any((is_bid, price) in own for is_bid, price, _ in changes)

    def _collect(self) -> None:
        for notice in self._exchange.drain():
            if isinstance(notice, FillNotice):
                fill = notice.fill
                number = self._numbers[fill.oid]
                told = number, float(fill.price), float(fill.size), float(fill.fee)
                if not self.order(number).is_open:
                    self._resting.pop(number, None)
                self.fills.append(EngineFill(fill.time_ms, *told, is_maker=not fill.is_taker))
            elif isinstance(notice, FundingNotice):
                payment = notice.payment
                leg = self._legs[notice.address]
                self.fundings.append(EngineFunding(payment.time_ms, leg, float(payment.amount)))


class WholeFillExchange(ExchangeEngine):
    """The same, but the market fills an order whole as soon as it fills any of it, as hftbacktest does."""

    name = "exchange-whole"
    whole_fills = True


class _Stamp(NamedTuple):
    """Prints and changes of one time [ms], each with its side, price and size."""

    time_ms: int
    trades: list[tuple[bool, float, float]]
    changes: list[tuple[bool, float, float]]


class _Book:
    """The market's book, kept sorted."""

    def __init__(self) -> None:
        self._sizes: Sides[dict[float, float]] = Sides({}, {})
        self._keys: Sides[list[float]] = Sides([], [])  # prices, those of bids negative: the best comes first

    def change(self, side: Side, price: float, size: float) -> None:
        """Let one level have a new size; 0 takes it out."""
        sizes, keys = self._sizes.of(side), self._keys.of(side)
        key = -price if side is Side.BID else price
        if size > 0:
            if key not in sizes:
                insort(keys, key)
            sizes[key] = size
        elif sizes.pop(key, None) is not None:
            del keys[bisect_left(keys, key)]

    def levels_to(self, side: Side, price: float) -> int:
        """How many levels of a side are at a price or nearer to the middle."""
        return bisect_right(self._keys.of(side), -price if side is Side.BID else price)

    def ends_before(self, side: Side, price: float, levels: int) -> bool:
        """Whether the last of the best levels of a side is at a price or nearer to the middle."""
        keys = self._keys.of(side)
        return not keys or keys[min(levels, len(keys)) - 1] <= (-price if side is Side.BID else price)

    def crosses(self, side: Side, price: float) -> bool:
        """Whether the best of the other side has come to a price on this side."""
        keys = self._keys.of(side.opposite)
        return bool(keys) and (keys[0] <= price if side is Side.BID else -keys[0] >= price)

    def best(self, side: Side, count: int) -> tuple[Level, ...]:
        """The best levels of a side."""
        sizes, keys = self._sizes.of(side), self._keys.of(side)
        return tuple([Level(abs(key), sizes[key]) for key in keys[:count]])


def _stamps(files: tuple[TapeFile, ...]) -> Iterator[_Stamp]:
    """The rows of a tape, one time after the other; an hour is in memory at once."""
    for file in files:
        rows = file.read()
        is_buy = (rows["ev"] & BUY > 0).tolist()
        is_trade = (rows["ev"] & KIND == TRADE).tolist()
        columns = ((rows["exch_ts"] // NS_PER_MS).tolist(), is_trade, is_buy, rows["px"].tolist(), rows["qty"].tolist())
        stamp = None
        for time_ms, trades, *event in zip(*columns, strict=True):
            if stamp is None or stamp.time_ms != time_ms:
                if stamp is not None:
                    yield stamp
                stamp = _Stamp(time_ms, [], [])
            (stamp.trades if trades else stamp.changes).append((event[0], event[1], event[2]))
        if stamp is not None:
            yield stamp
