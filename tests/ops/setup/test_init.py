"""`mm init` writes a bot that Freqtrade and `mm` take as it is, and changes nothing that was there."""

import json
import stat
from pathlib import Path

import ccxt.pro
import pytest
from click.testing import CliRunner
from eth_account import Account
from freqtrade.configuration import Configuration

from market_making.market.identity import Dex, Market, Markets
from market_making.market.instrument import Listing
from market_making.ops.command_line import main
from market_making.ops.setup import markets as setup_markets
from market_making.settings.explanation import fields_of
from market_making.settings.files import load_all
from market_making.settings.settings import Settings
from market_making.simulation.known_markets import market_called

ADDRESS = "0x" + "a5" * 20


def init(folder: Path, *words: str, answers: str | None = None, environment: dict[str, str] | None = None):
    """Run the command on a folder."""
    return CliRunner().invoke(main, ["init", "--userdir", str(folder), *words], input=answers, env=environment)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_freqtrade_reads_one_file_and_the_bot_runs_dry(tmp_path):
    """Base, private file and the bot's own are merged, and the later wins."""
    assert init(tmp_path, "--yes", "--size", "50", "--bound", "2", "--coin", "BTC").exit_code == 0
    config = Configuration.from_files([str(tmp_path / "bot-btc.json")])
    assert config["dry_run"] is True
    assert config["strategy"] == "MarketMaking"
    assert config["exchange"]["pair_whitelist"] == ["BTC/USDC:USDC"]
    assert config["market_making"]["model"]["order_notional"] == 50
    assert config["cancel_open_orders_on_exit"] is True  # from the base
    settings = Settings.from_files([tmp_path / "bot-btc.json"], tmp_path)
    assert (settings.selection.wanted, settings.model.maximum_inventory) == (("BTC/USDC:USDC",), 2)


def test_every_setting_is_written_with_its_own_description(tmp_path):
    """The comment above a key is the text of the reference page."""
    init(tmp_path, "--yes")
    text = (tmp_path / "bot-eth.json").read_text()
    for field in fields_of(Settings):
        if field.key in {"model.order_notional", "model.maximum_inventory", "risk.daily_loss", "sides", "leverage"}:
            assert f"// {field.description}." in text


def test_secrets_are_new_and_only_their_owner_reads_them(tmp_path):
    """No two bots share a password; the public file holds none."""
    key = Account.create().key.hex()
    for name in ("one", "two"):
        words = ("--yes", "--name", name, "--live", "--account", ADDRESS)
        assert init(tmp_path, *words, environment={"MM_PRIVATE_KEY": key}).exit_code == 0
    first, second = (load_all([tmp_path / f"bot-{name}.private.json"]) for name in ("one", "two"))
    assert stat.S_IMODE((tmp_path / "bot-one.private.json").stat().st_mode) == 0o600
    assert first["exchange"] == {"walletAddress": ADDRESS, "privateKey": key}
    for name in ("password", "jwt_secret_key", "ws_token"):
        assert len(first["api_server"][name]) >= 32
        assert first["api_server"][name] != second["api_server"][name]
    public = (tmp_path / "bot-one.json").read_text()
    assert not any(secret in public for secret in (key, ADDRESS, first["api_server"]["password"]))


def test_bots_of_one_folder_share_neither_port_nor_database(tmp_path):
    """Nor do the two modes of one bot."""
    init(tmp_path, "--yes")
    init(tmp_path, "--yes", "--name", "second")
    init(tmp_path, "--yes", "--name", "third", "--live", "--account", ADDRESS)
    bots = [load_all([tmp_path / f"bot-{name}.json"]) for name in ("eth", "second", "third")]
    assert len({bot["api_server"]["listen_port"] for bot in bots}) == 3
    assert {bot["api_server"]["listen_ip_address"] for bot in bots} == {"127.0.0.1"}
    names = ["eth.dry-run", "second.dry-run", "third.live"]
    assert [bot["db_url"] for bot in bots] == [f"sqlite:///{tmp_path}/bot-{name}.sqlite" for name in names]


def test_a_folder_that_exists_keeps_all_it_has(tmp_path):
    """A user's own configuration and strategies are not changed; what is missing is added and named."""
    (tmp_path / "strategies").mkdir()
    (tmp_path / "config.json").write_text('{"stake_currency": "USDT"}')
    (tmp_path / "strategies" / "Glft.py").write_text("# mine\n")
    (tmp_path / "strategies" / "Own.py").write_text("# mine too\n")
    before = contents(tmp_path)
    result = init(tmp_path, "--yes", "--json")
    told = json.loads(result.output)
    after = contents(tmp_path)
    assert {name: after[name] for name in before} == before
    assert {str(tmp_path / name) for name in after.keys() - before.keys()} == set(told["written"])
    assert told["kept"] == [str(tmp_path / "strategies" / "Glft.py")]
    assert load_all([tmp_path / "bot-eth.json"])["stake_currency"] == "USDC"  # stands on a base of its own


def test_a_second_bot_of_the_same_name_is_refused_and_the_first_stays(tmp_path):
    """Status 2 and the way out."""
    init(tmp_path, "--yes")
    before = contents(tmp_path)
    result = init(tmp_path, "--yes")
    assert result.exit_code == 2
    assert "bot-eth.json exists, remove it or choose another name with --name" in result.output
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--size", "-5"], "market_making.model.order_notional must be positive, got -5"),
        (["--size", "5"], "the order size must be at least 13 at leverage 1, got 5"),
        (["--bound", "2000"], "market_making.model.maximum_inventory must be a whole number between 1 and 1000"),
        (["--leverage", "x"], 'market_making.leverage must be a number between 1 and 10, got "x"'),
        (["--leverage", "3"], "the order size must be at least 120 at leverage 3, got 100"),
        (["--sides", "both"], "market_making.sides must be one of long_only"),
        (["--variant", "Glftt"], "unknown strategy 'Glftt', did you mean Glft?"),
        (
            ["--coin", "ETH-PERP"],
            "a coin must be a perpetual such as ETH, kPEPE or xyz:NVDA, or a pair of spot such as",
        ),
        (["--coin", "ETH", "--coin", "HYPE/USDC"], "one bot must trade perpetuals or spot, got both: ETH, HYPE/USDC"),
        (["--coin", "ETH", "--coin", "ETH"], "each coin must be named once"),
        (
            ["--coin", "HYPE/USDC", "--sides", "alternate"],
            "on spot sides must be long_only and leverage 1, got alternate",
        ),
        (["--name", "../up"], "the name must be up to 40 lower-case letters, digits and hyphens"),
        (["--live"], "a live bot must have an account"),
        (["--account", "0x12"], "market_making.account must be 0x and 40 hexadecimal digits"),
        (["--telegram", "7"], "--telegram needs a token"),
    ],
)
def test_nonsense_is_refused_with_what_is_accepted_and_nothing_is_written(tmp_path, words, said):
    """Status 2."""
    result = init(tmp_path / "new", "--yes", *words)
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "new").exists()


def test_a_strategy_of_ones_own_is_known_where_it_lies(tmp_path):
    """As one of the nine is; docs/adding-a-variant.md says so."""
    own = tmp_path / "strategies" / "FixedSpread.py"
    own.parent.mkdir()
    own.write_text("class FixedSpread: ...")
    assert init(tmp_path, "--yes", "--variant", "FixedSpread").exit_code == 0
    assert load_all([tmp_path / "bot-eth.json"])["strategy"] == "FixedSpread"


def test_questions_are_asked_again_until_the_answer_is_accepted(tmp_path, monkeypatch):
    """On a terminal each question shows description, range and default."""
    monkeypatch.setattr("market_making.ops.commands.init.is_terminal", lambda: True)
    answers = ["BTC ETH", "Glft", "0", "80", "", "", "", "", "", "", "n", "", ""]
    result = init(tmp_path, answers="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert (
        "Value of one order, the lot in which inventory is counted [quote currency]: positive [100.0]" in result.output
    )
    assert "market_making.model.order_notional must be positive, got 0" in result.output
    config = load_all([tmp_path / "bot-btc.json"])
    assert (config["strategy"], config["market_making"]["model"]["order_notional"]) == ("Glft", 80)
    assert config["exchange"]["pair_whitelist"] == ["BTC/USDC:USDC", "ETH/USDC:USDC"]
    assert config["dry_run"] is True


def test_a_local_bot_writes_into_a_folder_of_its_own(tmp_path):
    """Prices of the local exchange never get into the tick store of the real one."""
    init(tmp_path, "--yes", "--venue", "--venue-port", "18099")
    settings = Settings.from_files([tmp_path / "bot-eth.json"], tmp_path)
    places = [settings.market_data, settings.parameters, settings.decisions, settings.legs, settings.state]
    assert {Path(place).parent for place in [*places, settings.risk.state]} == {tmp_path / "bot-eth"}
    assert settings.url == "http://127.0.0.1:18099"


def test_telegram_is_switched_on_with_its_token_in_the_private_file(tmp_path):
    """The rest of its section, which keeps moved orders quiet, comes from the base."""
    init(tmp_path, "--yes", "--telegram", "42", environment={"MM_TELEGRAM_TOKEN": "1:abc"})
    telegram = load_all([tmp_path / "bot-eth.json"])["telegram"]
    assert (telegram["enabled"], telegram["token"], telegram["chat_id"]) == (True, "1:abc", "42")
    assert telegram["notification_settings"]["entry"] == "off"
    assert "1:abc" not in (tmp_path / "bot-eth.json").read_text()


def test_a_bot_of_the_testnet_reaches_nothing_else(tmp_path):
    """ccxt's addresses, our own, and a folder apart: neither data nor orders meet those of the real exchange."""
    words = ("--yes", "--testnet", "--live", "--account", ADDRESS)
    assert init(tmp_path, *words, environment={"MM_PRIVATE_KEY": "ab" * 32}).exit_code == 0
    config = load_all([tmp_path / "bot-eth.json"])
    assert (config["exchange"]["walletAddress"], config["exchange"]["privateKey"]) == (ADDRESS, "ab" * 32)
    exchange = ccxt.pro.hyperliquid(config["exchange"]["ccxt_config"])
    assert exchange.options["builderFee"] is False  # from the base
    hosts = [exchange.urls["api"]["public"], exchange.urls["api"]["private"], exchange.urls["api"]["ws"]["public"]]
    assert all("hyperliquid-testnet" in host for host in hosts)
    settings = Settings.from_files([tmp_path / "bot-eth.json"], tmp_path)
    assert settings.url == hosts[0]
    assert Path(settings.market_data) == tmp_path / "bot-eth" / "market_data"
    assert init(tmp_path, "--yes", "--testnet", "--venue", "--name", "b").exit_code == 2


def test_a_bot_on_another_dex_names_the_dex_and_the_fee(tmp_path):
    """Freqtrade trades on no dex that is not named, ccxt loads only these, and the dry run is told the fee."""
    assert init(tmp_path, "--yes", "--venue", "--coin", "xyz:NVDA", "--coin", "BTC").exit_code == 0
    config = Configuration.from_files([str(tmp_path / "bot-xyz-nvda.json")])
    assert config["exchange"]["pair_whitelist"] == ["XYZ-NVDA/USDC:USDC", "BTC/USDC:USDC"]
    assert config["exchange"]["hip3_dexes"] == ["xyz"]
    options = config["exchange"]["ccxt_config"]["options"]
    assert options["fetchMarkets"] == {"types": ["swap", "hip3"], "hip3": {"limit": 1, "dexes": ["xyz"]}}
    assert options["builderFee"] is False  # from the base
    assert (config["trading_mode"], config["margin_mode"], config["fee"]) == ("futures", "isolated", 0.00015)
    text = (tmp_path / "bot-xyz-nvda.json").read_text()
    assert "// Freqtrade trades on no other dex, and ccxt loads no other." in text


def test_a_bot_on_spot_is_one(tmp_path):
    """By the pair's name, whatever the exchange calls its token."""
    assert init(tmp_path, "--yes", "--venue", "--coin", "BTC/USDC").exit_code == 0
    config = Configuration.from_files([str(tmp_path / "bot-btc-usdc.json")])
    assert config["exchange"]["pair_whitelist"] == ["BTC/USDC"]
    assert (config["trading_mode"], config["margin_mode"], config["fee"]) == ("spot", "", 0.0004)
    assert "hip3_dexes" not in config["exchange"]


def listing_of(monkeypatch, *markets):
    """Let the exchange list these, and nothing if there are none to list: it does not answer then."""

    async def listed(url):
        if not markets:
            raise TimeoutError
        return Markets(markets)

    monkeypatch.setattr(setup_markets, "_listed", listed)


def test_the_exchange_is_asked_about_other_markets_than_the_main_dexs(tmp_path, monkeypatch):
    """A growth-mode market has its own fee; what is not listed, or cannot be traded, is refused and not written."""
    usdh = Market.perpetual(Listing("flx:TSLA", 3), 0, Dex("flx", 2, "USDH"))
    listing_of(monkeypatch, market_called("xyz:NVDA"), market_called("HYPE/USDC"), usdh)
    assert init(tmp_path, "--yes", "--coin", "xyz:NVDA").exit_code == 0
    assert load_all([tmp_path / "bot-xyz-nvda.json"])["fee"] == 0.00003
    for coin, said in (("xyz:NVDIA", "xyz:NVDIA"), ("flx:TSLA", "its collateral is USDH"), ("PURR/USDC", "PURR/USDC")):
        result = init(tmp_path / "new", "--yes", "--coin", coin)
        assert (result.exit_code, said in result.output) == (2, True), result.output
    assert not (tmp_path / "new").exists()


def test_an_exchange_that_does_not_answer_keeps_nobody_from_a_configuration(tmp_path, monkeypatch, caplog):
    """Names are then taken as they are, no fee is said, and somebody is told."""
    listing_of(monkeypatch)
    assert init(tmp_path, "--yes", "--coin", "xyz:NVDA").exit_code == 0
    assert init(tmp_path, "--yes", "--coin", "HYPE/USDC").exit_code == 0
    perpetual, spot = (load_all([tmp_path / f"bot-{name}.json"]) for name in ("xyz-nvda", "hype-usdc"))
    assert perpetual["exchange"]["pair_whitelist"] == ["XYZ-NVDA/USDC:USDC"]
    assert perpetual["exchange"]["hip3_dexes"] == ["xyz"]
    assert spot["exchange"]["pair_whitelist"] == ["HYPE/USDC"]
    assert not {"fee"} & (perpetual.keys() | spot.keys())
    assert "names and fees are not checked" in caplog.text
