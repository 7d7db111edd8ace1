"""Candle backtests of the strategies: made-up candles, a made-up calibration history, markets of the local venue."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from freqtrade.configuration import Configuration
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType, RunMode
from freqtrade.optimize.backtesting import Backtesting
from freqtrade.strategy import IStrategy

from calibration.publication.history import FLOW, SCHEMA
from tests.live_bot import ROOT, merged
from tests.puppet_market import PuppetMarket, VenueThread, live_config
from tests.trading.conftest import planner

__all__ = ["planner"]  # a fixture of the desk's tests

PAIR = "ETH/USDC:USDC"
START = datetime(2026, 11, 1, tzinfo=UTC)
VALUES = {"arrival_rate": 0.5, "fill_decay": 1.5, "fill_intensity": 0.3}


@pytest.fixture(scope="session")
def venue() -> Iterator[VenueThread]:
    """Knows the markets; a backtest asks it for nothing else."""
    with VenueThread(PuppetMarket()) as running:
        yield running


def candles(minutes: int, seed: int = 1) -> pd.DataFrame:
    """A driftless random walk around 3000."""
    steps = np.random.default_rng(seed).normal(0, 1.5, (minutes, 4)).cumsum(axis=1)
    close = 3000 + steps[:, -1].cumsum()
    path = np.c_[np.r_[3000.0, close[:-1]], close[:, None] - steps[:, -1:] + steps]
    prices = {"open": path[:, 0], "high": path.max(axis=1), "low": path.min(axis=1), "close": path[:, -1]}
    dates = pd.date_range(START, periods=minutes, freq="1min").as_unit("ms")
    return pd.DataFrame({"date": dates, **{name: value.round(1) for name, value in prices.items()}, "volume": 10.0})


def history(minutes: int, **changes: Any) -> pa.Table:
    """A calibration at the start of every minute."""
    rows = []
    for minute in range(minutes):
        created_ms = int(START.timestamp() * 1e3) + minute * 60_000
        row: dict[str, Any] = {
            "created_ms": created_ms,
            "window_end_ms": created_ms,
            "exposure_s": 1800.0,
            "mid": 3000.0,
        }
        row |= {"half_spread": 0.1, "volatility": 0.2, "status": "ok"}
        for side in ("buy", "sell"):
            for name in FLOW:
                value = VALUES.get(name, 0.05)
                row |= {f"{name}_{side}{part}": value for part in ("", "_low", "_high")} | {f"{name}_{side}_n": 100}
        rows.append(row | changes)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def store(root: Path, data: pd.DataFrame, calibrations: pa.Table | None) -> None:
    """Write candles, funding and history as Freqtrade and the calibrator do."""
    (root / "data").mkdir(exist_ok=True)
    handler = get_datahandler(root / "data", "feather")
    hours = data.iloc[::60].reset_index(drop=True)
    after = hours.iloc[-1:].assign(date=hours["date"].iloc[-1] + pd.Timedelta("1h"))  # the start-up may skip the first
    hours = pd.concat([hours, after], ignore_index=True)
    funding = pd.DataFrame({"date": hours["date"], "funding_rate": 0.0})
    for frame, timeframe, kind in (
        (data, "1m", CandleType.FUTURES),
        (hours, "1h", CandleType.FUTURES),
        (funding, "1h", CandleType.FUNDING_RATE),
    ):
        handler.ohlcv_store(PAIR, timeframe, frame, kind)
    folder = root / "parameters" / "history" / "ETH"
    if calibrations is not None:
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(calibrations, folder / "2026-11-01.parquet")


@contextmanager
def tuned_to(strategy: IStrategy, values: dict[str, Any]) -> Iterator[None]:
    """Give parameters other values, and put them back: they belong to the classes, also to those of other variants."""
    parameters = {name: getattr(strategy, name) for name in values}
    before = {name: parameter.value for name, parameter in parameters.items()}
    try:
        for name, parameter in parameters.items():
            parameter.value = values[name]
        yield
    finally:
        for name, parameter in parameters.items():
            parameter.value = before[name]


@contextmanager
def stock_backtesting(
    venue_url: str, folder: Path, strategy: str, tuned: dict[str, Any] | None = None, **changes: Any
) -> Iterator[Backtesting]:
    """Freqtrade's own backtesting over what is stored in a folder."""
    private = folder / "private.json"
    extra = {"dry_run": True, "fee": 0.00015, "export": "none", "dataformat_ohlcv": "feather"}
    private.write_bytes(orjson.dumps(merged(merged(live_config(venue_url, folder), extra), changes)))
    arguments = {
        "config": [str(ROOT / "user_data" / "config.json"), str(private)],
        "user_data_dir": str(ROOT / "user_data"),
        "datadir": str(folder / "data"),
        "strategy": strategy,
    }
    backtesting = Backtesting(Configuration(arguments, RunMode.BACKTEST).get_config())
    try:
        with tuned_to(backtesting.strategylist[0], tuned or {}):
            yield backtesting
    finally:
        Backtesting.cleanup()
        backtesting.exchange.close()


@pytest.fixture
def backtest(venue: VenueThread, tmp_path: Path) -> Callable[..., Any]:
    """Run a strategy over candles and a history; return its trades."""

    def run(
        data: pd.DataFrame,
        calibrations: pa.Table | None,
        strategy: str = "MarketMaking",
        tuned: dict[str, Any] | None = None,
        **changes: Any,
    ) -> pd.DataFrame:
        store(tmp_path, data, calibrations)
        with stock_backtesting(venue.url, tmp_path, strategy, tuned, **changes) as backtesting:
            loaded, timerange = backtesting.load_bt_data()
            backtesting.backtest_one_strategy(backtesting.strategylist[0], loaded, timerange)
            return backtesting.all_bt_content[strategy]["results"]

    return run
