"""Programs that must write tell at the start who owns the folder and which command changes it."""

import json
import sqlite3

import pytest
from click.testing import CliRunner

from market_making.ops.command_line import main
from tests.puppet_market import ADDRESS, KEY


@pytest.mark.parametrize("words", [("stop",), ("guard",)], ids=" ".join)
def test_a_state_folder_of_another_user_is_refused_with_the_command_that_helps(folders, words):
    """Not with the bare words of the system; a kill switch that cannot be set is said as plainly."""
    foreign, own = folders
    database, config = own / "trades.sqlite", own / "config.json"
    sqlite3.connect(database).close()
    exchange = {"name": "hyperliquid", "walletAddress": ADDRESS, "privateKey": KEY}
    exchange |= {"pair_whitelist": ["ETH/USDC:USDC"]}
    section = {"state": str(foreign / "state")}
    bot = {"dry_run": False, "db_url": f"sqlite:///{database}", "exchange": exchange, "market_making": section}
    config.write_text(json.dumps(bot))
    ended = CliRunner().invoke(main, [*words, "-c", str(config)])
    assert ended.exit_code == 2, ended.output
    assert "sudo chown -R" in ended.output
