"""Backtests on a history guessed from the very candles they run on."""

import pandas as pd
import pytest
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType

from calibration.candles.history import write_candle_history
from market_making.recording.candles.files import read_candles
from tests.strategies.conftest import PAIR, candles
from tests.strategies.test_backtest import orders_of

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
MINUTES = 2000
OHLCV = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


def five_minutes(seed=1, kept=MINUTES):
    """A random walk in candles of five minutes; other walks from `kept` on."""
    data, other = candles(MINUTES), candles(MINUTES, seed=seed)
    prices = ["open", "high", "low", "close"]
    data.loc[kept:, prices] = other.loc[kept:, prices]
    return data.resample("5min", on="date").agg(OHLCV).reset_index()


@pytest.fixture
def guessed(backtest, tmp_path):
    """Store candles, guess their history, and run the strategy on both."""

    def run(data):
        (tmp_path / "data").mkdir(exist_ok=True)
        get_datahandler(tmp_path / "data", "feather").ohlcv_store(PAIR, "5m", data, CandleType.FUTURES)
        stored = read_candles(tmp_path / "data" / "futures" / "ETH_USDC_USDC-5m-futures.feather")
        write_candle_history(stored, tmp_path / "parameters", "ETH")
        return backtest(candles(MINUTES), None, timeframe="5m", market_making={"sides": "alternate"})

    return run


def test_candles_alone_are_enough_for_a_backtest(guessed, caplog):
    """Positions are opened and closed, only where a window of candles lies before, and the log warns."""
    data = five_minutes()
    trades = guessed(data)
    assert "days of the history of ETH are guessed from candles" in caplog.text
    assert len(trades) > 10
    assert trades["open_date"].min() >= data["date"][0] + pd.Timedelta(minutes=120)
    assert (trades["open_date"].dt.minute % 5 == 0).all()


def test_nothing_looks_ahead_from_the_candles_to_the_trades(guessed):
    """Other candles in the second half change no order of the first, though the history is made from them."""
    split = five_minutes()["date"][200]
    first, second = (orders_of(guessed(five_minutes(seed, kept=1000))) for seed in (1, 2))
    before = [order for order in first if order[1] < split.timestamp() * 1e3]
    assert len(before) > 5
    assert [order for order in second if order[1] < split.timestamp() * 1e3] == before
    assert first != second
