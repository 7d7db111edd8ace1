"""A configuration that takes away what the strategy relies on is refused at start, in one clear sentence."""

import os
import socket
from contextlib import closing

import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.exceptions import ConfigurationError
from freqtrade.resolvers import StrategyResolver

from market_making.trading.freqtrade.promises import PROMISES, misplaced_keys
from tests.live_bot import ROOT, merged

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
USER_DATA = ROOT / "user_data"
SECRET = "ab" * 32


@pytest.fixture
def load(tmp_path):
    """Load the strategy as Freqtrade does when it starts, with changes on top of the shipped configuration."""

    def loading(changes, runmode=RunMode.DRY_RUN):
        arguments = {
            "config": [str(USER_DATA / "config.json")],
            "user_data_dir": str(USER_DATA),
            "strategy": "MarketMaking",
        }
        config = Configuration(arguments, runmode).get_config()
        folders = {"state": str(tmp_path / "s"), "decisions": str(tmp_path / "d"), "risk": {"state": str(tmp_path)}}
        return StrategyResolver.load_strategy(merged(merged(config, {"market_making": folders}), changes))

    return loading


BROKEN = {
    "position_adjustment_enable": {"position_adjustment_enable": False},
    "max_entry_position_adjustment": {"max_entry_position_adjustment": 3},
    "process_only_new_candles": {"process_only_new_candles": True},
    "order_types.entry": {"order_types": {"entry": "market", "exit": "limit", "stoploss": "market"}},
    "order_types.exit": {"order_types": {"entry": "limit", "exit": "market", "stoploss": "market"}},
    "unfilledtimeout.exit_timeout_count": {"unfilledtimeout": {"entry": 10, "exit": 10, "exit_timeout_count": 3}},
    "cancel_open_orders_on_exit": {"cancel_open_orders_on_exit": False},
    "entry_pricing.price_side": {"entry_pricing": {"price_side": "other"}},
    "exit_pricing.price_side": {"exit_pricing": {"price_side": "other"}},
    "entry_pricing.use_order_book": {"entry_pricing": {"use_order_book": False}},
    "exit_pricing.use_order_book": {"exit_pricing": {"use_order_book": False}},
    "entry_pricing.order_book_top": {"entry_pricing": {"order_book_top": 3}},
    "exit_pricing.order_book_top": {"exit_pricing": {"order_book_top": 3}},
    "entry_pricing.check_depth_of_market.enabled": {"entry_pricing": {"check_depth_of_market": {"enabled": True}}},
    "ignore_buying_expired_candle_after": {"ignore_buying_expired_candle_after": 10},
    "internals.process_throttle_secs": {"internals": {"process_throttle_secs": 30}},
}
UNFIT = {
    "custom_price_max_distance_ratio": {"custom_price_max_distance_ratio": 0.001},
    "unfilledtimeout.entry": {"unfilledtimeout": {"entry": 5, "exit": 900, "unit": "seconds"}},
    "market_making.model.order_notional": {"market_making": {"leverage": 3}},
    "stoploss": {"stoploss": -1.0},
    "exchange.pair_whitelist": {"exchange": {"pair_whitelist": []}},
    "db_url": {"db_url": "sqlite:///nowhere/trades.sqlite"},
    "max_open_trades": {"exchange": {"pair_whitelist": ["ETH/USDC:USDC", "BTC/USDC:USDC"]}},
}


def test_every_promise_has_a_case():
    """No promise is listed that nobody has seen broken."""
    assert {promise.key for promise in PROMISES} == set(BROKEN)


@pytest.mark.parametrize("key", [*BROKEN, *UNFIT])
def test_a_broken_promise_is_refused_with_its_key(key, load):
    """The refusal names the key, what is needed and what was seen."""
    with pytest.raises(ConfigurationError, match=f"^{key.replace('.', r'[.]')}.* (must|lie) .*got"):
        load((BROKEN | UNFIT)[key])


@pytest.mark.parametrize(
    ("address", "key", "names"),
    [
        ("0x" + "0" * 40, SECRET, ["exchange.walletAddress"]),
        ("0x12", "0x" + SECRET, ["exchange.walletAddress"]),
        ("0x" + "12" * 20, "0x…", ["exchange.privateKey"]),
        ("0x" + "12" * 20, SECRET[:-1], ["exchange.privateKey"]),
        (None, None, ["exchange.walletAddress", "exchange.privateKey"]),
        ("0x" + "12" * 20, SECRET, []),
    ],
)
def test_placeholders_and_malformed_keys_are_refused_without_showing_them(address, key, names):
    """Each wrong one is named, none is shown."""
    told = list(misplaced_keys(address, key))
    assert [text.split(" ", 1)[0] for text in told] == names
    assert not any(SECRET[:-1] in text for text in told)


@pytest.mark.parametrize(
    "changes",
    [
        {"trailing_stop": True, "trailing_stop_positive": 0.02},
        {"minimal_roi": {"0": 0.1}},
        {"margin_mode": "cross"},
        {"order_types": {"entry": "limit", "exit": "limit", "stoploss": "market", "stoploss_on_exchange": True}},
        {"stake_amount": 50},
        {"timeframe": "5m"},
        {"max_open_trades": 5},
    ],
)
def test_harmless_settings_stay_the_users(changes, load):
    """What breaks no promise is accepted."""
    assert load(changes) is not None


def test_a_taken_port_is_refused(load):
    """Freqtrade would wait for it for ever; a free one is accepted."""
    server = {"enabled": True, "listen_ip_address": "127.0.0.1", "username": "a", "password": "b"}
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"api_server.listen_port must be free, got {port}"):
            load({"api_server": server | {"listen_port": port}})
    load({"api_server": server | {"listen_port": port}})


def test_a_folder_that_cannot_be_written_is_refused(load, tmp_path):
    """A file in its place is found before any order; so is a folder without permission for who is not root."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        load({"market_making": {"state": str(tmp_path / "file" / "state")}})
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(ConfigurationError, match="cannot be written"):
            load({"market_making": {"state": str(tmp_path / "locked")}})


def test_a_backtest_needs_neither_port_nor_folders(load):
    """Only a bot that trades is held to its surroundings."""
    assert load({"exchange": {"pair_whitelist": []}}, RunMode.BACKTEST) is not None
