"""`mm replay`, as typed: the promised document, money that adds up, and an answer to every wrong use."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from calibration.backfill import backfill
from market_making.ops.command_line import main
from market_making.ops.commands.options import load_settings
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.engines.exchange import ExchangeEngine
from market_making.replay.preparation import calibrations_for, prepare
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.trading.decision_log import DecisionLog
from market_making.trading.freqtrade.strategy_model import load_model
from market_making.venue.markets.prehistory import write_prehistory

USER_DATA = Path(__file__).resolve().parents[3] / "user_data"
END_MS = 1_757_030_400_000 + 60_000  # a minute after a full hour
CONTRACT = {
    "strategy", "coin", "start_ms", "end_ms", "seconds", "net_pnl", "gross_pnl", "fees", "funding", "spread_captured",
    "adverse_selection", "inventory_pnl", "fills", "orders", "fill_rate", "maker_ratio", "volume", "capture_bps",
    "markout_bps", "uptime", "inventory_mean_abs", "inventory_max_abs", "drawdown", "net_bps_low", "net_bps_high",
    "events_per_second", "verdict",
}  # fmt: skip
LADDER = ("--coin", "ETH", "--strategy", "LadderSpot")
COMPILED = ("--engine", "hftbacktest", "--desk", "compiled")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Four minutes of a market in which making a market pays."""
    root = tmp_path_factory.mktemp("store")
    write_prehistory(SimulatedSource(default_truths(["ETH"]), seed=4), root, end_ms=END_MS, seconds=240.0)
    return root


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """A bot that calibrates from a minute on and quotes near mid."""
    path = tmp_path_factory.mktemp("config") / "config.json"
    section = {"calibration": {"minimum_exposure_s": 60}, "quote": {"maximum_half_spread_bps": 3.0}}
    path.write_text(json.dumps({"market_making": section | {"sides": "alternate"}}))
    return path


@pytest.fixture
def replayed(tmp_path, monkeypatch, store, config):
    """Run `mm replay` in an empty folder; its cache lies there, too."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        usual = ("--data", store, "-c", config, "--cache", tmp_path / "cache", "--userdir", USER_DATA)
        return CliRunner().invoke(main, ["replay", *(str(word) for word in (*usual, *words))])

    return run


def test_a_replay_says_what_it_earned_and_it_adds_up(replayed):
    result = replayed("--coin", "ETH", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document.keys() >= CONTRACT
    assert (document["strategy"], document["coin"], document["engine"]) == ("MarketMaking", "ETH", "exchange")
    parts = ("spread_captured", "adverse_selection", "inventory_pnl", "funding")
    assert document["net_pnl"] == pytest.approx(sum(document[name] for name in parts) - document["fees"], abs=1e-6)
    assert document["fills"] > 0
    assert document["withheld"]["no_history"] > 50, "before the first calibration nothing is quoted"
    again = json.loads(replayed("--coin", "ETH", "--json").stdout)
    assert again | {"events_per_second": 0} == document | {"events_per_second": 0}


def test_a_person_reads_a_table(replayed):
    result = replayed("--coin", "ETH", "--strategy", "AvellanedaStoikov", "--parameter", "risk_aversion=0.05")
    assert result.exit_code == 0, result.output
    assert "AvellanedaStoikov on ETH: 2" in result.stdout
    assert "too short to tell" in result.stdout


def test_two_bots_and_other_latencies_are_other_runs(replayed):
    usual = json.loads(replayed("--coin", "ETH", "--json").stdout)
    both = json.loads(replayed("--coin", "ETH", "--two-sided", "--json").stdout)
    slow = json.loads(replayed("--coin", "ETH", "--delay", "0.4s", "--period", "3s", "--json").stdout)
    assert len({usual["orders"], both["orders"], slow["orders"]}) == 3


def test_the_edge_and_the_guard_are_switches(replayed):
    """Each changes what comes of a run."""
    switches = ((), ("--edge",), ("--no-edge",), ("--no-edge", "--guard"))
    usual, edge, stock, guarded = (
        json.loads(replayed("--coin", "ETH", "--json", *words).stdout) | {"events_per_second": 0} for words in switches
    )
    assert usual == edge, "the edge is on as configured"
    assert stock != usual
    assert guarded != stock


@pytest.mark.parametrize(
    ("strategy", "sides", "holds_at_the_hour"),
    [
        ("MarketMaking", "--one-sided", True),
        ("MarketMaking", "--two-sided", False),
        ("DepthAware", "--one-sided", True),
        ("DepthAware", "--two-sided", True),
    ],
)
def test_the_compiled_desk_says_what_the_bot_says(replayed, strategy, sides, holds_at_the_hour):
    """The whole document, but for how long it took; sums of money are added up in another order."""
    pytest.importorskip("hftbacktest")
    words = ("--coin", "ETH", "--json", "--no-edge", "--engine", "hftbacktest", "--funding", "0.001")
    words = (*words, "--strategy", strategy, sides)
    bot, compiled = (
        json.loads(replayed(*words, "--desk", desk).stdout) | {"events_per_second": 0}
        for desk in ("python", "compiled")
    )
    assert bot["fills"] > 0
    assert (bot["funding"] != 0) is holds_at_the_hour
    assert compiled.keys() == bot.keys()
    for name, value in bot.items():
        assert compiled[name] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value), name


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--coin", "ETH", "--parameter", "risk_aversion"], 2, "NAME=VALUE"),
        (["--coin", "ETH", "--parameter", "speed=1"], 2, "must be one of depth_factor, inventory_share, got speed"),
        (["--coin", "ETH", "--strategy", "Nobody"], 2, "Nobody cannot be loaded"),
        (["--coin", "ETH", "--desk", "compiled", "--guard"], 2, "with --engine hftbacktest, no --guard; or take"),
        (["--coin", "ETH", *COMPILED, "--two-sided", "--guard"], 2, "with no --guard; or"),
        (["--coin", "ETH", *COMPILED, "--strategy", "Glft"], 2, "quotes neither from a table of depths"),
        (
            ["--coin", "ETH", "--all-levels"],
            2,
            "MarketMaking rests one order a side, it has no levels; those that do are",
        ),
        (["--coin", "ETH", "--strategy", "LadderSpot:none"], 2, "must be NAME or NAME:all-levels, got LadderSpot:none"),
        (
            [*LADDER, "--all-levels", "--two-sided", "--guard"],
            2,
            "must be given without --two-sided, --guard: it quotes",
        ),
        ([*LADDER, "--all-levels", *COMPILED], 2, "must be given without --desk compiled"),
        (["--coin", "SOL"], 3, "SOL"),
        (["--coin", "ETH", "--parameters", "absent"], 3, "must hold calibrations"),
        (["--coin", "ETH", "--start", "2030-01-01"], 3, "at least 60 s without a gap"),
        (["--coin", "ETH", "--latency", "absent"], 3, "absent must be a decision log"),
    ],
)
def test_wrong_use_is_answered_with_its_remedy(replayed, words, status, said):
    result = replayed(*words)
    assert result.exit_code == status, result.output
    assert said in result.stderr


@pytest.mark.parametrize("engine", ["exchange", "exchange-whole", "hftbacktest"])
def test_all_levels_of_a_ladder_rest_and_the_page_shows_them(replayed, tmp_path, engine):
    pytest.importorskip("plotly")
    if engine == "hftbacktest":
        pytest.importorskip("hftbacktest")
    page, words = tmp_path / "run.html", (*LADDER, "--parameter", "step_bps=1.5", "--engine", engine, "--json")
    one, full = (json.loads(replayed(*words, *more).stdout) for more in ((), ("--all-levels", "--report", page)))
    assert (one["strategy"], full["strategy"]) == ("LadderSpot", "LadderSpot:all-levels")
    assert full.keys() == one.keys()
    assert full["orders"] > one["orders"]
    parts = ("spread_captured", "adverse_selection", "inventory_pnl", "funding")
    assert full["net_pnl"] == pytest.approx(sum(full[name] for name in parts) - full["fees"], abs=1e-6)
    assert f"{full['fills']} fills" in page.read_text()


def test_a_page_shows_the_run(replayed, tmp_path):
    """Written beside what is printed."""
    pytest.importorskip("plotly")
    page = tmp_path / "pages" / "run.html"
    result = replayed("--coin", "ETH", "--report", page, "--json")
    assert result.exit_code == 0, result.output
    assert f"{json.loads(result.stdout)['fills']} fills" in page.read_text()


@pytest.fixture(scope="module")
def live_run(tmp_path_factory, store, config):
    """A folder as a live bot leaves it: its log, the recording, and the calibrations of the time."""
    folder = tmp_path_factory.mktemp("live")
    settings = load_settings((config,), market_data=store, parameters=folder / "parameters")
    model = load_model("MarketMaking", settings, {}, USER_DATA)
    backfill("ETH", settings, start_ms=END_MS - 240_000, end_ms=END_MS)
    prepared = prepare(settings, "ETH", folder / "cache")
    history = calibrations_for(settings, prepared, folder / "cache")
    shown = settings.model_dump(mode="json")
    header = {"strategy": "MarketMaking", "settings": shown, "parameters": dict(model.parameters), "freqtrade": {}}
    log = DecisionLog(folder / "decisions", "bot", "one", lambda: header)
    lags = Lags(entry_ms=70, response_ms=30, decide_ms=45)
    setup = ReplaySetup(model, prepared.instrument, history, ExchangeEngine, lambda: LagProfile(lags), log=log)
    replay(setup, prepared.tapes)
    return folder


def test_a_live_run_is_reconciled_with_its_recording(tmp_path, live_run, store):
    words = ["reconcile", live_run, "--data", store, "--userdir", USER_DATA, "--cache", tmp_path, "--json"]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document.keys() >= {
        "fills_live", "fills_matched", "fills_extra", "sizes_equal", "net_live", "net_replayed", "plans", "plans_equal",
        "causes", "engines",
    }  # fmt: skip
    assert document["fills_live"] > 5
    assert document["fills_matched"] >= 0.98 * document["fills_live"]
    assert document["plans_equal"] == document["plans"] > 10
    assert document["lags_ms"]["entry_ms"][1] == 70
    assert document["free"]["orders"]["replayed"] == pytest.approx(document["free"]["orders"]["live"], rel=0.3)
    shown = CliRunner().invoke(main, [str(word) for word in words[:-1]])
    assert f"{document['fills_matched']} of {document['fills_live']} filled orders matched" in shown.stdout


def test_a_replay_takes_the_latencies_of_a_live_run(replayed, live_run):
    result = replayed("--coin", "ETH", "--latency", live_run, "--json")
    assert result.exit_code == 0, result.output
    usual = json.loads(replayed("--coin", "ETH", "--json").stdout)
    measured = json.loads(result.stdout)
    assert (measured["orders"], measured["net_pnl"]) != (usual["orders"], usual["net_pnl"])
    assert replayed("--coin", "ETH", "--latency", live_run, "--delay", "1s").exit_code == 2
