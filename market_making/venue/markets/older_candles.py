"""Candles of the time before a simulated market began, so that strategies with a long warm-up have something to read.

They are invented in the manner of the candles that are known: a random walk backwards from the first price, with the
volatility and the volume of the minutes that were simulated. No tick belongs to them.
"""

import itertools
from math import exp, log
from random import Random
from statistics import fmean, pstdev

from market_making.market.instrument import Instrument
from market_making.venue.markets.candles import MINUTE_MS, Candle, CandleAggregator

# Where too little is known: per minute, about 55 % a year.
USUAL_VOLATILITY = 7.5e-4
FEWEST_MINUTES = 5
HIGHEST_VOLATILITY = 0.01
_VOLUME_NOISE = 0.5


def add_older_candles(candles: CandleAggregator, instrument: Instrument, seconds: float, seed: int) -> None:
    """Put invented minutes before the first one of a coin; nothing happens while no minute is known.

    Parameters
    ----------
    candles : CandleAggregator
        Candles of the market; changed.
    instrument : Instrument
        Rules of the coin, named as the candles are.
    seconds : float
        Length of the time before [s].
    seed : int
        Seed of the walk.
    """
    known = candles.minutes(instrument.coin)
    if not known:
        return
    first = next(iter(known))
    chance = Random(f"{seed} {instrument.coin}")  # noqa: S311 - a market, no secret
    count = int(seconds * 1000 // MINUTE_MS)
    walk = _walk_backwards(chance, known[first].open, _volatility(list(known.values())), count)
    volume, prints = (
        fmean(values) for values in zip(*((one.volume, one.prints) for one in known.values()), strict=True)
    )
    older = {}
    for number, prices in enumerate(walk, 1):
        noise = exp(chance.gauss(-(_VOLUME_NOISE**2) / 2, _VOLUME_NOISE))
        opening, high, low, closing = (instrument.bid_price(price) for price in prices)
        size = instrument.size(volume * noise)
        traded = max(round(prints * noise), 1) if size else 0
        older[first - number] = Candle(opening, high, low, closing, size, size * closing, traded)
    candles.prepend(instrument.coin, dict(reversed(older.items())))


def _walk_backwards(
    chance: Random, price: float, volatility: float, count: int
) -> list[tuple[float, float, float, float]]:
    """Open, high, low and close of each minute, the newest first."""
    minutes, closing = [], price
    for _ in range(count):
        opening = closing * exp(chance.gauss(0.0, volatility))
        top, bottom = (abs(chance.gauss(0.0, volatility)) / 2 for _ in range(2))
        minutes.append((opening, max(opening, closing) * exp(top), min(opening, closing) * exp(-bottom), closing))
        closing = opening
    return minutes


def _volatility(known: list[Candle]) -> float:
    """Standard deviation of the changes from minute to minute [1]."""
    changes = [log(after.close / before.close) for before, after in itertools.pairwise(known)]
    if len(changes) < FEWEST_MINUTES:
        return USUAL_VOLATILITY
    return min(pstdev(changes) or USUAL_VOLATILITY, HIGHEST_VOLATILITY)
