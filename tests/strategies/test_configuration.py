"""The committed configurations: what Freqtrade accepts, what the strategy reads from them, and no secret in them."""

import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RPCMessageType, RunMode
from freqtrade.exceptions import ConfigurationError
from freqtrade.loggers import _create_log_config
from freqtrade.resolvers import StrategyResolver
from freqtrade.rpc.telegram import Telegram

from market_making.settings.files import load_all
from market_making.settings.settings import Settings
from tests.live_bot import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
USER_DATA = ROOT / "user_data"
COMMITTED = sorted(path.name for path in USER_DATA.glob("config*.json") if path.name != "config-private.json")


def load(*names, runmode=RunMode.DRY_RUN, **changes):
    """The configuration as Freqtrade merges and checks it, and the strategy as it loads it."""
    arguments = {
        "config": [str(USER_DATA / name) for name in names],
        "user_data_dir": str(USER_DATA),
        "strategy": "MarketMaking",
    }
    config = Configuration(arguments, runmode).get_config()
    config["market_making"] = config.get("market_making", {}) | changes
    return StrategyResolver.load_strategy(config)


@pytest.mark.parametrize("name", [name for name in COMMITTED if name != "config.json"])
def test_every_configuration_is_accepted_on_top_of_the_first(name):
    """Freqtrade merges it, its schema and ours accept it, and the sidecars read the same settings."""
    strategy = load("config.json", name)
    assert Settings.from_files([USER_DATA / "config.json", USER_DATA / name]).sides == strategy.settings.sides


@pytest.mark.parametrize("name", COMMITTED)
def test_no_secret_is_committed(name):
    """Neither a key nor a password nor an open port stands in a committed file."""
    text = (USER_DATA / name).read_text()
    secret = '"(password|jwt_secret_key|ws_token|token)": "[^"…]'
    assert not re.search(rf"[0-9a-fA-F]{{64}}|{secret}|0\.0\.0\.0", text)
    assert set(re.findall(r"0x[0-9a-fA-F]{40}", text)) <= {"0x" + "0" * 40}


def test_the_first_configuration_is_a_dry_run():
    """Nobody trades money by accident."""
    assert load("config.json").config["dry_run"] is True


@pytest.mark.parametrize(
    ("kind", "loudness"),
    [
        ("entry", "off"),
        ("entry_cancel", "off"),
        ("exit", "off"),
        ("exit_cancel", "off"),
        ("entry_fill", "silent"),
        ("exit_fill", "silent"),
        ("strategy_msg", "on"),
        ("warning", "on"),
        ("status", "on"),
        ("protection_trigger", "on"),
    ],
)
def test_telegram_hears_of_fills_and_notices_and_not_of_every_moved_order(kind, loudness, tmp_path):
    """A user adds his token in a file of his own; Freqtrade's Telegram then has the settings of the first file."""
    own = tmp_path / "own.json"
    own.write_text('{"telegram": {"enabled": true, "token": "1:a", "chat_id": "2"}}')
    config = load("config.json", str(own)).config
    assert config["telegram"]["allow_custom_messages"] is True
    message = {"type": RPCMessageType(kind), "exit_reason": "leave-risk"}
    assert Telegram._message_loudness(SimpleNamespace(_config=config), message) == loudness


def test_every_bot_that_is_configured_here_has_a_database_of_its_own_by_name():
    """Freqtrade's commands refuse to guess one, and two bots in one file take each other's trades for their own."""
    names = (["config.json"], ["config.json", "config-private.example.json"])
    names += (["config.json", "config-long.json"], ["config.json", "config-short.json"])
    databases = [load_all([USER_DATA / file for file in files])["db_url"] for files in names]
    assert len(set(databases)) == len(names)
    assert all(database.startswith("sqlite:///user_data/") for database in databases)


def test_the_log_leaves_out_what_every_moved_order_says_and_nothing_else(tmp_path):
    """Chatty loggers speak from WARNING on; a log file that is asked for is written as without this setting."""
    config = load("config.json").config | {"logfile": str(tmp_path / "a.log")}
    logging_config = _create_log_config(config)
    assert logging_config["root"] == {"handlers": ["console", "file"], "level": "INFO"}
    quiet = {name for name, logger in logging_config["loggers"].items() if logger["level"] != "INFO"}
    chatty = ("freqtradebot", "rpc.rpc_manager", "rpc.telegram", "wallets")
    assert quiet == {f"freqtrade.{name}" for name in chatty}
    assert logging_config["disable_existing_loggers"] is False


def test_re_quotes_never_become_market_orders():
    """No number of cancelled exits makes a market order of the next; a bot that stops cancels what rests."""
    config = load("config.json").config
    assert config["unfilledtimeout"]["exit_timeout_count"] == 0
    assert config["cancel_open_orders_on_exit"] is True
    assert "adjust_order_price" not in vars(type(load("config.json")))


@pytest.mark.parametrize(
    ("sides", "can_short"), [("long_only", False), ("long_leg", True), ("short_leg", True), ("alternate", True)]
)
def test_the_configuration_decides_whether_shorts_are_allowed(sides, can_short):
    """`can_short` follows `market_making.sides`."""
    assert load("config.json", sides=sides).can_short is can_short


def test_binance_spot_is_a_matter_of_configuration():
    """The same class, long only, without leverage; a wish to go short is refused by Freqtrade itself."""
    strategy = load("config.json", "config-binance-spot.json")
    assert (strategy.can_short, strategy.settings.venue) == (False, "binance")
    with pytest.raises(ImportError, match="Short strategies cannot run in spot markets"):
        load("config.json", "config-binance-spot.json", sides="alternate")


def test_a_wrong_setting_is_named():
    """The error says which key, what was seen and what is accepted."""
    with pytest.raises(ConfigurationError, match=r"market_making\.sides.*both"):
        load("config.json", sides="both")


def test_every_strategy_is_listed():
    """`freqtrade list-strategies` finds every file and calls it OK."""
    command = [sys.executable, "-m", "freqtrade", "list-strategies", "--userdir", str(USER_DATA), "--no-color", "-1"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert set(listed) == {path.stem for path in (USER_DATA / "strategies").glob("*.py")}
