"""The `market_making` section: defaults, refusals that name the key, and Freqtrade's way of merging files."""

import json
import re
from pathlib import Path

import pytest

from market_making.market.errors import ConfigurationError
from market_making.market.names import perpetual_names
from market_making.settings.settings import Settings


def write(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_an_empty_section_means_all_defaults():
    """A user who configures nothing gets valid settings."""
    assert Settings.from_section({}) == Settings()


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"model": {"maximum_inventory": 0}}, "model.maximum_inventory"),
        ({"model": {"maker_fee": "much"}}, "model.maker_fee"),
        ({"model": {"maker_fee": float("nan")}}, "model.maker_fee"),
        ({"quote": {"tolerence_bps": 1}}, "quote.tolerence_bps"),
        ({"sides": "both"}, "sides"),
        ({"calibration": {"period_s": -1}}, "calibration.period_s"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_was_seen(section, key):
    """The message names the offending key and the value seen."""
    with pytest.raises(ConfigurationError, match=r"market_making\." + key) as caught:
        Settings.from_section(section)
    assert re.search(f"{key}.* (must be .*, got |did you mean )", str(caught.value))


def test_default_paths_follow_freqtrades_folder_and_configured_ones_do_not():
    """Wherever `--userdir` is; a path that somebody wrote is taken as it is, also the default's own."""
    folder = Path("/srv/bot/user_data")
    section = {"parameters": "elsewhere", "legs": "user_data/legs", "risk": {"daily_loss": 9}}
    settings = Settings.from_freqtrade({"user_data_dir": folder, "market_making": section})
    assert (settings.parameters, settings.legs) == (Path("elsewhere"), Path("user_data/legs"))
    moved = (settings.market_data, settings.decisions, settings.state, settings.risk.state)
    assert moved == tuple(folder / name for name in ("market_data", "logs/decisions", "state", "risk"))
    assert settings.risk.daily_loss == 9
    assert Settings.from_freqtrade({}) == Settings()


def test_a_fee_that_was_not_configured_stays_so_when_paths_move():
    """Who asks the exchange for a fee looks at what was configured."""
    folder = Path("/srv")
    assert not Settings.from_section({}, user_data=folder).has_own_fee
    assert Settings.from_section({"model": {"maker_fee": 0.0}}, user_data=folder).has_own_fee


def test_the_folder_of_a_file_gives_way_to_the_one_that_is_asked_for(tmp_path):
    """As Freqtrade does with ``user_data_dir`` and ``--userdir``."""
    path = write(tmp_path / "c.json", {"user_data_dir": "/a"})
    assert Settings.from_files([path]).parameters == Path("/a/parameters")
    assert Settings.from_files([path], Path("/b")).parameters == Path("/b/parameters")


def test_a_misspelt_section_is_not_passed_over():
    """All defaults would hold, without a word."""
    with pytest.raises(ConfigurationError, match=r"unknown key market-making, did you mean market_making\?"):
        Settings.from_freqtrade({"market-making": {}})
    assert Settings.from_freqtrade({"margin_mode": "isolated", "bot_name": "market_making"}) == Settings()


def test_bounds_that_contradict_each_other_are_refused():
    """A smallest half-spread above the largest cannot be quoted."""
    with pytest.raises(ConfigurationError, match="must not be above"):
        Settings.from_section({"quote": {"minimum_half_spread_bps": 9, "maximum_half_spread_bps": 3}})


def test_later_files_win_and_untouched_keys_stay(tmp_path):
    """Files merge deeply, as Freqtrade merges them."""
    base = write(tmp_path / "a.json", {"market_making": {"quote": {"tolerance_bps": 3, "minimum_life_s": 7}}})
    over = write(tmp_path / "b.json", {"market_making": {"quote": {"tolerance_bps": 1}}})
    merged = Settings.from_files([base, over]).quote
    assert (merged.tolerance_bps, merged.minimum_life_s) == (1, 7)


def test_a_file_wins_over_the_files_it_includes(tmp_path):
    """`add_config_files` lie under the file that names them."""
    write(tmp_path / "base.json", {"market_making": {"venue": "base", "url": "http://base"}})
    top = write(tmp_path / "top.json", {"add_config_files": ["base.json"], "market_making": {"venue": "top"}})
    settings = Settings.from_files([top])
    assert (settings.venue, settings.url) == ("top", "http://base")


def test_a_loop_of_includes_is_refused(tmp_path):
    """Two files that include each other end in an error, not in a hang."""
    write(tmp_path / "a.json", {"add_config_files": ["b.json"]})
    write(tmp_path / "b.json", {"add_config_files": ["a.json"]})
    with pytest.raises(ConfigurationError, match="loop"):
        Settings.from_files([tmp_path / "a.json"])


LISTED = [perpetual_names(coin) for coin in ("ETH", "kPEPE", "BTC", "kBONK")]
LISTS = {
    "pairs": ({"pair_whitelist": ["ETH/USDC:USDC", "KPEPE/USDC:USDC"]}, {}, ["ETH", "kPEPE"]),
    "expression": ({"pair_whitelist": ["K.*/USDC:USDC"]}, {}, ["kPEPE", "kBONK"]),
    "small letters": ({"pair_whitelist": ["k(pepe|bonk)/usdc:usdc"]}, {}, ["kPEPE", "kBONK"]),
    "blacklist": ({"pair_whitelist": [".*"], "pair_blacklist": ["K.*/.*", "BTC/USDC:USDC"]}, {}, ["ETH"]),
    "one is unknown": ({"pair_whitelist": ["OLD/USDC:USDC", "(broken", "ETH/USDC:USDC"]}, {}, ["ETH"]),
    "made by Freqtrade": (
        {"pair_blacklist": ["ETH/USDC:USDC"]},
        {"pairlists": [{"method": "VolumePairList"}], "stake_currency": "USDC", "trading_mode": "futures"},
        ["kPEPE", "BTC", "kBONK"],
    ),
    "of another currency": (
        {},
        {"pairlists": [{"method": "VolumePairList"}], "stake_currency": "USDT", "trading_mode": "futures"},
        [],
    ),
    "coins go first": (
        {"pair_whitelist": ["ETH/USDC:USDC"]},
        {"market_making": {"coins": ["kBONK", "BTC/USDC:USDC"]}},
        ["kBONK", "BTC"],
    ),
}


@pytest.mark.parametrize(("exchange", "config", "chosen"), LISTS.values(), ids=LISTS)
def test_the_pair_lists_of_freqtrade_name_the_coins(tmp_path, exchange, config, chosen):
    """Without `coins`, the sidecars take the markets that the bot may trade; none that is not listed stops them."""
    selection = Settings.from_files([write(tmp_path / "c.json", config | {"exchange": exchange})]).selection
    assert [names.wire for names in selection.choose(LISTED).chosen] == chosen


def test_comments_and_trailing_commas_are_read_as_freqtrade_reads_them(tmp_path):
    """The two programs accept the same dialect of JSON."""
    path = write(tmp_path / "c.json", '{"market_making": {"venue": "x", /* why */ },}')
    assert Settings.from_files([path]).venue == "x"


def test_a_mistake_in_a_file_is_found_by_its_line(tmp_path):
    """Letters of more than one byte before it do not shift it."""
    path = write(tmp_path / "c.json", '{\n  "naïve": "€€€€€€€€",\n  "a": 1\n  "b": 2\n}\n')
    with pytest.raises(ConfigurationError, match=r"c\.json is not valid JSON: line 4: Missing a comma"):
        Settings.from_files([path])


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_is_no_configuration_is_refused_by_name(tmp_path, text):
    """The message names the file."""
    path = write(tmp_path / "c.json", text)
    with pytest.raises(ConfigurationError, match=r"c\.json"):
        Settings.from_files([path])
