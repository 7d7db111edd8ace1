"""Tick and lot of a recording that comes without the exchange's rules."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from market_making.market.errors import NotEnoughData
from market_making.market.tape import FloatArray, QuoteTape

_FEWEST_VALUES = 20
_FIGURES = 5
_DIGITS_BEYOND = 4


class Increments(NamedTuple):
    """Smallest step of prices [price] and of sizes [coins]."""

    tick: float
    lot: float


def infer_increments(quotes: QuoteTape) -> Increments:
    """Tick and lot from what was quoted.

    Raises
    ------
    NotEnoughData
        If there is no quote.
    """
    return Increments(
        tick=infer_step(np.concatenate([quotes.bid_price, quotes.ask_price])),
        lot=infer_step(np.concatenate([quotes.bid_size, quotes.ask_size])),
    )


def infer_step(values: FloatArray) -> float:
    """Largest power of ten of which all values are multiples.

    Hyperliquid gives prices five significant figures; sizes have a fixed number of decimals. A finer step than the
    fifth figure is believed where it is seen, down to the ninth. A coarser one needs twenty different values: a few may
    all end in zeros by chance.

    Raises
    ------
    NotEnoughData
        If there is no positive value.
    """
    distinct = np.unique(values[np.isfinite(values) & (values > 0)])
    if len(distinct) == 0:
        raise NotEnoughData("0 quotes, need 1 to tell tick and lot")
    rule = int(np.floor(np.log10(distinct[-1]))) - _FIGURES + 1
    exponent = rule - _DIGITS_BEYOND
    units = np.rint(distinct / _power(exponent)).astype(np.int64)
    while not (units % 10).any() and (exponent < rule or len(distinct) >= _FEWEST_VALUES):
        units //= 10
        exponent += 1
    return _power(exponent)


class FollowedIncrements:
    """Tick and lot of one coin as its price goes on: where five figures make the tick, 99.999 is followed by 100.00.

    Parameters
    ----------
    quotes : Callable
        The quotes after one time and not after another.
    """

    def __init__(self, quotes: Callable[[int, int], QuoteTape]) -> None:
        self._quotes = quotes
        self._lowest: int | None = None
        self._known: Increments | None = None

    @property
    def known(self) -> Increments:
        """As they were set last.

        Raises
        ------
        NotEnoughData
            If they were never told.
        """
        if self._known is None:
            raise NotEnoughData("0 quotes, need 1 to tell tick and lot")
        return self._known

    def forget(self) -> None:
        """Tell them anew the next time: they were told from too few quotes to be kept."""
        self._known = None

    def follow(self, mid: FloatArray, start_ms: int, end_ms: int) -> Increments:
        """Tell them again from the quotes of a window if the lowest power of ten of its mids is another one.

        Raises
        ------
        NotEnoughData
            If there is no quote.
        """
        if self._known is not None and _lowest_power(mid) in (None, self._lowest):
            return self._known
        quotes = self._quotes(start_ms, end_ms)
        self._known, self._lowest = infer_increments(quotes), _lowest_power(quotes.mid)
        return self._known


def _lowest_power(prices: FloatArray) -> int | None:
    known = prices[np.isfinite(prices) & (prices > 0)]
    return int(np.floor(np.log10(known.min()))) if len(known) else None


def _power(exponent: int) -> float:
    """Ten to an integer power, rounded as its text is."""
    return float(f"1e{exponent}")
