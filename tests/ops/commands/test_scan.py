"""`mm scan` and the picture of `mm calibrate`, as typed."""

import json
import sys

import pytest
from click.testing import CliRunner

from market_making.ops.command_line import main
from market_making.simulation.presets import default_truths, toxic_truth
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.markets.prehistory import write_prehistory

END_MS = 1_757_030_400_000
SECONDS = 1_200.0
CONTRACT = {"coin", "net_per_hour", "low", "high", "break_even_fee_bps", "toxicity", "state", "reason"}
NUMBERS = CONTRACT - {"coin", "state", "reason"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Twenty minutes of a coin that pays and of one that cannot, as a collector would have recorded them."""
    root = tmp_path_factory.mktemp("store")
    source = SimulatedSource([*default_truths(["ETH"]), toxic_truth("SOL")], seed=4)
    write_prehistory(source, root, end_ms=END_MS, seconds=SECONDS)
    return root


@pytest.fixture
def mm(tmp_path, monkeypatch):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    return lambda *words: runner.invoke(main, [str(word) for word in words])


def scanned(result):
    """The document on standard output, coins by name."""
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    return document, {coin["coin"]: coin for coin in document["coins"]}


def test_a_scan_of_recorded_coins_recommends_one_and_refuses_the_other(mm, store, tmp_path):
    """Best first, with every promised key, and nothing written."""
    document, coins = scanned(mm("scan", "--data", store, "--json"))
    assert [coin["coin"] for coin in document["coins"]] == ["ETH", "SOL"]
    assert all(coin.keys() >= CONTRACT for coin in coins.values())
    assert (coins["ETH"]["state"], coins["SOL"]["state"]) == ("quote", "pause")
    assert 0 < coins["ETH"]["low"] < coins["ETH"]["net_per_hour"] < coins["ETH"]["high"]
    assert coins["SOL"]["high"] < 0
    assert coins["SOL"]["reason"].startswith("toxic")
    assert list(tmp_path.iterdir()) == []


def test_published_parameters_give_nearly_the_same_scan(mm, store, tmp_path):
    """From files written moments ago, by folder or by the configuration's default."""
    folder = tmp_path / "user_data" / "parameters"
    for coin in ("ETH", "SOL"):
        assert mm("calibrate", "--once", "--coin", coin, "--data", store, "--out", folder).exit_code == 0
    _, recorded = scanned(mm("scan", "--data", store, "--json"))
    for words in (("--parameters", folder), ()):
        _, published = scanned(mm("scan", *words, "--json"))
        assert published["ETH"]["net_per_hour"] == pytest.approx(recorded["ETH"]["net_per_hour"], rel=0.02)
        assert "expired" in published["ETH"]["reason"]
        assert published["ETH"]["refused"]


def test_the_users_fee_decides(mm, store):
    """A fee above the break-even fee refuses the coin, a lower one earns more."""
    _, base = scanned(mm("scan", "--data", store, "--json"))
    end = base["ETH"]["break_even_fee_bps"]
    document, dear = scanned(mm("scan", "--data", store, "--fee", end + 0.1, "--json"))
    assert document["fee_bps"] == pytest.approx(end + 0.1)
    assert dear["ETH"]["refused"]
    _, cheap = scanned(mm("scan", "--data", store, "--fee", "0.2", "--json"))
    assert cheap["ETH"]["net_per_hour"] > base["ETH"]["net_per_hour"]
    _, demanding = scanned(mm("scan", "--data", store, "--minimum", "1000", "--json"))
    assert "it must earn 1000.00" in demanding["ETH"]["reason"]


def test_chosen_coins_only(mm, store):
    """`--coin` narrows the scan; a coin that is not there is listed, not hidden."""
    _, coins = scanned(mm("scan", "--data", store, "--coin", "ETH", "--coin", "NOPE", "--json"))
    assert set(coins) == {"ETH", "NOPE"}
    assert {name: coins["NOPE"][name] for name in NUMBERS} == dict.fromkeys(NUMBERS)
    assert coins["NOPE"]["state"] == "pause"
    assert "NOPE" in coins["NOPE"]["reason"]


def test_people_read_two_tables(mm, store):
    """What pays with its numbers, what does not with its reason; units survive the formatting."""
    result = mm("scan", "--data", store)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "1 worth quoting" in text
    assert "1 refused" in text
    assert "at each market's own maker fee" in text
    assert "1.50" in text
    assert "[bps]" in text
    assert "toxic" in text


@pytest.mark.parametrize("words", [(), ("--data", "nowhere"), ("--parameters", "nowhere")])
def test_nothing_to_scan_is_status_3(mm, words):
    """And says where it looked."""
    result = mm("scan", *words)
    assert result.exit_code == 3
    assert "0 coins" in result.stderr


def test_no_coin_that_can_be_judged_is_status_3_with_the_list(mm, store):
    """The reasons are printed all the same."""
    result = mm("scan", "--data", store, "--coin", "NOPE", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["coins"][0]["coin"] == "NOPE"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("scan", "--data", "a", "--parameters", "b"), "either --data or --parameters"),
        (("scan", "--fee", "200"), "--fee"),
        (("scan", "--minimum", "-1"), "--minimum"),
        (("calibrate", "--coin", "ETH", "--plot", "x.png"), "--once"),
        (("calibrate", "--once", "--coin", "ETH", "--coin", "SOL", "--plot", "x.png"), "one with --coin"),
    ],
)
def test_wrong_use_is_status_2_and_says_what_to_do(mm, words, said):
    """Before any work is done."""
    result = mm(*words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_pictures_are_drawn_on_demand(mm, store, tmp_path):
    """Of a ranking and of a calibration, beside their usual output."""
    pytest.importorskip("matplotlib", reason="pictures need the extra `plot`")
    scanned(mm("scan", "--data", store, "--plot", "scan.png", "--json"))
    result = mm("calibrate", "--once", "--coin", "ETH", "--data", store, "--out", "out", "--plot", "eth.png", "--json")
    assert json.loads(result.stdout)["coin"] == "ETH"
    for name in ("scan.png", "eth.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_a_picture_is_refused_with_what_to_install(mm, store, monkeypatch):
    """Everything else works without it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.startswith("calibration.plots")]:
        monkeypatch.delitem(sys.modules, name)
    result = mm("scan", "--data", store, "--plot", "scan.png")
    assert result.exit_code == 2
    assert "[plot]" in result.stderr
