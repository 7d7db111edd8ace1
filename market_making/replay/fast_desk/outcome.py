"""From the orders of a pass to the session of each setting, as `market_making.replay.result` has it."""

from collections.abc import Iterator

import numpy as np

from market_making.market.reasons import Reason
from market_making.market.tape import FloatArray, IntArray
from market_making.replay.engines.funding import Move, paid_hourly
from market_making.replay.fast_desk.layout import Records, Run
from market_making.replay.result import Fills, Orders, Outcome, Session, Touch, fundings_of
from market_making.replay.tape.cache import SessionTape

_DIGITS = 12


def sessions_of(run: Run, tape: SessionTape, funding_rate: float, *, legs: int) -> list[Session]:
    """The session of each setting, in their sequence; longs pay this share of the value at each full hour.

    Where there are two legs, each session is that of two settings.
    """
    touch, end_ms = tape.touch(), tape.span.end_ms
    all_orders = run.arrays.orders[: run.world["orders"].item()]
    session_of = all_orders["setting"] // legs
    by_session = np.lexsort((all_orders["arrival"], session_of))
    edges = np.searchsorted(session_of[by_session], np.arange(len(run.settings) // legs + 1))
    told = []
    for s in range(len(edges) - 1):
        states = run.states[s * legs : (s + 1) * legs]
        orders = _orders(all_orders[by_session[edges[s] : edges[s + 1]]], end_ms, legs)
        fills = _fills(orders, touch, run.settings["maker_fee"].item(s * legs))
        fundings = fundings_of(paid_hourly(_moves(fills), touch, tape.span, funding_rate))
        decisions = int(states["decisions"].sum())
        told.append(
            Session(
                start_ms=int(touch.time_ms[0]),
                end_ms=end_ms,
                fills=fills,
                orders=orders,
                touch=touch,
                fundings=fundings,
                decisions=decisions,
                plans=decisions,
                quoting_s=orders.resting_s(),
                events=tape.rows,
                position=round(float((fills.sign * fills.size).sum()), _DIGITS),
                cash=float(fundings.amount.sum() - (fills.sign * fills.size * fills.price).sum() - fills.fee.sum()),
                withheld=_withheld(states["withheld"], states["first"]),
            )
        )
    return told


def _orders(rows: Records, end_ms: int, legs: int) -> Orders:
    """Orders; those that still rest end with the session."""
    ended_ms = np.where(rows["outcome"] == Outcome.OPEN, end_ms, rows["ended_ms"])
    leg = rows["setting"] % legs
    times = rows["asked_ms"].copy(), rows["placed_ms"].copy(), ended_ms
    return Orders(*times, leg, *(rows[name].copy() for name in ("sign", "outcome", "price", "size", "mid")))


def _fills(orders: Orders, touch: Touch, maker_fee: float) -> Fills:
    """What was filled, each order whole."""
    filled = np.flatnonzero(orders.outcome == Outcome.FILLED)
    filled = filled[np.argsort(orders.ended_ms[filled], kind="stable")]
    time_ms, price, size = orders.ended_ms[filled], orders.price[filled], orders.size[filled]
    leg, is_maker = orders.leg[filled], np.ones(len(filled), dtype=np.bool_)
    fee: FloatArray = price * size * maker_fee
    return Fills(time_ms, filled, leg, orders.sign[filled], price, size, fee, is_maker, touch.mid_before(time_ms))


def _moves(fills: Fills) -> Iterator[Move]:
    return map(Move, fills.time_ms.tolist(), fills.leg.tolist(), (fills.sign * fills.size).tolist())


def _withheld(times: IntArray, first: IntArray) -> tuple[tuple[str, int], ...]:
    """Reasons why no order was wanted and in how many loops of all legs, the most frequent first."""
    leg, number = np.nonzero(times)
    met = number[np.lexsort((first[leg, number], leg))].tolist()  # in the sequence in which they came, leg by leg
    of_all, reasons = times.sum(axis=0).tolist(), list(Reason)
    found = sorted(dict.fromkeys(met), key=lambda reason: -of_all[reason])
    return tuple((str(reasons[reason]), of_all[reason]) for reason in found)
