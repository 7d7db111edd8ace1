"""What FreqUI shows: the strategy's own columns, through Freqtrade's own analysis of candles."""

import numpy as np
import orjson
import pytest
from freqtrade.configuration import Configuration
from freqtrade.data.dataprovider import DataProvider
from freqtrade.enums import CandleType, RunMode
from freqtrade.resolvers import ExchangeResolver, StrategyResolver

from market_making.hyperliquid.weights import answer_weight, question_weight
from market_making.trading.chart_rows import ChartHistory, ChartRow
from tests.live_bot import ROOT, merged
from tests.puppet_market import live_config
from tests.strategies.conftest import PAIR, candles, history, store

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
MINUTES = 120


@pytest.fixture
def analysed(venue, tmp_path):
    """Load a strategy as FreqUI's webserver does for a chart of the past; return it and its dataframe."""

    def run(calibrations, mode=RunMode.WEBSERVER, **changes):
        data = candles(MINUTES)
        store(tmp_path, data, calibrations)
        private = tmp_path / "private.json"
        private.write_bytes(orjson.dumps(merged(live_config(venue.url, tmp_path), {"dry_run": True} | changes)))
        files = [str(ROOT / "user_data" / "config.json"), str(private)]
        arguments = {"config": files, "strategy": "MarketMaking", "user_data_dir": str(ROOT / "user_data")}
        config = Configuration(arguments, mode).get_config()
        exchange = ExchangeResolver.load_exchange(config, validate=False)
        try:
            strategy = StrategyResolver.load_strategy(config)
            strategy.dp = DataProvider(config, exchange)
            strategy.ft_bot_start()
            return strategy, strategy.ft_advise_signals(
                strategy.advise_indicators(data, {"pair": PAIR}), {"pair": PAIR}
            )
        finally:
            exchange.close()

    return run


def drawn(plot_config):
    """Every column that is drawn."""
    return set(plot_config["main_plot"]).union(*plot_config["subplots"].values())


def test_every_drawn_column_exists_and_holds_what_was_known(analysed):
    """Bid and ask enclose the mid, which is the candle's close; κ, ε and toxicity are those of the history."""
    strategy, frame = analysed(history(MINUTES))
    assert drawn(strategy.plot_config) == set(ChartRow._fields) <= set(frame)
    shown = frame.iloc[:-1]  # after the last candle there is no calibration
    assert (shown["bid"] < shown["mid"]).all()
    assert (shown["mid"] < shown["ask"]).all()
    np.testing.assert_allclose(shown["mid"], shown["close"])
    np.testing.assert_allclose(shown["fill_decay"], 1.5)
    np.testing.assert_allclose(shown["adverse_selection"], 0.05)
    np.testing.assert_allclose(shown["toxicity"], 1.5 * (0.05 + 0.00015 * shown["mid"]))
    assert (shown["inventory"] == 0).all()


def test_only_a_backtest_that_exports_its_signals_has_what_is_drawn(analysed):
    """Otherwise nobody sees the columns, and they take time; the signals are the same."""
    shown, plain, exported = (
        analysed(history(MINUTES), mode, export=export)[1]
        for mode, export in (
            (RunMode.WEBSERVER, "none"),
            (RunMode.BACKTEST, "none"),
            (RunMode.BACKTEST, "signals"),
        )
    )
    assert set(shown) == set(exported) == set(plain) | set(ChartRow._fields)
    for side in ("enter_long", "enter_short"):
        assert list(plain[side]) == list(shown[side])
    assert plain["enter_long"].any()


def test_stretches_without_a_quote_are_marked(analysed):
    """From the end of the calibrations on nothing is quoted: one area, to the last candle."""
    strategy, frame = analysed(history(MINUTES).slice(0, 60))
    dates = frame["date"]
    (area,) = strategy.ft_plot_annotations(pair=PAIR, dataframe=frame)
    assert area["type"] == "area"
    assert (area["start"], area["end"]) == (dates.iloc[60], dates.iloc[-1])
    assert strategy.ft_plot_annotations(pair=PAIR, dataframe=candles(5)) == []


def test_a_running_bot_shows_the_last_row_of_each_candle():
    """Earlier candles keep what was shown last while they lasted; others show nothing."""
    charts = ChartHistory()
    for candle, mid in ((1, 3000.0), (1, 3001.0), (2, 3002.0)):
        charts.take(PAIR, candle, ChartRow(mid=mid))
    mids = [row.mid for row in charts.of(PAIR, [0, 1, 2])]
    assert np.isnan(mids[0])
    assert mids[1:] == [3001.0, 3002.0]


def test_a_start_asks_for_few_candles(venue, tmp_path):
    """The bot needs none and a chart some hours; ccxt's 5,000 of each pair are a twelfth of a minute's whole weight."""
    private = tmp_path / "private.json"
    private.write_bytes(orjson.dumps(merged(live_config(venue.url, tmp_path), {"dry_run": True})))
    files = [str(ROOT / "user_data" / "config.json"), str(private)]
    config = Configuration({"config": files, "strategy": "MarketMaking"}, RunMode.DRY_RUN).get_config()
    exchange = ExchangeResolver.load_exchange(config, validate=False)
    try:
        asked = exchange.ohlcv_candle_limit("1m", CandleType.FUTURES)
    finally:
        exchange.close()
    assert asked >= 300
    assert question_weight("candleSnapshot") + answer_weight("candleSnapshot", [{}] * asked) <= 30
