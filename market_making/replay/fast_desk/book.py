"""What a model sees of the market's book: prices, and what the best levels of both sides hold."""

from typing import Any

import numpy as np

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
    x.bid_notional, x.ask_notional = _bids(c, levels, w.bid), _asks(c, levels, w.ask)


@compiled
def _bids(c: Any, levels: Records, best: int) -> float:
    """What the best bids are worth [quote currency]."""
    total, found = 0.0, 0
    for tick in range(best, -1, -1):
        size = levels[tick].bid_size
        if size > 0:
            total += price_of(c, tick) * size
            found += 1
            if found == c.book_levels:
                break
    return total


@compiled
def _asks(c: Any, levels: Records, best: int) -> float:
    """What the best asks are worth [quote currency]."""
    total, found = 0.0, 0
    for tick in range(best, len(levels)):
        size = levels[tick].ask_size
        if size > 0:
            total += price_of(c, tick) * size
            found += 1
            if found == c.book_levels:
                break
    return total
