"""The configuration that a demo writes is one that the bot accepts."""

from pathlib import Path

import pytest

from market_making.ops.demo.files import ApiAccess, Credentials, DemoFiles, write_config
from market_making.settings.files import load_all

USER_DATA = Path(__file__).resolve().parents[3] / "user_data"


@pytest.mark.parametrize("coins", [("ETH",), ("ETH", "BTC", "SOL")])
def test_every_coin_of_a_demo_has_room_for_its_trade(tmp_path, coins):
    """The bot refuses to start with more pairs than trades it may open."""
    files = DemoFiles.create(tmp_path / "demo", "1")
    write_config(files, Credentials.throw_away(), coins, ApiAccess("http://127.0.0.1:1", 2))
    config = load_all([USER_DATA / "config.json", USER_DATA / "config-demo.json", files.config])
    assert len(config["exchange"]["pair_whitelist"]) == len(coins)
    assert config["max_open_trades"] == len(coins)
