"""Freqtrade's own tools, run as a user runs them, on the strategy and the configuration that are shipped."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.length import only_long
from tests.live_bot import ROOT, merged
from tests.puppet_market import VenueThread, live_config
from tests.strategies.conftest import START, candles, history, store

MINUTES = 360
pytestmark = pytest.mark.slow


@pytest.fixture
def freqtrade(venue: VenueThread, tmp_path: Path) -> Callable[..., str]:
    """Run a command of Freqtrade over six hours of candles; return what it printed, without colours and breaks."""
    store(tmp_path, candles(MINUTES), history(MINUTES))
    offline = merged(live_config(venue.url, tmp_path), {"dry_run": True, "dataformat_ohlcv": "feather"})
    (tmp_path / "private.json").write_text(json.dumps(offline))
    (tmp_path / "user_data").mkdir()
    files = [ROOT / "user_data" / "config.json", ROOT / "user_data" / "config-backtest.json", tmp_path / "private.json"]
    start = int(START.timestamp()) + 7200  # Freqtrade wants candles before the start, and an hourly one right at it
    common = [f"--config={file}" for file in files]
    strategy = ["--strategy=MarketMaking", f"--strategy-path={ROOT / 'user_data' / 'strategies'}"]
    common += ["--no-color", f"--userdir={tmp_path / 'user_data'}", f"--datadir={tmp_path / 'data'}"]
    common += [f"--timerange={start}-{start + 10800}"]
    environment = os.environ | {"NO_PROXY": "127.0.0.1", "COLUMNS": "300"}

    def run(name: str, *words: str) -> str:
        analysed = [] if name == "backtesting-analysis" else strategy  # it reads what a backtest has exported
        command = [sys.executable, "-m", "freqtrade", name, *common, *analysed, *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_lookahead_analysis_finds_trades_and_no_bias(freqtrade):
    """Twenty trades are made again from candles that end with them; all of them are the same."""
    said = freqtrade("lookahead-analysis")
    assert "Found targeted trade amount = 20 signals" in said
    assert "MarketMaking: no bias detected" in said


def test_recursive_analysis_finds_no_variance_and_no_lookahead(freqtrade):
    """No column of the chart depends on where the candles begin or end."""
    said = freqtrade("recursive-analysis")
    assert "No variance on indicator(s) found" in said
    assert "No lookahead bias on indicators found" in said


def test_plot_dataframe_draws_a_page(freqtrade, tmp_path):
    """The extra `plot` brings what Freqtrade needs."""
    pytest.importorskip("plotly", reason="Freqtrade's plots need the extra `plot`")
    freqtrade("plot-dataframe", "--no-trades")
    (page,) = (tmp_path / "user_data" / "plot").glob("*.html")
    assert "ETH" in page.read_text()


@only_long
def test_a_backtest_is_analysed_by_what_its_orders_were_for(freqtrade, tmp_path):
    """Tags tell openings from reductions, and the profit over time is drawn, both from the exported backtest."""
    pytest.importorskip("plotly", reason="Freqtrade's plots need the extra `plot`")
    freqtrade("backtesting", "--export=signals", "--cache=none")
    said = freqtrade("backtesting-analysis", "--analysis-groups", "0", "2")
    assert re.search(r"│ +open +│ +[1-9]\d* +│", said), said[:2000]
    assert re.search(r"│ +open +│ +reduce +│ +[1-9]\d* +│", said), said[:2000]
    freqtrade("plot-profit", "--timeframe=1m")
    (page,) = (tmp_path / "user_data" / "plot").glob("*profit*.html")
    assert "ETH" in page.read_text()
