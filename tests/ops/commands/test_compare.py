"""`mm compare`, as typed."""

import json

import pytest
from click.testing import CliRunner

from market_making.ops.command_line import main
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.markets.prehistory import write_prehistory
from tests.ops.commands.test_replay import END_MS, USER_DATA


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Run `mm compare` over three minutes of a simulated market."""
    root, cache = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("cache")
    write_prehistory(SimulatedSource(default_truths(["ETH"]), seed=4), root, end_ms=END_MS, seconds=180.0)
    config = cache / "config.json"
    section = {"calibration": {"minimum_exposure_s": 60}, "quote": {"maximum_half_spread_bps": 3.0}}
    config.write_text(json.dumps({"market_making": section | {"sides": "alternate"}}))

    def run(*words):
        usual = ("--coin", "ETH", "--data", root, "-c", config, "--cache", cache, "--userdir", USER_DATA)
        return CliRunner().invoke(main, ["compare", *(str(word) for word in (*usual, *words))])

    return run


def test_variants_and_peers_stand_in_one_document_and_in_one_plot(compared, tmp_path):
    pytest.importorskip("matplotlib")
    plot = tmp_path / "c.png"
    makers = ("--strategy", "MarketMaking", "--strategy", "Glft", "--peer", "touch", "--peer", "fixed_spread")
    result = compared(*makers, "--json", "--plot", plot)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    rows = {row["name"]: row for row in document["rows"]}
    assert rows.keys() == {"MarketMaking", "Glft", "touch", "fixed_spread"}
    assert document["baseline"] == "MarketMaking"
    assert rows["MarketMaking"]["difference"] is None
    for row in rows.values():
        assert row.keys() >= {"name", "net_per_hour", "low", "high", "fills_per_hour", "verdict"}
    less = rows["touch"]["net_per_hour"] - rows["MarketMaking"]["net_per_hour"]
    assert rows["touch"]["difference"] == pytest.approx(less, abs=1e-9)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_every_maker_pays_the_fee_of_the_market(compared, tmp_path):
    free = tmp_path / "free.json"
    free.write_text(json.dumps({"market_making": {"model": {"maker_fees": {"ETH": 0.0}}}}))
    words = ("--strategy", "MarketMaking", "--peer", "touch", "--json")
    usual, promoted = (json.loads(compared(*words, *more).stdout)["rows"] for more in ((), ("-c", free)))
    assert min(row["fees_per_hour"] for row in usual if row["name"] == "touch") > 0
    assert {row["fees_per_hour"] for row in promoted} == {0.0}


def test_a_ladder_stands_beside_itself_with_all_of_its_levels(compared):
    words = ("--strategy", "LadderSpot", "--strategy", "LadderSpot:all-levels", "--peer", "none", "--json")
    document = json.loads(compared(*words).stdout)
    rows = {row["name"]: row for row in document["rows"]}
    assert document["baseline"] == "LadderSpot"
    assert rows.keys() == {"LadderSpot", "LadderSpot:all-levels"}
    full, one = rows["LadderSpot:all-levels"], rows["LadderSpot"]
    assert full["kind"] == "variant"
    assert full["difference"] == pytest.approx(full["net_per_hour"] - one["net_per_hour"], abs=1e-9)


def test_a_person_reads_a_table(compared):
    result = compared("--peer", "touch")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == ["MarketMaking", "touch"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--peer", "tuch"), "a peer must be one of pure_market_making"),
        (("--strategy", "none", "--peer", "none"), "needs a --strategy or a --peer"),
        (("--baseline", "Glft"), "--baseline must be one of the makers compared, got Glft"),
        (("--strategy", "Nobody"), "Nobody"),
        (
            ("--strategy", "Glft:all-levels"),
            "Glft rests one order a side, it has no levels; those that do are DepthAware, L",
        ),
        (("--strategy", "LadderSpot:full"), "must be NAME or NAME:all-levels, got LadderSpot:full"),
    ],
)
def test_wrong_use_is_told(compared, words, said):
    result = compared(*words)
    assert result.exit_code == 2
    assert said in result.output
