"""Logged quotes on an engine: each order is placed and cancelled when it was, and filled when the engine says so."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from market_making.market.instrument import Instrument
from market_making.market.sides import Side
from market_making.market.tape import FloatArray, IntArray
from market_making.replay.engines.engine import Engine, EngineSettings, NewOrder, OrderNow
from market_making.replay.reconciliation.logged import LoggedOrder, LoggedRun
from market_making.replay.tape.cache import SessionTape
from market_making.replay.tape.events import BUY, KIND, NS_PER_MS, TRADE

NEAR_MS = 1_000
"""So close to its beginning or end an order may win or lose a race that no log can tell."""


class Reach(NamedTuple):
    """Prints of a session: when [ms], whether the aggressor bought, and the price [price]."""

    time_ms: IntArray
    is_buy: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"
    price: FloatArray

    def any_reaches(self, order: LoggedOrder, begin_ms: int, end_ms: int) -> bool:
        """Whether a print came to the order's price or beyond in this time."""
        inside = slice(*self.time_ms.searchsorted((begin_ms, end_ms + 1)).tolist())
        price, is_buy = self.price[inside], self.is_buy[inside]
        if order.side is Side.BID:
            return bool(np.any(~is_buy & (price <= order.price)))
        return bool(np.any(is_buy & (price >= order.price)))


@dataclass(frozen=True)
class Matched:
    """Filled orders of a run on one engine.

    Attributes
    ----------
    engine : str
        Its name.
    fills_live, fills_matched, fills_extra : int
        Orders that were filled live, of them those filled in the replay, and those filled in the replay only.
    sizes_equal : int
        Matched orders of which the same was filled.
    net_live, net_replayed : float
        What the fills brought after fees, held coins valued at the last mid [quote currency].
    matched_live, matched_replayed : float
        The same of the matched orders only [quote currency].
    causes : dict[str, int]
        Of those that do not match.
    outside : int
        Orders that are not in one session of the recording as a whole; they are left out.
    """

    engine: str
    fills_live: int
    fills_matched: int
    fills_extra: int
    sizes_equal: int
    net_live: float
    net_replayed: float
    matched_live: float
    matched_replayed: float
    causes: dict[str, int]
    outside: int


class _Held(NamedTuple):
    """An order held against its replay: what was filled of it [coins], and what that brought [quote currency]."""

    live: float
    replayed: float
    net_live: float
    net_replayed: float


def match_quotes(
    run: LoggedRun,
    tapes: Sequence[SessionTape],
    instrument: Instrument,
    maker_fee: float,
    engine_of: Callable[[SessionTape, EngineSettings], Engine],
) -> Matched:
    """Replay the logged quotes and hold the fills of each order against those of the log.

    Parameters
    ----------
    run : LoggedRun
        The orders.
    tapes : Sequence[SessionTape]
        The recording without them.
    instrument : Instrument
        The coin.
    maker_fee : float
        Fraction of the value.
    engine_of : Callable
        Makes the engine of a session.
    """
    seen: list[_Held] = []
    causes: Counter[str] = Counter()
    name = ""
    for tape in tapes:
        orders = [order for order in run.orders if _is_inside(run, order, tape)]
        engine = engine_of(tape, EngineSettings(instrument, maker_fee))
        name, mid, reach = engine.name, tape.touch().mid[-1].item(), _reach(tape)
        for order, now in zip(orders, play(run, orders, engine, tape.span.end_ms), strict=True):
            worth = (order.worth(filled, mid, maker_fee) for filled in (order.filled, now.filled))
            seen.append(_Held(order.filled, now.filled, *worth))
            causes.update(filter(None, [_cause(run, order, now, reach)]))
    both = [each for each in seen if each.live > 0 and each.replayed > 0]
    half_lot = float(instrument.lot) / 2
    return Matched(
        engine=name,
        fills_live=sum(each.live > 0 for each in seen),
        fills_matched=len(both),
        fills_extra=sum(each.replayed > 0 and each.live == 0 for each in seen),
        sizes_equal=sum(abs(each.live - each.replayed) < half_lot for each in both),
        net_live=sum(each.net_live for each in seen),
        net_replayed=sum(each.net_replayed for each in seen),
        matched_live=sum(each.net_live for each in both),
        matched_replayed=sum(each.net_replayed for each in both),
        causes=dict(causes.most_common()),
        outside=len(run.orders) - len(seen),
    )


def play(run: LoggedRun, orders: Sequence[LoggedOrder], engine: Engine, end_ms: int) -> list[OrderNow]:
    """Place and cancel these orders when it was done; return what became of each.

    Parameters
    ----------
    run : LoggedRun
        Knows when an order ended.
    orders : Sequence[LoggedOrder]
        All within one session.
    engine : Engine
        Of that session; it is closed afterwards.
    end_ms : int
        End of the session [ms].
    """
    moments: list[tuple[int, int, int]] = []
    for number, order in enumerate(orders, start=1):
        moments.append((order.placed_ms, 1, number))
        if order.gone_ms is None or order.filled < order.size * (1 - 1e-9):
            moments.append((run.ended_ms(order), 0, number))
    refused = set()
    for time_ms, is_new, number in sorted(moments):
        engine.advance(time_ms)
        order = orders[number - 1]
        if is_new:
            new = NewOrder(number, 0, order.side, order.price, order.size)
            if not engine.place(new):
                refused.add(number)
        elif number not in refused:
            engine.cancel(number)
    engine.advance(end_ms)
    nothing = OrderNow(0.0, is_open=False)
    states = [nothing if number in refused else engine.order(number) for number in range(1, len(orders) + 1)]
    engine.close()
    return states


def _is_inside(run: LoggedRun, order: LoggedOrder, tape: SessionTape) -> bool:
    return tape.span.start_ms <= order.placed_ms and run.ended_ms(order) <= tape.span.end_ms


def _cause(run: LoggedRun, order: LoggedOrder, now: OrderNow, reach: Reach) -> str | None:
    """Why an order was filled on one side only; None where it was on both or on neither."""
    if (order.filled > 0) == (now.filled > 0):
        return None
    begin_ms, end_ms = order.placed_ms, run.ended_ms(order)
    races = any(reach.any_reaches(order, moment - NEAR_MS, moment + NEAR_MS) for moment in (begin_ms, end_ms))
    if order.filled > 0:
        if races:
            return "filled live only: a print within a second of its beginning or end"
        if not reach.any_reaches(order, begin_ms, end_ms):
            return "filled live only: no print of the recording reached it"
        return "filled live only: it queued longer in the replay"
    if races:
        return "filled in the replay only: a print within a second of its beginning or end"
    return "filled in the replay only: it queued longer live"


def _reach(tape: SessionTape) -> Reach:
    prints = [rows[(rows["ev"] & KIND) == TRADE] for rows in (file.read() for file in tape.files)]
    rows = np.concatenate(prints)
    time_ms: IntArray = rows["exch_ts"] // NS_PER_MS
    return Reach(time_ms, (rows["ev"] & BUY) > 0, rows["px"])
