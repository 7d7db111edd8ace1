"""What a bot remembers of the market: volatility of the last ten minutes, and fills to be judged.

It reckons in the steps of `market_making.quoting.readings.rolling_volatility`.
"""

from math import log, sqrt
from typing import Any

import numpy as np

from market_making.quoting.readings.observer import SPACING_MS, ObserverSettings
from market_making.quoting.readings.rolling_volatility import (
    ANEW,
    DECAY,
    KEPT_MS,
    LEAST_COVERED_S,
    LEAST_RETURNS,
    LONGEST_GAP_MS,
    SHORT,
)
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import BID, RECENT, RETURNS

_MARKOUT_MS = ObserverSettings().markout_ms
_WEIGHTS = np.array([DECAY**count for count in range(RETURNS + 1)])  # compiled, a power would have other last bits


@compiled
def observe(x: Any, heard_ms: int, mid: float) -> bool:
    """Take in a mid [price] at a time [ms]; a second one within a second changes nothing, and False is returned."""
    last = (x.mid_head + x.mid_count - 1) % RETURNS
    if x.mid_count > 0 and heard_ms - x.mid_ms[last] < SPACING_MS:
        return False
    while x.mid_count > 0 and x.mid_ms[x.mid_head] < heard_ms - KEPT_MS:
        x.mid_head = (x.mid_head + 1) % RETURNS
        x.mid_count -= 1
        if x.mid_count > 0 and x.mid_linked[x.mid_head] == 1:
            x.mid_linked[x.mid_head] = 0
            _forget_return(x)
    here = (x.mid_head + x.mid_count) % RETURNS
    x.mid_ms[here], x.mid_log[here], x.mid_linked[here] = heard_ms, log(mid), 0
    if x.mid_count > 0 and heard_ms - x.mid_ms[last] <= LONGEST_GAP_MS:
        x.mid_linked[here] = 1
        move, span = x.mid_log[here] - x.mid_log[last], (heard_ms - x.mid_ms[last]) / 1e3
        _add_return(x, move, span)
    x.mid_count += 1
    x.volatility = _volatility(x)
    return True


@compiled
def _add_return(x: Any, move: float, span: float) -> None:
    place = (x.return_head + x.return_count) % RETURNS
    x.moves[place], x.spans[place] = move, span
    x.return_count += 1
    x.since_sum += 1
    if x.since_sum >= ANEW:
        _add_up(x)
        return
    _long(x, move, span, 1.0)
    _short(x, move, span, 1.0)
    x.weighted_square = DECAY * x.weighted_square + (1 - DECAY) * move * move
    x.weighted_span = DECAY * x.weighted_span + (1 - DECAY) * span
    if x.return_count > SHORT:
        left = (place - SHORT) % RETURNS
        _short(x, x.moves[left], x.spans[left], -1.0)


@compiled
def _forget_return(x: Any) -> None:
    """The oldest return is too old."""
    move, span = x.moves[x.return_head], x.spans[x.return_head]
    _long(x, move, span, -1.0)
    if x.return_count <= SHORT:
        _short(x, move, span, -1.0)
    weight = (1 - DECAY) * _WEIGHTS[x.return_count - 1]
    x.weighted_square -= weight * move * move
    x.weighted_span -= weight * span
    x.return_head = (x.return_head + 1) % RETURNS
    x.return_count -= 1


@compiled
def _long(x: Any, move: float, span: float, sign: float) -> None:
    x.long_move += sign * move
    x.long_square += sign * move * move
    x.long_span += sign * span
    x.long_span_square += sign * span * span
    x.long_product += sign * move * span


@compiled
def _short(x: Any, move: float, span: float, sign: float) -> None:
    x.short_move += sign * move
    x.short_square += sign * move * move
    x.short_span += sign * span
    x.short_span_square += sign * span * span
    x.short_product += sign * move * span


@compiled
def _add_up(x: Any) -> None:
    """Add all sums up anew."""
    x.long_move = x.long_square = x.long_span = x.long_span_square = x.long_product = 0.0
    x.short_move = x.short_square = x.short_span = x.short_span_square = x.short_product = 0.0
    x.weighted_square = x.weighted_span = 0.0
    for number in range(x.return_count):
        place = (x.return_head + number) % RETURNS
        move, span = x.moves[place], x.spans[place]
        _long(x, move, span, 1.0)
        if x.return_count - number <= SHORT:
            _short(x, move, span, 1.0)
        x.weighted_square = DECAY * x.weighted_square + (1 - DECAY) * move * move
        x.weighted_span = DECAY * x.weighted_span + (1 - DECAY) * span
    x.since_sum = 0


@compiled
def _volatility(x: Any) -> float:
    """Effective volatility [relative per √s], negative where too little was seen."""
    if x.return_count < LEAST_RETURNS or x.long_span < LEAST_COVERED_S:
        return -1.0
    long = _variance(x.long_move, x.long_square, x.long_span, x.long_span_square, x.long_product)
    short = _variance(x.short_move, x.short_square, x.short_span, x.short_span_square, x.short_product)
    start = _WEIGHTS[x.return_count] * x.long_span / x.return_count
    weighted = max((start * long + x.weighted_square) / (start + x.weighted_span), 0.0)
    return 0.3 * sqrt(short) + 0.4 * sqrt(weighted) + 0.3 * sqrt(long)


@compiled
def _variance(move: float, square: float, span: float, span_square: float, product: float) -> float:
    """Of returns about their common drift, from their sums [1/s]."""
    drift = move / span
    return max((square - 2 * drift * product + drift * drift * span_square) / span, 0.0)


@compiled
def keep_fill(x: Any, time_ms: int) -> None:
    """Keep the fill of the resting order until it can be judged."""
    place = (x.wait_head + x.wait_count) % RECENT
    x.due_ms[place], x.due_side[place], x.due_price[place], x.due_mid[place] = time_ms, x.side, x.price, x.view_mid
    x.wait_count += 1


@compiled
def take_due(x: Any, time_ms: int) -> int:
    """Take the oldest fill that is old enough to be judged; return its place, negative if there is none."""
    if x.wait_count == 0 or time_ms - x.due_ms[x.wait_head] < _MARKOUT_MS:
        return -1
    place = x.wait_head
    x.wait_head = (place + 1) % RECENT
    x.wait_count -= 1
    return int(place)


@compiled
def is_losing(x: Any, place: int, maker_fee: float) -> bool:
    """Whether a fill that was kept is worth less at the present mid, fee included, than it cost."""
    price = x.due_price[place]
    gain = x.mid - price if x.due_side[place] == BID else price - x.mid
    return bool(gain < maker_fee * price)
