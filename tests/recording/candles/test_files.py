"""Files of candles: read as they are, refused with what was seen, written so that Freqtrade finds them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType
from pyarrow import feather

from market_making.market.errors import ConfigurationError, MalformedMessage, NotEnoughData
from market_making.recording.candles.files import convert_candles, find_candles, period_ms, read_candles, resample

START = 1_753_056_000_000
FIVE_MINUTES = 300_000
ROWS = 40


def frame(**changes):
    """Five-minute candles of a walk, as Freqtrade stores them."""
    close = 3000 + np.random.default_rng(1).normal(0, 2, ROWS).cumsum().round(1)
    before = np.r_[3000.0, close[:-1]]
    prices = {"open": before, "high": np.maximum(before, close) + 1, "low": np.minimum(before, close) - 1}
    dates = pd.to_datetime(START + FIVE_MINUTES * np.arange(ROWS), unit="ms", utc=True)
    return pd.DataFrame({"date": dates, **prices, "close": close, "volume": 5.0} | changes)


def stamped(data):
    """The same with the time as `ts` in milliseconds."""
    stamps = data["date"].astype("datetime64[ms, UTC]").astype("int64")
    return data.drop(columns="date").assign(ts=stamps)


def written(path, data):
    """Write a table of any form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(data, preserve_index=False)
    feather.write_feather(table, str(path)) if path.suffix == ".feather" else pq.write_table(table, path)
    return path


@pytest.mark.parametrize("unit", ["ms", "ns"])
def test_feather_and_parquet_hold_the_same_candles(tmp_path, unit):
    """The opening time may be a date of any precision or milliseconds in `ts`."""
    data = frame()
    data["date"] = data["date"].astype(f"datetime64[{unit}, UTC]")
    first = read_candles(written(tmp_path / "a.feather", data))
    second = read_candles(written(tmp_path / "b.parquet", stamped(data)))
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert first.open_ms.tolist() == [START + FIVE_MINUTES * k for k in range(ROWS)]
    np.testing.assert_array_equal(first.close, data["close"])
    assert period_ms(first) == FIVE_MINUTES


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data.drop(columns="volume"), r"no column volume; its columns are date, open, high, low, close"),
        (lambda data: data.iloc[:1], "1 candles in .*, need 2"),
        (
            lambda data: data.iloc[[0, 2, 1, 3]],
            "1 of 4 candles are impossible; the first, number 2, does not begin after",
        ),
        (lambda data: data.assign(high=data["low"]), "has a low above or a high below its open or close: open_ms"),
        (lambda data: data.assign(close=np.nan), "40 of 40 candles .* not positive and finite"),
        (lambda data: data.assign(volume=-1.0), "a volume that is negative"),
        (lambda data: data.assign(close="dear"), "column close holds no numbers"),
        (lambda data: data.assign(date="today"), "column date holds no times"),
        (lambda data: data.assign(date=data["date"].where(data.index > 0)), "1 of 40 values of date are missing"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_what_was_seen(tmp_path, spoil, message):
    """Which file, which column or candle, and why."""
    path = written(tmp_path / "ETH_5m.feather", spoil(frame()))
    with pytest.raises((MalformedMessage, NotEnoughData), match=message) as refusal:
        read_candles(path)
    assert path.name in str(refusal.value)


def test_a_file_of_another_kind_is_refused(tmp_path):
    """Text with the right ending is named, a missing file too."""
    (tmp_path / "a.feather").write_text("date,open\n")
    with pytest.raises(MalformedMessage, match=r"a\.feather is neither a feather nor a parquet file"):
        read_candles(tmp_path / "a.feather")
    with pytest.raises(ConfigurationError, match=r"no file .*b\.parquet"):
        read_candles(tmp_path / "b.parquet")


def test_candles_beside_their_period_or_far_apart_are_refused(tmp_path):
    """A jitter of a second, as files of funding rates have it, is no candle; nor are two candles a year."""
    candles = read_candles(written(tmp_path / "a.feather", frame()))
    jitter = candles._replace(open_ms=candles.open_ms + np.where(np.arange(ROWS) == 7, 1000, 0))
    with pytest.raises(MalformedMessage, match=r"candle \d at \d+ ms is not a multiple of 299 s after the first"):
        period_ms(jitter)
    late = candles._replace(open_ms=np.append(candles.open_ms[:-1], START + 10**6 * FIVE_MINUTES))
    with pytest.raises(MalformedMessage, match="40 candles of 300 s where there should be 1000001"):
        period_ms(late)


def test_a_folder_is_searched_for_the_coin(tmp_path):
    """The asked-for timeframe first, else the shortest; other coins, marks and funding are not taken for it."""
    names = ["ETH_USDC_USDC-1h-futures", "ETH_USDC_USDC-5m-futures", "ETH_USDC_USDC-1h-funding_rate", "ETHFI_USDC-1m"]
    for name in names:
        written(tmp_path / "futures" / f"{name}.feather", frame())
    assert find_candles(tmp_path, "ETH").name == "ETH_USDC_USDC-5m-futures.feather"
    assert find_candles(tmp_path, "ETH", "1h").name == "ETH_USDC_USDC-1h-futures.feather"
    assert find_candles(tmp_path, "ETH", "1m").name == "ETH_USDC_USDC-5m-futures.feather"
    with pytest.raises(ConfigurationError, match=r"no candles of BTC in .*seen: ETHFI_USDC-1m\.feather, ETH_"):
        find_candles(tmp_path, "BTC")
    written(tmp_path / "ETH_5m-futures.parquet", frame())
    with pytest.raises(ConfigurationError, match="several files could be the 5m candles of ETH"):
        find_candles(tmp_path, "ETH")
    with pytest.raises(ConfigurationError, match="no candle file or folder"):
        find_candles(tmp_path / "nowhere", "ETH")


def test_longer_candles_are_what_pandas_makes_of_the_shorter(tmp_path):
    """First open, highest, lowest, last close, all volume."""
    data = frame()
    hours = resample(read_candles(written(tmp_path / "a.feather", data)), 3_600_000)
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    expected = data.set_index("date").resample("1h").agg(rules)
    np.testing.assert_array_equal(np.column_stack(hours[1:]), expected.to_numpy())


def test_a_second_file_is_added_to_the_first(tmp_path):
    """New rows count where both have one; an hour of which a candle is missing gives way to a whole one."""
    data = frame()
    convert_candles(written(tmp_path / "first" / "ETH_5m.feather", data), "ETH", tmp_path / "here")
    later = data.iloc[6:30].assign(close=data["open"])
    files = convert_candles(written(tmp_path / "second" / "ETH_5m.feather", later), "ETH", tmp_path / "here")
    assert [(file.before, file.candles) for file in files] == [(ROWS, ROWS), (4, 4), (0, 0)]
    five = read_candles(tmp_path / "here" / "futures" / "ETH_USDC_USDC-5m-futures.feather")
    expected = data["close"].where((data.index < 6) | (data.index >= 30), data["open"])
    np.testing.assert_array_equal(five.close, expected)
    hours = read_candles(tmp_path / "here" / "futures" / "ETH_USDC_USDC-1h-futures.feather")
    np.testing.assert_array_equal(hours.volume, [60.0, 60.0, 60.0, 20.0])


def test_freqtrade_reads_the_converted_files(tmp_path):
    """Candles of every timeframe, hours for the mark price, and funding at full hours."""
    data = frame()
    written(tmp_path / "there" / "ETH_5m-futures.parquet", stamped(data))
    late = pd.DataFrame({"ts": START + 3_600_000 * np.arange(3) + 48, "open": [1e-5, 2e-5, 3e-5], "close": 0.0})
    written(tmp_path / "there" / "ETH_1h-funding_rate.parquet", late)
    files = convert_candles(tmp_path / "there", "ETH", tmp_path / "here")
    assert [file.candles for file in files] == [ROWS, 4, 3]
    handler = get_datahandler(tmp_path / "here", "feather")
    stored = handler.ohlcv_load("ETH/USDC:USDC", "5m", CandleType.FUTURES, fill_missing=False, drop_incomplete=False)
    pd.testing.assert_frame_equal(stored, data, check_dtype=False)
    assert len(handler._ohlcv_load("ETH/USDC:USDC", "1h", None, CandleType.FUTURES)) == 4
    funding = handler._ohlcv_load("ETH/USDC:USDC", "1h", None, CandleType.FUNDING_RATE)
    assert funding["funding_rate"].tolist() == [1e-5, 2e-5, 3e-5]
    assert (funding["date"].astype("datetime64[ms, UTC]").astype("int64") % 3_600_000 == 0).all()
