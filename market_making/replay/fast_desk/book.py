"""What a model sees of the market's book: prices, and what the best levels of both sides hold."""

from typing import Any

import numpy as np

from market_making.market.tape import FloatArray
from market_making.replay.fast_desk.compiled import compiled
from market_making.replay.fast_desk.layout import Records


@compiled
def price_of(c: Any, tick: int) -> float:
    """Price of a tick above the lowest [price]."""
    return float(np.rint((tick + c.lowest_tick) * c.tick * c.tick_scale) / c.tick_scale)


@compiled
def look_deep(w: Any, c: Any, x: Any, levels: Records) -> None:
    """Look beyond the best prices, which are known, as `market_making.quoting.readings.book_depth` does."""
    bid, ask = levels[w.bid].bid_size, levels[w.ask].ask_size
    total = bid + ask
    x.microprice = (x.bid * ask + x.ask * bid) / total if total > 0 else x.mid
    x.bid_notional = _worth(c, levels["bid_size"], w.bid, -1)
    x.ask_notional = _worth(c, levels["ask_size"], w.ask, 1)


@compiled
def _worth(c: Any, sizes: FloatArray, best: int, step: int) -> float:
    """What the best levels of a side are worth, whose next tick is a step away [quote currency]."""
    total, found, tick = 0.0, 0, best
    while found < c.book_levels and 0 <= tick < len(sizes):
        if sizes[tick] > 0:
            total += price_of(c, tick) * sizes[tick]
            found += 1
        tick += step
    return total
