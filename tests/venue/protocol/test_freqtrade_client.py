"""Stock Freqtrade trades on the local venue, live with a throw-away key and as a dry run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from market_making.venue.config import AccountConfig, VenueConfig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

STRATEGY = '''
from freqtrade.strategy import IStrategy


class InAndOut(IStrategy):
    """Buys at the best bid, sells at the best ask, at once again."""

    timeframe = "1m"
    minimal_roi = {}
    stoploss = -0.1
    process_only_new_candles = False

    def bot_start(self, **kwargs):
        if self.config["runmode"].value == "live":
            self.order_time_in_force = {"entry": "ALO", "exit": "ALO"}

    def bot_loop_start(self, **kwargs):
        self.unlock_reason("Auto lock")

    def leverage(self, *args, **kwargs):
        return 2.0

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe

    def custom_exit(self, pair, trade, *args, **kwargs):
        return "out"
'''
TOUCH = {"price_side": "same", "use_order_book": True, "order_book_top": 1}


def configuration(base_url: str, key: Any, **changes: Any) -> dict[str, Any]:
    """The smallest configuration Freqtrade accepts, with the venue's address in the place of the exchange's."""
    api = {"public": base_url, "private": base_url, "ws": {"public": base_url.replace("http", "ws") + "/ws"}}
    return {
        "max_open_trades": 1, "stake_currency": "USDC", "stake_amount": 200, "dry_run": False,
        "trading_mode": "futures", "margin_mode": "isolated", "cancel_open_orders_on_exit": True,
        "entry_pricing": TOUCH, "exit_pricing": TOUCH, "pairlists": [{"method": "StaticPairList"}],
        "internals": {"process_throttle_secs": 1}, "bot_name": "test", "initial_state": "running",
        "exchange": {
            "name": "hyperliquid", "walletAddress": key.address, "privateKey": "0x" + key.key.hex().removeprefix("0x"),
            "pair_whitelist": ["ETH/USDC:USDC"], "ccxt_config": {"rateLimit": 2, "urls": {"api": api}},
        },
        **changes,
    }  # fmt: skip


@contextmanager
def freqtrade(folder: Path, settings: dict[str, Any]) -> Iterator[Path]:
    """Run the program in a folder; yield its log file."""
    strategies = folder / "user_data" / "strategies"
    strategies.mkdir(parents=True)
    (strategies / "InAndOut.py").write_text(STRATEGY)
    (folder / "config.json").write_text(json.dumps(settings))
    program = [sys.executable, "-m", "freqtrade", "trade", "--config", "config.json", "--userdir", "user_data"]
    log = folder / "log"
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "COLUMNS": "1000"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [*program, "--strategy", "InAndOut", "--db-url", "sqlite://"],
            cwd=folder, stdout=output, stderr=output, env=environment,
        )  # fmt: skip
        try:
            yield log
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def wait_until(condition: Any, log: Path, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text()[-4000:]
        time.sleep(0.2)


def must_be_calm(log: Path) -> None:
    """No error so far. (Once it is told to end, the program may be interrupted in the midst of a request.)"""
    text = log.read_text()
    assert "Traceback" not in text, text[text.index("Traceback") - 500 :]
    assert " - ERROR - " not in text, text[text.index(" - ERROR - ") - 500 :]


@pytest.mark.parametrize("abstraction", ["default", "unifiedAccount"])
def test_stock_freqtrade_trades_live(serve: Any, scripted: Any, keys: Any, tmp_path: Path, abstraction: str):
    """From an empty folder: start, post-only entry, fill, post-only exit, fill, again; nothing is left at the end."""
    key = keys[0]
    settings = VenueConfig(accounts=(AccountConfig(key.address),), history_s=180.0, abstraction=abstraction)
    with serve(settings, scripted()) as base_url:

        def audit() -> dict[str, Any]:
            return requests.get(f"{base_url}/audit", params={"user": key.address}, timeout=5).json()

        with freqtrade(tmp_path, configuration(base_url, key)) as log:
            wait_until(lambda: audit()["round_trips"] >= 2, log)
            must_be_calm(log)
        report = audit()
    assert report["post_only_share"] == report["post_only_share_attempted"] == 1.0
    assert report["taker_fills"] == 0
    assert report["open_orders"] == 0
    assert report["approvals_asked"] == report["referrals_asked"] == 1


def test_stock_freqtrade_keeps_a_stop_on_the_exchange(serve: Any, scripted: Any, keys: Any, tmp_path: Path):
    """With stoploss_on_exchange a filled entry is followed by a trigger order that the venue keeps."""
    key = keys[0]
    order_types = {"entry": "limit", "exit": "limit", "stoploss": "limit", "stoploss_on_exchange": True}
    settings = VenueConfig(accounts=(AccountConfig(key.address),), history_s=180.0)
    with serve(settings, scripted()) as base_url:

        def stop_orders() -> int:
            report = requests.get(f"{base_url}/audit", params={"user": key.address}, timeout=5).json()
            return int(report["orders_by_tif"].get("trigger", 0))

        with freqtrade(tmp_path, configuration(base_url, key, order_types=order_types)) as log:
            wait_until(lambda: stop_orders() >= 1, log)
            must_be_calm(log)


def test_stock_freqtrade_runs_dry(serve: Any, scripted: Any, scripted_book: Any, keys: Any, tmp_path: Path):
    """A dry run enters and exits where the market comes to its orders, and never sends an action."""

    def swinging(start_ms: int) -> Iterator[Any]:
        for number in range(1_000):
            for coin, mid in (("BTC", 100_000.0), ("ETH", 3000.0 + number % 2)):
                yield scripted_book(coin, start_ms + 2_000 * number, mid=mid)

    key = keys[0]
    # An order at the far end of the swing is never reached, so it is given up and tried again.
    patience = {"entry": 5, "exit": 5, "unit": "seconds"}
    dry = {"dry_run": True, "dry_run_wallet": 1000, "unfilledtimeout": patience}
    settings = VenueConfig(accounts=(AccountConfig(key.address),), history_s=180.0)
    with serve(settings, scripted(swinging)) as base_url:
        with freqtrade(tmp_path, configuration(base_url, key, **dry)) as log:
            wait_until(lambda: "'type': exit_fill" in log.read_text(), log)
            must_be_calm(log)
        report = requests.get(f"{base_url}/audit", params={"user": key.address}, timeout=5).json()
    assert report["actions"] == 0
