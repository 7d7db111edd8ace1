"""`mm venue --new-account` writes what a bot needs to trade on the local exchange."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from eth_account import Account

from market_making.market.errors import ConfigurationError
from market_making.ops.command_line import main
from market_making.ops.local_account import LocalFiles
from market_making.settings.files import load_all
from market_making.settings.settings import Settings

URL = "http://127.0.0.1:18080"


@pytest.fixture
def written(tmp_path):
    """The files of an account that may trade two coins."""
    files = LocalFiles(tmp_path / "local.json")
    files.write(URL, ("ETH", "BTC"), files.market_data)
    return files


def test_the_key_signs_for_the_address_and_only_its_owner_reads_it(written):
    """Mode 0600."""
    exchange = load_all([written.config])["exchange"]
    assert Account.from_key(exchange["privateKey"]).address == exchange["walletAddress"] == written.account.address
    assert stat.S_IMODE(written.config.stat().st_mode) == 0o600


def test_everything_points_at_the_local_exchange_and_into_its_own_folder(written):
    """Neither data nor trades get mixed with those of the real exchange."""
    config, settings = load_all([written.config]), Settings.from_files([written.config])
    assert config["exchange"]["ccxt_config"]["urls"]["api"]["public"] == settings.url == URL
    assert config["exchange"]["ccxt_config"]["urls"]["api"]["ws"]["public"] == "ws://127.0.0.1:18080/ws"
    assert (settings.coins, settings.account) == (("ETH", "BTC"), written.account.address)
    places = [settings.market_data, settings.parameters, settings.decisions, settings.legs, settings.state]
    assert {Path(place).parent for place in [*places, settings.risk.state]} == {written.folder}
    assert config["db_url"] == f"sqlite:///{written.folder}/trades.sqlite"


def test_what_exists_is_not_overwritten(written, tmp_path):
    """Neither the file nor the folder: two simulated markets in one tick store would be nonsense."""
    with pytest.raises(ConfigurationError, match=r"local\.json exists, remove it or choose another name"):
        LocalFiles(written.config)
    written.config.unlink()
    with pytest.raises(ConfigurationError, match="local exists, remove it"):
        LocalFiles(written.config)


def test_the_command_refuses_it_before_it_starts(tmp_path):
    """Status 2, and the file is left as it is."""
    (tmp_path / "mine.json").write_text(json.dumps({}))
    words = ["venue", "--simulate", "--coin", "ETH", "--new-account", str(tmp_path / "mine.json")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "mine.json exists" in result.stderr
    assert (tmp_path / "mine.json").read_text() == "{}"
