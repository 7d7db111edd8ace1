"""Independent driftless random walks, each a candle backtest of a strategy in Freqtrade's own engine.

The price moves by one tick at a time, up as often as down, so that it meets every order exactly at its price: a fill is
neither better nor worse than the market then is. What is earned before fees is luck.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from freqtrade.configuration import TimeRange
from freqtrade.optimize.backtesting import Backtesting

from market_making.market.tape import FloatArray
from tests.live_bot import ROOT
from tests.strategies.conftest import PAIR, START, history, stock_backtesting, store

FEE = 0.00015
VARIANTS = sorted(path.stem for path in (ROOT / "user_data" / "strategies").glob("*.py"))
_FIRST, _TICK = 3000.0, 0.1
_STEPS = 400  # a minute: 6.7 bps of it


class Ended(NamedTuple):
    """How paths ended, one entry each: net result and fees [quote currency], number of fills."""

    net: FloatArray
    fees: FloatArray
    fills: FloatArray

    def excess(self, bonus_bps: float = 0.0) -> float:
        """Mean of net result plus fees over its standard error, if every fill had been better by a bonus [bps]."""
        return excess(self.net + self.fees * (1 + bonus_bps * 1e-4 / FEE))


def excess(results: FloatArray) -> float:
    """Mean over its standard error."""
    return float(results.mean() / (results.std(ddof=1) / np.sqrt(len(results))))


def tick_walk(minutes: int, seed: int) -> pd.DataFrame:
    """Candles of a driftless random walk that touches every price it passes."""
    steps = np.random.default_rng(seed).integers(0, 2, (minutes, _STEPS), dtype=np.int8).astype(np.int64) * 2 - 1
    path = steps.cumsum().reshape(minutes, _STEPS)
    opened = np.r_[0, path[:-1, -1]]
    ticks = {
        "open": opened,
        "high": np.maximum(opened, path.max(axis=1)),
        "low": np.minimum(opened, path.min(axis=1)),
        "close": path[:, -1],
    }
    dates = pd.date_range(START, periods=minutes, freq="1min").as_unit("ms")
    prices = {name: (_FIRST + _TICK * value).round(1) for name, value in ticks.items()}
    return pd.DataFrame({"date": dates, **prices, "volume": 10.0})


def walk(venue_url: str, folder: Path, variant: str, *, paths: int, minutes: int) -> Ended:
    """Run a variant along paths with the seeds 0, 1, 2, …, each with a fresh wallet and nothing held.

    A position that is left at the end of a path is closed by Freqtrade there, at the market.
    """
    with stock_backtesting(venue_url, folder, variant, market_making={"sides": "alternate"}) as backtesting:
        length = minutes + backtesting.strategylist[0].startup_candle_count
        store(folder, tick_walk(length, 0), history(length))
        _, period = backtesting.load_bt_data()
        rows = [_end_of(backtesting, tick_walk(length, seed), period) for seed in range(paths)]
    return Ended(*np.array(rows).T)


def _end_of(backtesting: Backtesting, data: pd.DataFrame, period: TimeRange) -> tuple[float, float, float]:
    (strategy,) = backtesting.strategylist
    backtesting.backtest_one_strategy(strategy, {PAIR: data}, period)
    trades = backtesting.all_bt_content[strategy.get_strategy_name()]["results"]
    orders = [order for row in trades["orders"] for order in row]
    fees = FEE * sum(order["safe_price"] * order["amount"] for order in orders)
    return float(trades["profit_abs"].sum()), fees, len(orders)
