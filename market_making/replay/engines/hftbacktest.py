"""hftbacktest 2.4.4 as an engine: fast, trusted by others, and it shares no code with the local exchange.

Its library is called directly: its Python classes would be compiled for seconds in every process. What that needs is
pinned by the version and held by tests. Orders are filled whole (`no_partial_fill_exchange`): with partial fills this
version loses what was filled before. It knows no reduce-only; its funding is worked out when it is closed.
"""

from ctypes import POINTER, Structure, byref, c_bool, c_double, c_int8, c_int64, c_uint8, c_uint64, cast, sizeof
from functools import lru_cache
from typing import Any

import numpy as np

from market_making.market.errors import ConfigurationError
from market_making.market.events import Level
from market_making.market.sides import Side, Sides
from market_making.market.tape import FloatArray
from market_making.replay.engines.engine import (
    EngineAccount,
    EngineFault,
    EngineFill,
    EngineFunding,
    EngineSettings,
    NewOrder,
    OrderNow,
    require_same_money,
)
from market_making.replay.engines.funding import Move, paid_hourly
from market_making.replay.tape.cache import SessionTape
from market_making.replay.tape.events import NS_PER_MS, decimals_of

VERSION = "2.4.4"
_MARGIN = 0.05  # of the price: how far beyond all prices of the tape an order may rest
_AFTER_NS = NS_PER_MS // 2  # within the millisecond: everything stamped with it has happened
_NEAR_TICKS = 8  # for each level that is asked for: so many are looked at one by one
_SPREAD_EVENLY = 1.0  # what is cancelled at a price was anywhere in its queue, as on the local exchange
_OK, _END, _NEWS = 0, 1, (2, 3)
_FILLED, _NEW = 3, 1
_POST_ONLY, _LIMIT = 1, 0


class _Order(Structure):
    """An order in the memory of the library."""

    _fields_ = (
        ("qty", c_double),
        ("leaves_qty", c_double),
        ("exec_qty", c_double),
        ("exec_price_tick", c_int64),
        ("price_tick", c_int64),
        ("tick_size", c_double),
        ("exch_timestamp", c_int64),
        ("local_timestamp", c_int64),
        ("order_id", c_uint64),
        ("_q1", c_uint64),
        ("_q2", c_uint64),
        ("maker", c_bool),
        ("order_type", c_uint8),
        ("req", c_uint8),
        ("status", c_uint8),
        ("side", c_int8),
        ("time_in_force", c_uint8),
    )


@lru_cache(1)
def _library() -> Any:
    """The functions of hftbacktest.

    Raises
    ------
    ConfigurationError
        If it is not installed, or in another version.
    """
    try:
        import hftbacktest  # noqa: PLC0415 - an extra, which takes half a second to load
    except ImportError:
        raise ConfigurationError(
            'the engine hftbacktest is not installed: pip install -e ".[replay]", or take --engine exchange'
        ) from None
    if hftbacktest.__version__ != VERSION:
        raise ConfigurationError(f"hftbacktest must be version {VERSION}, got {hftbacktest.__version__}")
    if sizeof(_Order) != hftbacktest.types.order_dtype.itemsize:
        raise ConfigurationError(
            f"an order of hftbacktest must be of {sizeof(_Order)} bytes; install version {VERSION}"
        )
    return hftbacktest


class HftbacktestEngine:
    """hftbacktest over a tape.

    Parameters
    ----------
    tape : SessionTape
        What happens.
    settings : EngineSettings
        Fees and funding; the legs are told apart by nothing but their orders.

    Raises
    ------
    ConfigurationError
        If hftbacktest is not installed.
    """

    name = "hftbacktest"

    def __init__(self, tape: SessionTape, settings: EngineSettings) -> None:
        library = _library()
        self._calls, self._fee, self._tape = library.binding, settings.maker_fee, tape
        self._funding_rate = settings.funding_rate
        self._tick, self._decimals = tape.tick, decimals_of(tape.tick)
        self._pointer = library.build_roivec_backtest([_asset(library.BacktestAsset, tape, settings)])
        self.fills: list[EngineFill] = []
        self.fundings: list[EngineFunding] = []
        self._open: dict[int, Side] = {}
        self._late: set[int] = set()
        self._sides: dict[int, Side] = {}
        self._legs: dict[int, int] = {}
        self._filled: dict[int, float] = {}
        self._ended = False
        self._reached_ms = tape.span.start_ms - 1
        # Its clock stands at the end of all times until it is first moved; then it is at the first row.
        self._require(self._calls.roivecbt_elapse(self._pointer, 0))
        # The library keeps these where they are until it is closed; what is in them changes.
        self._orders = self._calls.roivecbt_orders(self._pointer, 0)
        self._depth = self._calls.roivecbt_depth(self._pointer, 0)
        self._lowest = self._calls.roivecdepth_roi_lb_tick(self._depth)
        self._prices: dict[int, float] = {}
        self._depths = Sides(*(_sizes(call, self._depth) for call in self._depth_calls()))
        self.advance(tape.span.start_ms)

    def advance(self, time_ms: int, *, until_fill: bool = False) -> int:
        """Let everything happen up to and with this time [ms]; return the time that was reached."""
        if time_ms <= self._reached_ms:
            return self._reached_ms
        reached, known = time_ms, len(self.fills)
        target_ns, now_ns = time_ms * NS_PER_MS + _AFTER_NS, self._calls.roivecbt_current_timestamp
        while not self._ended and (left_ns := target_ns - now_ns(self._pointer)) > 0:
            if until_fill and self._open:
                self._wait(left_ns)
            else:
                self._require(self._calls.roivecbt_elapse(self._pointer, left_ns))
            self._collect()
            if until_fill and len(self.fills) > known:
                reached = max(self.fills[-1].time_ms, self._reached_ms)
                # With several orders it stops within a block; the rest of it has happened by then too.
                target_ns, until_fill = reached * NS_PER_MS + _AFTER_NS, False
        self._reached_ms = reached
        return reached

    def _wait(self, left_ns: int) -> None:
        """Wait for news of an order, or of anything where several rest."""
        if len(self._open) == 1:
            number = next(iter(self._open))
            self._require(self._calls.roivecbt_roivecbt_wait_order_response(self._pointer, 0, number, left_ns))
        else:
            code = self._calls.roivecbt_wait_next_feed(self._pointer, True, left_ns)
            self._require(_OK if code in _NEWS else code)

    def place(self, order: NewOrder) -> bool:
        """Let a post-only order arrive now; after the last row it rests, and nothing can fill it any more."""
        self._sides[order.number], self._legs[order.number] = order.side, order.leg
        if self._ended:
            return self._place_late(order)
        submit = self._calls.roivecbt_submit_buy_order
        if order.side is Side.ASK:
            submit = self._calls.roivecbt_submit_sell_order
        self._require(submit(self._pointer, 0, order.number, order.price, order.size, _POST_ONLY, _LIMIT, True))
        known = self._read(order.number)
        if known.status not in (_NEW, _FILLED):
            return False
        self._open[order.number] = order.side
        self._collect()
        return True

    def cancel(self, number: int) -> None:
        """Let a cancellation arrive now."""
        if number in self._open and not self._ended:
            self._require(self._calls.roivecbt_cancel(self._pointer, 0, number, True))
        self._late.discard(number)
        self._collect()
        self._open.pop(number, None)

    def order(self, number: int) -> OrderNow:
        """What has become of an order until now."""
        return OrderNow(self._filled.get(number, 0.0), number in self._open or number in self._late)

    def levels(self, side: Side, count: int) -> tuple[Level, ...]:
        """The market's best levels on one side now."""
        sizes = self._depths.of(side)
        if side is Side.BID:
            best = self._calls.roivecdepth_best_bid_tick(self._depth) - self._lowest
            return self._found(sizes, range(best, -1, -1), count)
        best = self._calls.roivecdepth_best_ask_tick(self._depth) - self._lowest
        return self._found(sizes, range(best, len(sizes)) if best >= 0 else range(0), count)

    def close(self) -> EngineAccount:
        """End the run and return the account, checked against the fills."""
        self._collect()
        held = cast(self._calls.roivecbt_state_values(self._pointer, 0), POINTER(c_double))
        position, balance, fees = held[0], held[1], held[2]
        if self._funding_rate:
            moves, touch = map(self._move, self.fills), self._tape.touch()
            self.fundings = paid_hourly(moves, touch, self._tape.span, self._funding_rate)
        account = EngineAccount(position, balance - fees + sum(paid.amount for paid in self.fundings), fees)
        self._calls.roivecbt_close(self._pointer)
        return require_same_money(account, self, self._sides)

    def _move(self, fill: EngineFill) -> Move:
        sign = 1 if self._sides[fill.number] is Side.BID else -1
        return Move(fill.time_ms, self._legs[fill.number], sign * fill.size)

    def _place_late(self, order: NewOrder) -> bool:
        """The library takes no orders after its last row; the book then is the last one."""
        against = self.levels(order.side.opposite, 1)
        sign = 1 if order.side is Side.BID else -1
        if against and sign * (order.price - against[0].price) >= 0:
            return False
        self._late.add(order.number)
        return True

    def _depth_calls(self) -> tuple[Any, Any]:
        return self._calls.roivecdepth_bid_depth, self._calls.roivecdepth_ask_depth

    def _found(self, sizes: FloatArray, ticks: range, count: int) -> tuple[Level, ...]:
        """The first levels of these ticks, which begin at the best one."""
        found, near = [], _NEAR_TICKS * count
        outward = sizes[ticks.start :: ticks.step] if ticks else sizes[:0]
        for place, size in enumerate(outward[:near].tolist()):
            if size > 0:
                found.append(Level(self._price(ticks[place]), size))
                if len(found) == count:
                    return tuple(found)
        behind = outward[near:]
        for place in np.flatnonzero(behind > 0)[: count - len(found)].tolist():
            found.append(Level(self._price(ticks[near + place]), behind.item(place)))
        return tuple(found)

    def _price(self, tick: int) -> float:
        """The price of a tick, which is rounded once."""
        price = self._prices.get(tick)
        if price is None:
            price = self._prices[tick] = round((tick + self._lowest) * self._tick, self._decimals)
        return price

    def _collect(self) -> None:
        """Take note of what was filled."""
        if not self._open:
            return
        found: list[EngineFill] = []
        for number in [*self._open]:
            known = self._read(number)
            if known.status == _FILLED:
                price = round(known.exec_price_tick * self._tick, self._decimals)
                size, time_ms = known.exec_qty, known.exch_timestamp // NS_PER_MS
                fee, is_maker = price * size * self._fee, known.maker
                found.append(EngineFill(time_ms, number, price, size, fee, is_maker))
                self._filled[number] = size
                del self._open[number]
        self.fills += sorted(found)

    def _read(self, number: int) -> _Order:
        """An order as it is now; what is read of it later is as it is then."""
        address = self._calls.orders_get(self._orders, number)
        if not address:
            raise EngineFault(f"hftbacktest does not know the order {number}")
        return _Order.from_address(address)

    def _require(self, code: int) -> None:
        """Every call tells how it went; at the end of the tape there are still fills to read.

        Raises
        ------
        EngineFault
            If it failed.
        """
        if code == _END:
            self._ended = True
        elif code != _OK:
            raise EngineFault(f"hftbacktest must answer 0 or 1, got {code}")


def _asset(asset: Any, tape: SessionTape, settings: EngineSettings) -> Any:
    lowest, highest = tape.lowest * (1 - _MARGIN), tape.highest * (1 + _MARGIN)
    return (
        asset()
        .data([str(file.path) for file in tape.files])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .power_prob_queue_model(_SPREAD_EVENLY)
        .no_partial_fill_exchange()
        .trading_value_fee_model(settings.maker_fee, settings.taker_fee)
        .tick_size(tape.tick)
        .lot_size(float(settings.instrument.lot))
        .roi_lb(max(lowest, tape.tick))
        .roi_ub(highest)
        .last_trades_capacity(0)
    )


def _sizes(call: Any, depth: int) -> FloatArray:
    """Sizes of all levels of a side in the engine's own memory, by tick."""
    length = c_uint64()
    address = call(depth, byref(length))
    return np.ctypeslib.as_array(cast(address, POINTER(c_double)), (length.value,))
