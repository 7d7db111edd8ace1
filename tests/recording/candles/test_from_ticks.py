"""Candles from ticks: what pandas would make of the trades, in the files Freqtrade reads."""

import errno

import numpy as np
import pandas as pd
import pytest
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import MalformedMessage, NotEnoughData
from market_making.market.tape import QuoteTape, Tape, TradeTape
from market_making.recording.candles.from_ticks import HOUR_MS, candles, write_candles
from market_making.recording.store.rows import table_of
from market_making.recording.store.segments import write_segment
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

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


def stored(path, start_ms, rows, volume, close=200.0):
    """Candles of an hour in a file, as Freqtrade stores them."""
    dates = pd.to_datetime(start_ms + HOUR_MS * np.arange(rows), unit="ms", utc=True)
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    frame = pd.DataFrame({"date": dates, **prices, "volume": volume})
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_feather(path, compression="lz4")
    return frame


def hours_of(folder):
    """The file of hours."""
    return pd.read_feather(folder / "futures" / "ETH_USDC_USDC-1h-futures.feather")


def test_what_a_file_holds_stays_and_new_rows_are_put_among_it(tmp_path):
    """By time; where both have a candle that was recorded whole the new one counts; twice is as once."""
    fill(tmp_path / "store")
    old = stored(tmp_path / "futures" / "ETH_USDC_USDC-1h-futures.feather", START - 5 * HOUR_MS, 20, volume=7.0)
    counts = [write_candles(TickStore(tmp_path / "store"), "ETH", tmp_path)[2] for _ in range(2)]
    assert [(file.before, file.candles) for file in counts] == [(20, 20), (20, 20)]
    found = hours_of(tmp_path)
    assert found["date"].astype("datetime64[ms, UTC]").tolist() == old["date"].tolist()
    assert found["volume"].tolist() == [7.0] * 5 + [360.0] * 4 + [7.0] * 11
    assert list(tmp_path.glob("futures/.*")) == []


@pytest.mark.parametrize(("volume", "stays"), [(1000.0, True), (300.0, False)])
def test_a_candle_that_was_recorded_in_part_gives_way_to_a_whole_one(tmp_path, volume, stays):
    """It ends with the recording; if the one in the file holds less it cannot be whole either."""
    fill(tmp_path / "store")
    stored(tmp_path / "futures" / "ETH_USDC_USDC-1h-futures.feather", START, 4, volume=volume)
    write_candles(TickStore(tmp_path / "store"), "ETH", tmp_path)
    assert hours_of(tmp_path)["close"].eq(200.0).tolist() == [False, False, False, stays]


def test_funding_that_was_not_recorded_is_not_emptied(tmp_path):
    """What was downloaded stays; an hour is known by its number, whatever the milliseconds."""
    path = tmp_path / "data" / "futures" / "ETH_USDC_USDC-1h-funding_rate.feather"
    path.parent.mkdir(parents=True)
    times = pd.to_datetime(START + HOUR_MS * np.arange(3) + 48, unit="ms", utc=True)
    pd.DataFrame({"date": times, "funding_rate": [1e-5, 2e-5, 3e-5]}).to_feather(path)
    before = path.read_bytes()
    trade = (START, START, "buy", 100.0, 1.0, "1", None, None, None, False)
    write_segment(tmp_path / "bare", "hyperliquid", "ETH", Stream.TRADES, table_of(Stream.TRADES, [trade]))
    funding = write_candles(TickStore(tmp_path / "bare"), "ETH", tmp_path / "data")[-1]
    assert (funding.before, funding.candles, path.read_bytes()) == (3, 3, before)
    fill(tmp_path / "store")
    funding = write_candles(TickStore(tmp_path / "store"), "ETH", tmp_path / "data")[-1]
    assert (funding.before, funding.candles) == (3, 5)
    assert pd.read_feather(path)["funding_rate"].round(1).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_rate_of_an_hour_that_was_recorded_in_part_is_not_the_one_paid(tmp_path):
    """The rate goes on changing up to the hour's end: one that is there already stays."""
    path = tmp_path / "data" / "futures" / "ETH_USDC_USDC-1h-funding_rate.feather"
    path.parent.mkdir(parents=True)
    paid = pd.to_datetime([START + HOUR_MS], unit="ms", utc=True)
    pd.DataFrame({"date": paid, "funding_rate": [9.0]}).to_feather(path)
    trade = (START, START, "buy", 100.0, 1.0, "1", None, None, None, False)
    write_segment(tmp_path / "store", "hyperliquid", "ETH", Stream.TRADES, table_of(Stream.TRADES, [trade]))
    for time in (START + HOUR_MS // 2, START + 3 * HOUR_MS // 2):
        row = table_of(Stream.CONTEXT, [(time, time, 0.5, 100.0, 100.0, 1.0, None)])
        write_segment(tmp_path / "store", "hyperliquid", "ETH", Stream.CONTEXT, row)
    trade = (START + 2 * HOUR_MS, START + 2 * HOUR_MS, "buy", 100.0, 1.0, "2", None, None, None, False)
    write_segment(tmp_path / "store", "hyperliquid", "ETH", Stream.TRADES, table_of(Stream.TRADES, [trade]))
    write_candles(TickStore(tmp_path / "store"), "ETH", tmp_path / "data")
    assert pd.read_feather(path)["funding_rate"].tolist() == [9.0, 0.5]


def test_funding_in_the_columns_of_candles_is_understood(tmp_path):
    """Freqtrade stored it so once, the rate as `open`."""
    fill(tmp_path / "store")
    path = tmp_path / "futures" / "ETH_USDC_USDC-1h-funding_rate.feather"
    stored(path, START - 2 * HOUR_MS, 2, volume=0.0, close=1e-5)
    write_candles(TickStore(tmp_path / "store"), "ETH", tmp_path)
    assert pd.read_feather(path)["funding_rate"].round(5).tolist()[:2] == [1e-5, 1e-5]


@pytest.mark.parametrize("spoil", ["text", "column", "date"])
def test_a_file_that_cannot_be_added_to_is_refused_and_left_alone(tmp_path, spoil):
    """Named, before any other file of the coin is written."""
    fill(tmp_path / "store")
    path = tmp_path / "futures" / "ETH_USDC_USDC-1h-futures.feather"
    frame = stored(path, START, 4, volume=7.0)
    if spoil == "text":
        path.write_text("date,open\n")
    elif spoil == "column":
        frame.drop(columns="volume").to_feather(path)
    else:
        frame.assign(date=frame["date"].where(frame.index > 0)).to_feather(path)
    before = path.read_bytes()
    with pytest.raises(MalformedMessage, match=rf"{path.name} is there but cannot be added to, move it away"):
        write_candles(TickStore(tmp_path / "store"), "ETH", tmp_path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_is_full_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    """Nothing half written stays."""
    fill(tmp_path / "store")
    path = tmp_path / "futures" / "ETH_USDC_USDC-1m-futures.feather"
    stored(path, START, 4, volume=7.0)
    before = path.read_bytes()

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_candles(TickStore(tmp_path / "store"), "ETH", tmp_path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_without_a_trade_there_are_no_candles(tmp_path):
    """The error says that at least one is needed."""
    quotes = [(START, START, 99.0, 1.0, 101.0, 1.0)]
    write_segment(tmp_path, "hyperliquid", "ETH", Stream.BBO, table_of(Stream.BBO, quotes))
    with pytest.raises(NotEnoughData, match="no trade of ETH"):
        write_candles(TickStore(tmp_path), "ETH", tmp_path)
