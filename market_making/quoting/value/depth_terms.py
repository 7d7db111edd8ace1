"""The terms of a depth that was read from a table: exact in the table's rows and columns, and between them.

Room, adverse selection and fee are those of the fill costs, the last two divided by the share s of the depth that is
kept. What the table adds to them is for inventory, except at the floor: where a depth is the floor, the floor has
lifted it from the depth that the table's own value h asks for.
"""

from math import isfinite

import numpy as np

from market_making.market.sides import Side, Sides
from market_making.market.sums import in_sequence
from market_making.quoting.terms import Terms
from market_making.quoting.value.fill_costs import FillCosts
from market_making.quoting.value.quote_table import QuoteTable

_ROUNDING = 1e-9


def depth_terms(
    table: QuoteTable, inventory: float, time_left_s: float, costs: Sides[FillCosts[float]]
) -> Sides[Terms]:
    """Terms of both depths for an inventory [lots] and a time left [s]; they sum to what `table.at` gives.

    Parameters
    ----------
    table : QuoteTable
        From these costs.
    inventory, time_left_s : float
        As in `QuoteTable.at`.
    costs : Sides[FillCosts[float]]
        What went into the table besides the value of inventory.
    """
    depths = table.at(inventory, time_left_s)

    def terms(side: Side) -> Terms:
        depth, cost = depths.of(side), costs.of(side)
        selection, fee = cost.adverse_selection / cost.proceeds, cost.fee / cost.proceeds
        room, floor = 1 / cost.decay, 0.0
        flat = room + selection + fee
        if isfinite(depth):
            cells = _cells(table, side, inventory, time_left_s)
            floor = in_sequence(weight * _lift(table, side, cell, cost, flat) for cell, weight in cells)
        return Terms(room, selection, fee, depth - flat - floor, floor=floor)

    return Sides(bid=terms(Side.BID), ask=terms(Side.ASK))


def _cells(table: QuoteTable, side: Side, inventory: float, time_left_s: float) -> list[tuple[tuple[int, int], float]]:
    """Row and column of the cells between which a depth is interpolated, each with its weight."""
    # In the column at its bound a side is not quoted; it then stands as in the one before.
    first, last = (0, len(table.inventory) - 2) if side is Side.BID else (1, len(table.inventory) - 1)
    column = min(max(inventory - table.inventory.item(0), first), last)
    left = int(column)
    columns = [(left, 1 - (column - left)), (left + 1, column - left)]
    if len(table.value) == 1:
        return [((0, cell), share) for cell, share in columns if share > 0]
    after = min(int(np.searchsorted(table.time_left_s, time_left_s)), len(table.value) - 1)
    rows = [(after, 1.0)]
    if after > 0 and time_left_s < table.time_left_s[after]:
        start, end = table.time_left_s[after - 1 : after + 1].tolist()
        weight = (time_left_s - start) / (end - start)
        rows = [(after - 1, 1 - weight), (after, weight)]
    return [((row, cell), part * share) for row, part in rows for cell, share in columns if part * share > 0]


def _lift(table: QuoteTable, side: Side, cell: tuple[int, int], costs: FillCosts[float], flat: float) -> float:
    """How far the floor lifts the depth in one cell of the table [price]."""
    row, column = cell
    depth = table.depths.of(side).item(row, column)
    if not depth <= costs.floor * (1 + _ROUNDING):
        return 0.0
    after = column + 1 if side is Side.BID else column - 1
    gain = table.value.item(row, after) - table.value.item(row, column)
    return max(0.0, depth - (flat - gain / costs.proceeds))
