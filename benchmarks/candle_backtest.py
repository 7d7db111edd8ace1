"""Claim: a candle backtest of `MarketMaking` takes at most 1.5 times as long as one of a strategy that decides nothing.

The baseline makes the same orders, so that Freqtrade has the same fills to account for, but looks every answer up in a
table recorded beforehand. Both run in stock Freqtrade's `Backtesting` over the same random walk of 1m candles.
"""

import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.optimize.backtesting import Backtesting

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.live_bot import merged  # noqa: E402
from tests.puppet_market import PuppetMarket, VenueThread, live_config  # noqa: E402
from tests.strategies.conftest import candles, history, store  # noqa: E402

BASELINE = '''
from MarketMaking import MarketMaking

ANSWERS = {}
HOOKS = (
    "check_entry_timeout", "check_exit_timeout", "adjust_trade_position", "custom_entry_price", "custom_exit_price",
    "custom_stake_amount", "confirm_trade_entry",
)


def recorded(name):
    def hook(self, *arguments, current_time, **others):
        answer = getattr(super(Recorder, self), name)(*arguments, current_time=current_time, **others)
        ANSWERS[name, current_time] = answer
        return answer
    return hook


def looked_up(name):
    def hook(self, *arguments, current_time, **others):
        return ANSWERS.get((name, current_time))
    return hook


class Recorder(MarketMaking):
    """Remembers every answer."""

    def populate_entry_trend(self, dataframe, metadata):
        ANSWERS["signals"] = super().populate_entry_trend(dataframe, metadata)
        return ANSWERS["signals"]


class Baseline(MarketMaking):
    """Looks every answer up."""

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        columns = ["enter_long", "enter_short"]
        dataframe[columns] = ANSWERS["signals"][columns]
        return dataframe

    def order_filled(self, *arguments, **others):
        pass


for name in HOOKS:
    setattr(Recorder, name, recorded(name))
    setattr(Baseline, name, looked_up(name))
'''


def main() -> None:
    """Print both times, their ratio and the number of fills."""
    days = float(sys.argv[1]) if len(sys.argv) > 1 else 90.0
    minutes = int(days * 1440)
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name, VenueThread(PuppetMarket()) as venue:
        folder = Path(name)
        for strategy in ("Recorder", "Baseline"):
            (folder / f"{strategy}.py").write_text(_file_of(strategy))
        (folder / "recorded_answers.py").write_text(BASELINE)
        sys.path[:0] = [str(folder), str(ROOT / "user_data" / "strategies")]
        store(folder, candles(minutes), _history(minutes))
        # The machine may get slower or faster meanwhile: the baseline is run before and after.
        order = ("Recorder", "Baseline", "MarketMaking", "Baseline")
        (_, _), (before_s, same), (ours_s, fills), (after_s, _) = (_run(name, venue.url, folder) for name in order)
    if same != fills:
        raise SystemExit(f"the fills differ: {same} and {fills}")
    baseline_s = (before_s + after_s) / 2
    print(
        f"{days:g} days of 1m candles, {fills[0]} fills: MarketMaking {ours_s:.1f} s, answers looked up "
        f"{before_s:.1f} and {after_s:.1f} s; ratio {ours_s / baseline_s:.2f}"
    )


def _history(minutes: int) -> pa.Table:
    """A calibration a minute, no two of them alike."""
    table, random = history(minutes), np.random.default_rng(1)
    for name in ("fill_decay_buy", "fill_decay_sell", "fill_intensity_buy", "fill_intensity_sell"):
        varied = pa.array(table[name].to_numpy() * random.uniform(0.8, 1.2, minutes))
        table = table.set_column(table.schema.get_field_index(name), name, varied)
    return table


def _file_of(strategy: str) -> str:
    """Source of a strategy file; Freqtrade wants the class named in it."""
    return f"import recorded_answers\n\n\nclass {strategy}(recorded_answers.{strategy}):\n    pass\n"


def _run(strategy: str, url: str, folder: Path) -> tuple[float, tuple[int, float]]:
    """Seconds of processor time of the backtest without loading and reporting; number and total profit of its fills."""
    private = folder / "private.json"
    # A maker loses on a random walk, and a bankrupt one has no fills: the wallet lasts for all days.
    extra: dict[str, Any] = {"dry_run": True, "dry_run_wallet": 1e6, "fee": 0.00015}
    extra |= {"export": "none", "dataformat_ohlcv": "feather"}
    private.write_bytes(orjson.dumps(merged(live_config(url, folder), extra)))
    arguments: dict[str, Any] = {
        "config": [str(ROOT / "user_data" / "config.json"), str(private)],
        "user_data_dir": str(ROOT / "user_data"),
        "datadir": str(folder / "data"),
        "strategy": strategy,
        "strategy_path": str(folder),
    }
    backtesting = Backtesting(Configuration(arguments, RunMode.BACKTEST).get_config())
    try:
        loaded, period = backtesting.load_bt_data()
        began = time.thread_time()
        backtesting.backtest_one_strategy(backtesting.strategylist[0], loaded, period)
        taken = time.thread_time() - began
        trades = backtesting.all_bt_content[strategy]["results"]
        return taken, (sum(map(len, trades["orders"])), round(float(trades["profit_abs"].sum()), 6))
    finally:
        Backtesting.cleanup()
        backtesting.exchange.close()


if __name__ == "__main__":
    main()
