"""Funding for engines that pay none themselves, as the local exchange pays it: at full hours, on what each leg holds.

A fill of the hour's own millisecond comes too late to count, and the price is mid of the book before it.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from market_making.replay.engines.engine import EngineFunding
from market_making.replay.result import Touch
from market_making.replay.tape.sessions import HOUR_MS, Span
from market_making.trading.fills import DIGITS

_MONEY_DIGITS = 6  # of a payment: the exchange books no smaller part


class Move(NamedTuple):
    """A fill as funding knows it: time [ms], leg, size [coins], negative where it was sold."""

    time_ms: int
    leg: int
    size: float


def paid_hourly(moves: Iterable[Move], touch: Touch, span: Span, rate: float) -> list[EngineFunding]:
    """What each leg pays or receives at every full hour of a session, ascending in time.

    Parameters
    ----------
    moves : Iterable[Move]
        All fills of the session, ascending in time; it begins flat.
    touch : Touch
        The market's, of the whole session.
    span : Span
        The session [ms].
    rate : float
        Share of the value that longs pay to shorts; 0 pays nothing.
    """
    if rate == 0:
        return []
    payments, held, left = list[EngineFunding](), dict[int, float](), list(moves)[::-1]
    hours = range((span.start_ms // HOUR_MS + 1) * HOUR_MS, span.end_ms + 1, HOUR_MS)
    mids = touch.mid_before(np.array(hours, dtype=np.int64)).tolist()
    for hour_ms, mid in zip(hours, mids, strict=True):
        while left and left[-1].time_ms < hour_ms:
            move = left.pop()
            held[move.leg] = round(held.get(move.leg, 0.0) + move.size, DIGITS)
        for leg, coins in sorted(held.items()):
            if coins:
                payments.append(EngineFunding(hour_ms, leg, -round(coins * mid * rate, _MONEY_DIGITS)))
    return payments
