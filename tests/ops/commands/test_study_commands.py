"""`mm sweep` and `mm verify`, as typed: from a study to a file that a bot starts with, and to targets on later days."""

import json
import shutil

import pytest
from click.testing import CliRunner

from market_making.ops.command_line import main
from market_making.recording.store.segments import DAY_MS
from market_making.settings.settings import Settings
from market_making.trading.freqtrade.parameter_files import dimensions_of, write_parameters
from market_making.trading.freqtrade.strategy_model import load_model
from tests.ops.commands.test_replay import USER_DATA
from tests.replay.markets import START_MS, record, simulated_events

STUDY = """
strategy: MarketMaking
coins: [ETH]
trials: 3
batch: 3
parameters:
  depth_factor: {low: 0.6, high: 1.4}
"""


@pytest.fixture(scope="module")
def mm(tmp_path_factory):
    """Run a command of studies over two short days of a simulated market, in a folder of its own."""
    pytest.importorskip("optuna")
    pytest.importorskip("distributed")
    root = tmp_path_factory.mktemp("swept")
    for day in range(2):
        start_ms = START_MS + day * DAY_MS
        record(root / "data", "ETH", simulated_events("ETH", 70, seed=day, start_ms=start_ms))
    section = {"calibration": {"minimum_exposure_s": 20}, "quote": {"maximum_half_spread_bps": 3.0}}
    (root / "config.json").write_text(json.dumps({"market_making": section | {"sides": "alternate"}}))
    (root / "study.yaml").write_text(STUDY)

    def run(command, *words):
        usual = ("--data", root / "data", "-c", root / "config.json", "--cache", root / "cache", "--userdir", USER_DATA)
        return CliRunner().invoke(main, [str(word) for word in (command, *usual, *words)])

    run.root = root
    return run


@pytest.fixture(scope="module")
def swept(mm):
    """A study that has ended."""
    study, out = mm.root / "study.yaml", mm.root / "out"
    result = mm("sweep", study, "--out", out, "--workers", 1, "--json")
    assert result.exit_code == 0, result.output
    return out, json.loads(result.stdout), result.stderr


@pytest.mark.slow
def test_a_study_tells_its_cost_beforehand_and_leaves_tables_a_picture_and_the_winner(swept):
    out, said, told = swept
    assert "core-hours on 1 workers" in told
    assert said["estimate_core_hours"] > 0
    assert said["core_hours"] > 0
    (fold,) = said["folds"]
    assert (fold["trials"], fold["failed"]) == (3, 0)
    assert fold["train"] < fold["held_out"]
    left = {path.name for path in out.iterdir()}
    assert left >= {"study.sqlite", "study.json", "trials.parquet", "held_out.parquet", "MarketMaking.json"}
    assert json.loads((out / "study.json").read_text()) == said
    assert json.loads((out / "MarketMaking.json").read_text())["params"] == {"quote": said["parameters"]}


@pytest.mark.slow
def test_the_winner_is_verified_on_days_that_the_search_has_not_seen(mm, swept):
    out, said, _ = swept
    result = mm("verify", "--study", out, "--maker-ratio", 0.9, "--capture", 0.1, "--json")
    assert result.exit_code == 3, result.output
    document = json.loads(result.stdout)
    assert document["verdict"] == "not enough data"
    assert {each["name"] for each in document["targets"]} == {"maker_ratio", "capture_bps"}
    later = mm("verify", "--study", out, "--maker-ratio", 0.9, "--start", said["folds"][0]["train"][0])
    assert later.exit_code == 2
    assert "must be after the days of the search" in later.output


def test_a_missed_target_is_told_with_status_4(mm):
    result = mm("verify", "--coin", "ETH", "--drawdown", 0)
    assert result.exit_code == 4, result.output
    assert "together: missed" in result.stdout
    assert "drawdown" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "--coin", "ETH"), "needs a target"),
        (("verify", "--sharpe", "1"), "needs a --coin or a --study"),
        (("verify", "--study", ".", "--sharpe", "1"), "must hold study.json"),
    ],
)
def test_wrong_use_is_told(mm, words, said):
    result = mm(*words)
    assert result.exit_code == 2
    assert said in result.output


def test_a_bot_starts_with_the_values_of_the_file_and_so_does_a_replay(tmp_path):
    shutil.copytree(USER_DATA / "strategies", tmp_path / "strategies", ignore=shutil.ignore_patterns("*.json", "__*"))
    settings = Settings()
    dimensions = dimensions_of("Glft", settings, tmp_path)
    assert {each.name: each.default for each in dimensions}["depth_factor"] == 1.0
    values = {"depth_factor": 0.8, "risk_aversion": 0.05}
    write_parameters(tmp_path / "strategies" / "Glft.json", "Glft", values, dimensions)
    assert load_model("Glft", settings, {}, tmp_path).depth_factor == 0.8
    assert load_model("Glft", settings, {"depth_factor": 1.2}, tmp_path).parameters["risk_aversion"] == 0.05
    assert load_model("MarketMaking", settings, {}, tmp_path).depth_factor == 1.0
    assert {each.name: each.default for each in dimensions_of("Glft", settings, tmp_path)}["risk_aversion"] == 0.05

    from market_making.trading.freqtrade.strategy_model import load_strategy

    strategy = load_strategy("Glft", settings, tmp_path)
    strategy.ft_load_hyper_params(hyperopt=False)  # what Freqtrade does when a bot starts
    started = strategy.risk_aversion.value
    strategy.risk_aversion.value, strategy.depth_factor.value = 0.1, 1.0  # they belong to the class
    assert started == 0.05
