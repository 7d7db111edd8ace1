"""Candles obey the laws of open, high, low, close and volume, at every interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import MalformedMessage
from market_making.market.events import Trade
from market_making.market.sides import Direction
from market_making.venue.markets.candles import INTERVALS_MS, CandleAggregator

MINUTE = 60_000
START = 1_700_006_400_000  # a whole day since 1970


def trade(time_ms, price, size=1.0):
    return Trade("ETH", time_ms, Direction.BUY, price, size, trade_id="1")


@st.composite
def market_events(draw):
    """Prints and mids in time order, as (time, price, size); size None is a mid."""
    steps = draw(st.lists(st.integers(0, 5 * MINUTE), min_size=1, max_size=60))
    times = [START + sum(steps[: n + 1]) for n in range(len(steps))]
    prices = st.integers(10_000, 20_000).map(lambda ticks: ticks / 10)
    sizes = st.none() | st.integers(1, 10_000).map(lambda lots: lots / 1e4)
    return [(time, draw(prices), draw(sizes)) for time in times]


def aggregated(events):
    candles = CandleAggregator()
    for time, price, size in events:
        if size is None:
            candles.on_mid("ETH", time, price)
        else:
            candles.on_trade(trade(time, price, size))
    return candles


def everything(candles, interval):
    return candles.snapshot("ETH", interval, 0, START + 10 * 86_400_000)


@given(market_events(), st.sampled_from(sorted(INTERVALS_MS)))
def test_laws_of_a_candle(events, interval):
    """Low is the least and high the greatest price; volume and count are those of the prints; none is missing."""
    rows = everything(aggregated(events), interval)
    length = INTERVALS_MS[interval]
    assert [row["t"] for row in rows] == list(range(rows[0]["t"], rows[-1]["t"] + 1, length))
    assert rows[0]["t"] <= events[0][0]
    assert events[-1][0] <= rows[-1]["T"]
    for row in rows:
        assert row["t"] % length == 0
        assert row["T"] == row["t"] + length - 1
        prices = [float(row[key]) for key in "oclh"]
        assert float(row["l"]) == min(prices)
        assert float(row["h"]) == max(prices)
    prints = [event for event in events if event[2] is not None]
    assert sum(row["n"] for row in rows) == len(prints)
    assert sum(float(row["v"]) for row in rows) == pytest.approx(sum(size for _, _, size in prints))


@given(market_events(), st.sampled_from(sorted(INTERVALS_MS)))
def test_a_candle_with_prints_holds_its_prints_only(events, interval):
    """Open, high, low and close are the first, greatest, least and last print of the interval."""
    length = INTERVALS_MS[interval]
    for row in everything(aggregated(events), interval):
        prints = [price for time, price, size in events if size is not None and row["t"] <= time < row["t"] + length]
        if prints:
            seen = [float(row[key]) for key in "ohlc"]
            assert seen == [prints[0], max(prints), min(prints), prints[-1]]


def test_a_minute_without_prints_follows_mid():
    """Mids make the candle of a quiet minute, and do not touch that of another."""
    candles = aggregated([(START, 100.0, 1.0), (START + 1, 105.0, None), (START + MINUTE, 101.0, None),
                          (START + MINUTE + 1, 99.5, None)])  # fmt: skip
    first, second = everything(candles, "1m")
    assert (first["o"], first["h"], first["l"], first["c"], first["n"]) == ("100", "100", "100", "100", 1)
    assert (second["o"], second["h"], second["l"], second["c"]) == ("101", "101", "99.5", "99.5")
    assert (second["v"], second["n"]) == ("0", 0)


def test_silent_minutes_are_flat():
    """Minutes in which nothing was heard exist, at the last price known."""
    rows = everything(aggregated([(START, 100.0, 1.0), (START + 3 * MINUTE, 90.0, 1.0)]), "1m")
    assert [row["o"] for row in rows] == ["100", "100", "100", "90"]
    assert [row["n"] for row in rows] == [1, 0, 0, 1]


def test_the_current_candle_grows():
    """The newest candle is the last of the snapshot, at every interval, and changes with each print."""
    candles = aggregated([(START, 100.0, 1.0), (START + 61_000, 101.0, 2.0)])
    assert candles.current("ETH", "1m") == everything(candles, "1m")[-1]
    assert candles.current("ETH", "5m")["v"] == "3"
    candles.on_trade(trade(START + 62_000, 103.0, 0.5))
    assert candles.current("ETH", "1m")["h"] == "103"
    assert candles.current("BTC", "1m") is None


def test_a_late_print_is_not_lost():
    """A print stamped before the newest minute counts there: published candles do not change."""
    candles = aggregated([(START, 100.0, 1.0), (START + MINUTE, 101.0, 2.0)])
    before = everything(candles, "1m")[0]
    candles.on_trade(trade(START + MINUTE - 5, 99.0, 1.0))
    rows = everything(candles, "1m")
    assert rows[0] == before
    assert (rows[1]["v"], rows[1]["l"]) == ("3", "99")


def test_snapshot_bounds_hold():
    """Only candles that open within the bounds come; an unknown coin has none; an unknown interval is refused."""
    candles = aggregated([(START + minute * MINUTE, 100.0, 1.0) for minute in range(10)])
    opens = [row["t"] for row in candles.snapshot("ETH", "1m", START + 1, START + 3 * MINUTE)]
    assert opens == [START + MINUTE, START + 2 * MINUTE, START + 3 * MINUTE]
    assert candles.snapshot("BTC", "1m", START, START + MINUTE) == []
    with pytest.raises(MalformedMessage, match="7m"):
        candles.snapshot("ETH", "7m", START, START)


def test_old_minutes_are_forgotten():
    """However long it runs, or sleeps, a week of minutes is kept and no more."""
    candles = aggregated([(START, 100.0, 1.0), (START + 30 * 86_400_000, 101.0, 1.0)])
    rows = candles.snapshot("ETH", "1m", 0, START + 31 * 86_400_000)
    assert len(rows) == 7 * 1440
    assert rows[-1]["t"] == START + 30 * 86_400_000
