"""What all models do with a quote that they fill."""

from math import isfinite

from market_making.market.reasons import Reason
from market_making.market.tape import FloatArray
from market_making.quoting.placement import SMALLEST_SIZE
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import NONE, OF_MODEL, REASON, SIZE, WHY

_UNUSABLE = REASON[Reason.NUMBERS_UNUSABLE]


@compiled
def depth_of(quote: FloatArray, count: int) -> float:
    """Sum of the first terms [price]; until a quote is priced, the others are zero."""
    total = 0.0
    for number in range(count):
        total += quote[number]
    return total


@compiled
def keep_numbers(quote: FloatArray) -> None:
    """Withhold a quote whose depth is no number, or whose size is too small to trade."""
    if quote[WHY] == NONE and not (isfinite(depth_of(quote, OF_MODEL)) and quote[SIZE] >= SMALLEST_SIZE):
        quote[WHY] = _UNUSABLE
