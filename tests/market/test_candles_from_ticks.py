"""Candles from ticks: what pandas would make of the trades, in the files Freqtrade reads."""

import numpy as np
import pandas as pd
import pytest
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType
from hypothesis import given
from hypothesis import strategies as st

from market.candles_from_ticks import HOUR_MS, candles, write_candles
from market.errors import NotEnoughData
from market.store.rows import table_of
from market.store.segments import write_segment
from market.store.tick_store import TickStore
from market.streams import Stream
from market.tape import QuoteTape, Tape, TradeTape

START = 20_000 * 24 * HOUR_MS
MINUTE = 60_000
NO_QUOTES = QuoteTape(np.empty(0, dtype=np.int64), *(np.empty(0) for _ in range(4)))


def tape_of(rows: list[tuple[int, float, float]], gaps: list[tuple[int, int]] = ()) -> Tape:
    """A tape of trades: time after the start [ms], price, size."""
    time, price, size = (np.array(column) for column in zip(*rows, strict=True))
    ones = np.ones(len(rows), dtype=np.int64)
    trades = TradeTape(time.astype(np.int64) + START, ones, price.astype(float), size.astype(float), -ones)
    intervals = np.array(gaps, dtype=np.int64).reshape(-1, 2) + START
    return Tape(NO_QUOTES, trades, intervals, START, START + 24 * HOUR_MS)


trade_rows = st.lists(
    st.tuples(st.integers(0, 20 * MINUTE), st.floats(1, 1000), st.floats(0.1, 10)), min_size=1, max_size=60
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@given(trade_rows, st.sampled_from([1, 5]))
def test_candles_are_what_pandas_makes_of_the_trades(rows, minutes):
    """Open, high, low, close and volume of every interval, quiet ones flat at the close before."""
    made = candles(tape_of(rows), minutes * MINUTE)
    times, prices, sizes = zip(*rows, strict=True)
    index = pd.to_datetime(np.array(times) + START, unit="ms")
    resampled = pd.Series(prices, index).resample(f"{minutes}min")
    expected = resampled.ohlc()
    close = expected["close"].ffill()
    expected = expected.apply(lambda column: column.fillna(close))
    np.testing.assert_array_equal(made.open_ms, expected.index.as_unit("ms").asi8)
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(made, name), expected[name])
    np.testing.assert_allclose(made.volume, pd.Series(sizes, index).resample(f"{minutes}min").sum())


def test_an_interval_that_is_not_known_has_no_flat_candle():
    """A gap is a hole, not a quiet market; an interval with trades stays, gap or not."""
    rows = [(0, 100.0, 1.0), (5 * MINUTE, 101.0, 1.0)]
    made = candles(tape_of(rows, gaps=[(MINUTE + 1, 2 * MINUTE + 1), (5 * MINUTE, 6 * MINUTE)]), MINUTE)
    assert ((made.open_ms - START) // MINUTE).tolist() == [0, 3, 4, 5]
    assert made.close.tolist() == [100.0, 100.0, 100.0, 101.0]


def fill(root) -> None:
    """Four hours of a coin with a trade every ten seconds and its contexts."""
    times = range(START, START + 4 * HOUR_MS, 10_000)
    trades = [
        (time, time, "buy", 100.0 + number % 7, 1.0, str(number), None, None, None, False)
        for number, time in enumerate(times)
    ]
    write_segment(root, "hyperliquid", "ETH", Stream.TRADES, table_of(Stream.TRADES, trades))
    quotes = [(time, time, 99.0, 1.0, 101.0, 1.0) for time in range(START, START + 4 * HOUR_MS, 2000)]
    write_segment(root, "hyperliquid", "ETH", Stream.BBO, table_of(Stream.BBO, quotes))
    contexts = [(time, time, (time - START) / HOUR_MS, 100.0, 100.0, 1.0, None) for time in times]
    write_segment(root, "hyperliquid", "ETH", Stream.CONTEXT, table_of(Stream.CONTEXT, contexts))


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # Freqtrade's own code with this version of pandas
def test_freqtrade_reads_the_files(tmp_path):
    """Its own data handler finds candles and funding rates where it looks, with the columns it wants."""
    fill(tmp_path / "store")
    files = write_candles(TickStore(tmp_path / "store"), "ETH", tmp_path / "data")
    assert [file.candles for file in files] == [240, 48, 4, 4]
    handler = get_datahandler(tmp_path / "data", "feather")
    pair = "ETH/USDC:USDC"
    loaded = handler.ohlcv_load(pair, "1m", CandleType.FUTURES)
    assert list(loaded.columns) == ["date", "open", "high", "low", "close", "volume"]
    assert len(loaded) == 240
    assert loaded["date"].iloc[0] == pd.Timestamp(START, unit="ms", tz="UTC")
    assert loaded["volume"].iloc[0] == 6.0
    funding = handler.ohlcv_load(pair, "1h", CandleType.FUNDING_RATE)
    assert {"date", "funding_rate"} <= set(funding.columns)
    assert funding["date"].iloc[0] == pd.Timestamp(START + HOUR_MS, unit="ms", tz="UTC")
    assert funding["funding_rate"].iloc[0] == pytest.approx(1, abs=0.01)


def test_without_a_trade_there_are_no_candles(tmp_path):
    """The error says that at least one is needed."""
    quotes = [(START, START, 99.0, 1.0, 101.0, 1.0)]
    write_segment(tmp_path, "hyperliquid", "ETH", Stream.BBO, table_of(Stream.BBO, quotes))
    with pytest.raises(NotEnoughData, match="no trade of ETH"):
        write_candles(TickStore(tmp_path), "ETH", tmp_path)
