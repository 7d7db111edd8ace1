"""What the model of a setting wants on both sides, whichever it is."""

from typing import Any

from market_making.market.tape import FloatArray
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import NONE, QUOTING, WHY
from market_making.replay.fast_desk.models.depth_aware import tier_quotes
from market_making.replay.fast_desk.models.table import table_quotes


@compiled
def model_quotes(c: Any, x: Any, k: Any, cells: FloatArray, inventory: float) -> int:
    """Fill both quotes for an inventory [lots]; return what the model says of the flow.

    `fade` is what is left to multiply the depths with after losing fills; `is_anchored` says that the model itself
    anchors its quotes at what the book says of the price.
    """
    x.quotes[:] = 0.0
    x.quotes[:, WHY] = k.fault
    x.fade, x.is_anchored = x.depth_factor, 0
    if k.fault != NONE:
        return QUOTING
    if c.tiers > 0:
        tier_quotes(c, x, k, inventory)
        return QUOTING
    return table_quotes(c, x, k, cells, inventory)
