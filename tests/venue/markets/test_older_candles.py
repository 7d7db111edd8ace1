"""Candles before a simulated market: seamless, in its manner, and as long as was asked for."""

from itertools import pairwise
from math import log
from statistics import fmean, pstdev

import pytest

from market_making.market.events import Trade
from market_making.market.instrument import Instrument
from market_making.market.sides import Direction
from market_making.venue.markets.candles import MINUTE_MS, MINUTES_KEPT, CandleAggregator
from market_making.venue.markets.older_candles import add_older_candles

RULES = Instrument.hyperliquid("ETH", 4)
FIRST = 1_000_000


def market(minutes: int = 30, step: float = 3.0) -> CandleAggregator:
    """A price that goes up and down by a step each minute, two coins a minute."""
    candles = CandleAggregator()
    for minute in range(minutes):
        price = 3000.0 + step * (minute % 2)
        candles.on_trade(Trade("ETH", (FIRST + minute) * MINUTE_MS, Direction.BUY, price, 2.0, "1"))
    return candles


def test_they_end_where_the_market_begins():
    """Every minute of the week exists, each opens where the one before closed, and the known ones are untouched."""
    candles, known = market(), market()
    add_older_candles(candles, RULES, 7 * 86400, 1)
    minutes = candles.minutes("ETH")
    assert list(minutes) == list(range(FIRST + 30 - MINUTES_KEPT, FIRST + 30))
    assert {minute: minutes[minute] for minute in known.minutes("ETH")} == known.minutes("ETH")
    for before, after in pairwise(minute for number, minute in minutes.items() if number <= FIRST):
        assert before.close == pytest.approx(after.open, abs=0.2)
    for candle in minutes.values():
        assert candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high


def test_they_move_and_trade_like_the_market():
    """Volatility and volume are those of the known minutes, within a tenth."""
    candles = market()
    add_older_candles(candles, RULES, 5 * 86400, 1)
    older = [minute for number, minute in candles.minutes("ETH").items() if number < FIRST]
    moved = pstdev([log(minute.close / minute.open) for minute in older])
    assert moved == pytest.approx(0.001, rel=0.1)
    assert fmean(minute.volume for minute in older) == pytest.approx(2.0, rel=0.1)


def test_long_candles_reach_as_far():
    """A strategy with a warm-up of 100 hours finds them at once; the same seed gives the same."""
    first, second = market(), market()
    for candles in (first, second):
        add_older_candles(candles, RULES, 6 * 86400, 5)
    hours = first.snapshot("ETH", "1h", 0, FIRST * MINUTE_MS)
    assert len(hours) >= 144
    assert hours == second.snapshot("ETH", "1h", 0, FIRST * MINUTE_MS)


def test_nothing_is_invented_of_a_coin_that_is_not_known():
    """Without a price there is nothing to begin with, and without a length nothing is added."""
    candles = market()
    add_older_candles(candles, Instrument.hyperliquid("BTC", 5), 86400, 1)
    assert candles.minutes("BTC") == {}
    add_older_candles(candles, RULES, 0.0, 1)
    assert len(candles.minutes("ETH")) == 30
