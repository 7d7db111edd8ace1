"""What a bot remembers of its own fills for a model: what followed them, and what those of the last minutes brought.

It reckons in the steps of `market_making.quoting.readings.markouts` and `market_making.quoting.readings.observer`.
"""

from math import expm1, sqrt
from typing import Any

import numpy as np

from market_making.quoting.readings.markouts import (
    _HALF_LIFE_MS,
    _HARMLESS,
    _LEAST_FILLS,
    _MOST_ON_REDUCING,
    _START,
    _STEPS,
    _WEIGHT,
)
from market_making.quoting.readings.observer import _CAPTURE_MS, _USUAL_MEMORY_MS, ObserverSettings
from market_making.quoting.readings.rolling_volatility import LONGEST_GAP_MS
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import BID, OWN_FILLS, RECENT, RETURNS
from market_making.replay.fast_desk.readings import observe

_MARKOUT_MS = ObserverSettings().markout_ms
_ROOT_OF_MARKOUT = sqrt(_MARKOUT_MS / 1e3)
_LEAST_CAPTURED = 3  # fills on a side


@compiled
def watch(c: Any, x: Any, heard_ms: int, mid: float) -> None:
    """Take in a mid [price] at a time [ms], as `observe`, and learn from it about own fills and what is usual."""
    _score_due(c, x, heard_ms, mid)
    x.capture = _capture_bps(x, heard_ms)
    last_ms = x.mid_ms[(x.mid_head + x.mid_count - 1) % RETURNS] if x.mid_count > 0 else -1
    if not observe(x, heard_ms, mid) or x.volatility < 0 or last_ms < 0:
        return
    elapsed_ms = min(heard_ms - last_ms, LONGEST_GAP_MS)
    x.usual_ms += elapsed_ms
    weight = expm1(-elapsed_ms / _USUAL_MEMORY_MS) / expm1(-x.usual_ms / _USUAL_MEMORY_MS)
    x.usual += weight * (x.volatility - x.usual)


@compiled
def _score_due(c: Any, x: Any, heard_ms: int, mid: float) -> None:
    """Judge the fills that are old enough by this mid [price]; they are still kept."""
    scale = mid * max(x.volatility, 0.0) * _ROOT_OF_MARKOUT
    left = -1.0
    for side in range(2):
        if x.scores[side] != _START:
            if left < 0:
                left = c.half ** (max(heard_ms - x.scored_ms, 0) / _HALF_LIFE_MS)
            x.scores[side] = _START + left * (x.scores[side] - _START)
    for number in range(x.wait_count):
        place = (x.wait_head + number) % RECENT
        if heard_ms - x.due_ms[place] < _MARKOUT_MS:
            break
        side = x.due_side[place]
        move = x.due_mid[place] - mid if side == BID else mid - x.due_mid[place]
        share = min(1.0, max(0.0, move / scale)) if scale > 0 else (1.0 if move > 0 else 0.0)
        x.scores[side] += _WEIGHT * (share - x.scores[side])
        x.scored[side] += 1
    x.scored_ms = heard_ms


@compiled
def markout_factor(x: Any, side: int, inventory: float) -> float:
    """Factor on the distance of a side; infinity withholds it, unless it reduces the inventory [lots]."""
    factor = 1.0
    if x.scored[side] > _LEAST_FILLS:
        factor = _HARMLESS
        for threshold, asked in _STEPS:
            if x.scores[side] >= threshold:
                factor = asked
                break
    reduces = inventory < 0 if side == BID else inventory > 0
    return min(factor, _MOST_ON_REDUCING) if reduces else factor


@compiled
def keep_own(x: Any, time_ms: int) -> None:
    """Keep the fill of the resting order, and forget those that are too old by now."""
    while x.own_count > 0 and time_ms - x.own_ms[x.own_head] > _CAPTURE_MS:
        x.own_head = (x.own_head + 1) % OWN_FILLS
        x.own_count -= 1
    place = (x.own_head + x.own_count) % OWN_FILLS
    x.own_ms[place], x.own_side[place], x.own_price[place] = time_ms, x.side, x.price
    x.own_lots[place] = x.size / x.view_lot
    x.own_count += 1


@compiled
def _capture_bps(x: Any, heard_ms: int) -> float:
    """Mean price of the recent sells less that of the recent buys [bps of mid]; infinite with too few of them."""
    bought = sold = 0
    paid = lots_bought = earned = lots_sold = 0.0
    for number in range(x.own_count):
        place = (x.own_head + number) % OWN_FILLS
        if heard_ms - x.own_ms[place] > _CAPTURE_MS:
            continue
        price, lots = x.own_price[place], x.own_lots[place]
        if x.own_side[place] == BID:
            bought, paid, lots_bought = bought + 1, paid + price * lots, lots_bought + lots
        else:
            sold, earned, lots_sold = sold + 1, earned + price * lots, lots_sold + lots
    if min(bought, sold) < _LEAST_CAPTURED:
        return float(np.inf)
    return float(1e4 * (earned / lots_sold - paid / lots_bought) / x.mid)
