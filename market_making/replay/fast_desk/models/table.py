"""What a model wants on both sides that is a table of depths: their terms, sizes, or why there is none."""

from math import isfinite
from typing import Any

from market_making.market.reasons import Reason
from market_making.market.tape import FloatArray
from market_making.quoting.placement import SMALLEST_SIZE
from market_making.quoting.risk.toxicity import _ROUNDING as TOXICITY_ROUNDING
from market_making.quoting.value.depth_terms import _ROUNDING
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import (
    BID,
    FEE,
    FLOOR,
    INVENTORY,
    PAUSED,
    QUOTING,
    REASON,
    ROOM,
    SELECTION,
    SIZE,
    WHY,
    WIDENED,
)
from market_making.replay.fast_desk.models.quotes import keep_numbers

_TOXIC, _AT_BOUND = REASON[Reason.TOXIC_FLOW], REASON[Reason.AT_BOUND]


@compiled
def table_quotes(c: Any, x: Any, k: Any, cells: FloatArray, inventory: float) -> int:
    """Fill both quotes for an inventory [lots]; return what the model says of the flow."""
    state = _regime(c, k, x.mid)
    time_left_s = c.session_s - x.plan_ms / 1e3 % c.session_s if c.session_s > 0 else 0.0
    for side in range(2):
        quote = x.quotes[side]
        sign = 1 if side == BID else -1
        _size(c, quote, sign * inventory, state)
        _terms(k, cells, quote, (side, inventory, time_left_s))
        keep_numbers(quote)
    return state


@compiled
def _regime(c: Any, k: Any, mid: float) -> int:
    fee = c.model_fee * mid
    worse = max(0.0, k.ask_decay * (k.ask_adverse + fee), k.bid_decay * (k.bid_adverse + fee))
    worse += TOXICITY_ROUNDING
    if worse >= c.pause:
        return PAUSED
    return WIDENED if worse >= c.widen else QUOTING


@compiled
def _size(c: Any, quote: FloatArray, signed: float, state: int) -> None:
    """Size of a side whose fill adds to the signed inventory [lots]."""
    room = -signed if state == PAUSED else c.model_inventory - signed
    if room > SMALLEST_SIZE:
        quote[SIZE] = min(1.0, room)
    else:
        quote[WHY] = _TOXIC if state == PAUSED else _AT_BOUND


@compiled
def _terms(k: Any, cells: FloatArray, quote: FloatArray, where: tuple[int, float, float]) -> None:
    """Terms of a depth of the table; they sum to it."""
    if where[0] == BID:
        decay, selection, fee, kept, floor = k.bid_decay, k.bid_selection, k.bid_fee, k.bid_kept, k.bid_floor
    else:
        decay, selection, fee, kept, floor = k.ask_decay, k.ask_selection, k.ask_fee, k.ask_kept, k.ask_floor
    selection, fee, room = selection / kept, fee / kept, 1 / decay
    flat = room + selection + fee
    depth, lifted = _depth(k, cells, where), 0.0
    if isfinite(depth):
        lifted = _lifted(k, cells, where, (floor, kept, flat))
    quote[ROOM], quote[SELECTION], quote[FEE] = room, selection, fee
    quote[INVENTORY], quote[FLOOR] = depth - flat - lifted, lifted


@compiled
def _depth(k: Any, cells: FloatArray, where: tuple[int, float, float]) -> float:
    """Depth between the rows and columns of a table, as `QuoteTable.at` has it."""
    side, inventory, time_left_s = where
    after, weight = _row(k, cells, time_left_s)
    later = _along(k, cells, (side, after), inventory)
    if weight == 1.0:
        return later
    return (1 - weight) * _along(k, cells, (side, after - 1), inventory) + weight * later


@compiled
def _row(k: Any, cells: FloatArray, time_left_s: float) -> tuple[int, float]:
    """The row at or after a time left, and its weight against the one before."""
    if k.rows == 1:
        return 0, 1.0
    first, after = k.table + 3 * k.rows * k.columns, 0
    while after < k.rows - 1 and cells[first + after] < time_left_s:
        after += 1
    if after == 0 or time_left_s >= cells[first + after]:
        return after, 1.0
    start, end = cells[first + after - 1], cells[first + after]
    return after, (time_left_s - start) / (end - start)


@compiled
def _along(k: Any, cells: FloatArray, row: tuple[int, int], inventory: float) -> float:
    """Depth between two columns; beyond the quoted ones that of the nearest."""
    first, last, lowest = k.table + (row[0] * k.rows + row[1]) * k.columns, k.columns - 1, -((k.columns - 1) // 2)
    column = inventory - lowest
    if 0 <= column <= last:
        left = int(column)
        before, after = cells[first + left], cells[first + min(left + 1, last)]
        if column == left and isfinite(before):
            return float(before)
        if isfinite(before) and isfinite(after):
            return float((after - before) * (inventory - (lowest + left)) + before)
    near, step = (0, 1) if column < last / 2 else (last, -1)
    while 0 <= near + step <= last and not isfinite(cells[first + near]):
        near += step
    return float(cells[first + near])


@compiled
def _lifted(k: Any, cells: FloatArray, where: tuple[int, float, float], costs: tuple[float, float, float]) -> float:
    """How far the floor lifts a depth of the table, by the weights of the cells it lies between [price]."""
    side, inventory, time_left_s = where
    first, last = (0, k.columns - 2) if side == BID else (1, k.columns - 1)
    column = min(max(inventory + (k.columns - 1) // 2, float(first)), float(last))
    left = int(column)
    after, weight = _row(k, cells, time_left_s)
    total = 0.0
    for row in range(max(after - 1, 0), after + 1):
        part = weight if row == after else 1 - weight
        for cell in range(left, left + 2):
            share = part * (1 - (column - left) if cell == left else column - left)
            if share > 0:
                total += share * _lift(k, cells, (side, row, cell), costs)
    return total


@compiled
def _lift(k: Any, cells: FloatArray, cell: tuple[int, int, int], costs: tuple[float, float, float]) -> float:
    """How far the floor lifts the depth of one cell [price]."""
    (side, row, column), (floor, kept, flat) = cell, costs
    depth = cells[k.table + (side * k.rows + row) * k.columns + column]
    if not depth <= floor * (1 + _ROUNDING):
        return 0.0
    value = k.table + (2 * k.rows + row) * k.columns + column
    gain = cells[value + (1 if side == BID else -1)] - cells[value]
    return float(max(0.0, depth - (flat - gain / kept)))
