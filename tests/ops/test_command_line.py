"""Exit statuses and JSON of the commands that end by themselves."""

import errno
import json
import re
import shlex
import socket

import pytest
from click.testing import CliRunner

from calibration.estimators.estimate import EstimateSource
from calibration.publication.document import PublishedEstimate, PublishedFairValue
from market_making.market.errors import (
    ConfigurationError,
    DataError,
    MarketMakingError,
    ModelError,
    NotEnoughData,
    ParameterError,
    SafetyError,
    StaleParameters,
)
from market_making.ops.command_line import exit_status, main
from market_making.recording.store.rows import table_of
from market_making.recording.store.segments import write_segment
from market_making.recording.streams import Stream
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.markets.prehistory import write_prehistory
from tests.puppet_market import parameters


@pytest.fixture
def mm(tmp_path, monkeypatch):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    return lambda *words: runner.invoke(main, [str(word) for word in words])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigurationError, 2),
        (DataError, 3),
        (NotEnoughData, 3),
        (ParameterError, 3),
        (StaleParameters, 3),
        (SafetyError, 4),
        (ModelError, 1),
        (MarketMakingError, 1),
    ],
)
def test_the_exit_status_tells_the_kind_of_error(error, status):
    """2 is configuration, 3 is data, 4 is safety, 1 is the rest."""
    assert exit_status(error("")) == status


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["quotes", "ETH"], 3, "there is no user_data/parameters/ETH.json"),
        (["collect"], 2, "no coin to record"),
        (["calibrate", "--once"], 2, "no coin to calibrate"),
        (["calibrate", "--once", "--coin", "ETH", "--data", "nowhere"], 3, "ETH"),
        (["calibrate", "--once", "--backfill", "--coin", "ETH"], 2, "either --once or --backfill"),
        (["venue", "--coin", "ETH"], 2, "either --simulate or --recording"),
        (["candles", "--coin", "ETH", "--data", "nowhere"], 3, "ETH"),
        (["demo", "--minutes", "few"], 2, "few"),
        (["quotes", "ETH", "-c", "absent.json"], 2, "absent.json"),
        (["collect", "--coin", "ETH", "--userdir", "absent"], 2, "'absent' does not exist"),
        (["demo", "--minutes", "-1"], 2, "-1"),
        (["demo", "--recording", ".", "--coin", "NOPE"], 3, "NOPE"),
        (["collect", "--coin", "ETH", "--keep-days", "0"], 2, "0"),
        (["collect", "--coin", "ETH", "--keep-days", "-3"], 2, "-3"),
        (["collect", "--coin", "ETH", "--keep-gigabytes", "-1"], 2, "-1"),
        (["venue", "--simulate", "--coin", "ETH", "--port", "99999"], 2, "99999"),
        (["calibrate", "--coin", "ETH", "--at", "2025-09-04"], 2, "--at goes with --once, not with the service"),
        (["calibrate", "--coin", "ETH", "--json"], 2, "--json goes with --once or --backfill"),
        (["calibrate", "--coin", "ETH", "--backfill", "--at", "2025-09-04"], 2, "--at goes with --once"),
        (["calibrate", "--coin", "ETH", "--once", "--every", "15s"], 2, "--every goes with --backfill"),
        (["calibrate", "--coin", "ETH", "--backfill", "--plot", "x.png"], 2, "--plot goes with --once"),
        (["calibrate", "--coin", "ETH", "--once", "--plot", "x.foo"], 2, "x.foo"),
        (["scan", "--plot", "x.foo"], 2, "x.foo"),
        (["import", "tardis", ".", "--out", "ticks"], 3, "0 rows of tardis"),
    ],
)
def test_an_error_is_one_line_that_says_what_is_wrong(mm, words, status, said):
    """No traceback; the message names what was seen."""
    result = mm(*words)
    assert result.exit_code == status, result.output
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"exchange": null}', "exchange: None is not a JSON object"),
        (b'{"exchange": {"pair_whitelist": null}}', "pair_whitelist: None is not a list"),
        (b'{"exchange": {"pair_whitelist": "ETH/USDC:USDC"}}', "'ETH/USDC:USDC' is not a list"),
        (b'{"add_config_files": "other.json"}', "'other.json' is not a list"),
        (b'{"bot_name": "caf\xe9"}', "not text in UTF-8"),
    ],
)
def test_a_configuration_of_another_form_is_refused_with_what_was_seen(mm, tmp_path, content, said):
    """The message names the file, the key and the value."""
    (tmp_path / "odd.json").write_bytes(content)
    result = mm("status", "-c", "odd.json")
    assert result.exit_code == 2, result.output
    assert "odd.json" in result.output
    assert said in result.output


def test_a_place_that_cannot_be_written_is_wrong_use(mm, tmp_path, recordings):
    """A folder below a file, one line, status 2; what is no mistake of the user's is status 1."""
    (tmp_path / "file").write_text("")
    result = mm("calibrate", "--once", "--coin", "ETH", "--data", recordings.resolve(), "--out", "file/below")
    assert result.exit_code == 2, result.output
    assert "file/below" in result.output
    assert exit_status(OSError(errno.ENOSPC, "No space left on device")) == 1


def test_a_port_that_is_taken_is_wrong_use(mm):
    """The message names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = mm("venue", "--simulate", "--coin", "ETH", "--port", port)
    assert result.exit_code == 2, result.output
    assert f"--port must be free, got {port}" in result.output


def test_a_recording_that_is_too_short_for_the_demo_is_refused_at_once(mm, tmp_path):
    """With the unbroken minutes it has and those that are needed; nothing was started or written."""
    truths = default_truths(["ETH"])
    write_prehistory(SimulatedSource(truths, seed=1), tmp_path / "ticks", end_ms=1_757_000_000_000, seconds=120)
    result = mm("demo", "--recording", "ticks")
    assert result.exit_code == 3, result.output
    assert re.search(r"ticks: ETH has 2\.0 unbroken minutes, the demo needs 3\.0: 1 to calibrate from", result.stderr)
    assert not (tmp_path / "user_data").exists()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--once", "--at", "2030-01-01"], 3, "not at 2030-01-01T00:00:00Z"),
        (["--once", "--at", "2020-01-01"], 3, "not at 2020-01-01T00:00:00Z"),
        (["--backfill", "--start", "2030-01-01"], 3, "not at 2030-01-01T00:00:00Z"),
        (["--backfill", "--start", "2020-01-01", "--end", "2020-01-02"], 3, "Z to 2020-01-02T00:00:00Z"),
        (
            ["--backfill", "--start", "2025-09-05", "--end", "2025-09-04"],
            2,
            "--end must not be before --start 2025-09-05T00:00:00Z, got 2025-09-04T00:00:00Z",
        ),
    ],
)
def test_a_time_of_which_nothing_is_recorded_is_answered_with_what_is(mm, tmp_path, words, status, said):
    """The first and the last time of the coin."""
    quotes = [(time, time, 99.0, 1.0, 101.0, 1.0) for time in (1_757_000_000_000, 1_757_000_600_000)]
    write_segment(tmp_path / "ticks", "hyperliquid", "ETH", Stream.BBO, table_of(Stream.BBO, quotes))
    result = mm("calibrate", "--coin", "ETH", "--data", "ticks", *words)
    assert result.exit_code == status, result.output
    assert said in result.stderr
    assert status == 2 or "ETH is recorded from 2025-09-04T15:33:20Z to 2025-09-04T15:43:20Z" in result.stderr


@pytest.mark.parametrize(
    ("coin", "said"),
    [
        ("eth", "there is no there/eth.json, did you mean ETH?"),
        ("BCT", "there is no there/BCT.json, did you mean BTC?"),
        ("DOGE", "there is no there/DOGE.json; there holds BTC, ETH"),
    ],
)
def test_a_mistyped_coin_is_answered_with_what_there_is(mm, tmp_path, coin, said):
    """The nearest name, or all of them."""
    (tmp_path / "there").mkdir()
    for name in ("ETH", "BTC"):
        (tmp_path / "there" / f"{name}.json").write_text("{}")
    result = mm("quotes", coin, "--parameters", "there")
    assert result.exit_code == 3
    assert said in result.stderr


@pytest.mark.parametrize("anchor", [True, False])
def test_it_is_said_that_quotes_follow_the_imbalance_unless_that_is_switched_off(mm, tmp_path, anchor):
    """The file says that it is sure to gain."""
    beta = PublishedEstimate(value=0.3, low=0.2, high=0.4, n=900, source=EstimateSource.OK)
    found = PublishedFairValue(
        imbalance=beta, age_ms=450, age_source="usual", gain_per_fill=beta, fills=50, fills_around_mid=60, used=True
    )
    parameters().model_copy(update={"fair_value": found}).write(tmp_path / "out")
    (tmp_path / "own.json").write_text(json.dumps({"market_making": {"quote": {"anchor": anchor}}}))
    shown = mm("quotes", "ETH", "--parameters", tmp_path / "out", "-c", tmp_path / "own.json")
    assert shown.exit_code == 0, shown.output
    assert ("follow the book's imbalance" in shown.output) is anchor


def test_prices_are_shown_with_all_their_digits(mm, tmp_path, recordings):
    """Bitcoin costs six digits and half a dollar."""
    mm("calibrate", "--once", "--coin", "BTC", "--data", recordings.resolve(), "--out", tmp_path / "out")
    shown = mm("quotes", "BTC", "--parameters", tmp_path / "out").output
    document = json.loads((tmp_path / "out" / "BTC.json").read_text())
    assert f"mid {document['market']['mid']:.1f}" in " ".join(shown.split())
    assert shown.count("[bps]") == 2, "a unit in brackets is no colour"
    assert "[lots]" in shown
    assert " d ago" in shown


def test_a_calibration_ends_with_the_command_that_shows_its_table(mm, tmp_path, recordings):
    """As it is typed, also for a folder whose name has a space in it; another table would be read for this one."""
    out = tmp_path / "my tables"
    said = mm("calibrate", "--once", "--coin", "ETH", "--data", recordings.resolve(), "--out", out).output
    program, *words = shlex.split(said.splitlines()[-1])
    assert program == "mm"
    table = json.loads(mm(*words, "--json").stdout)
    assert table["mid"] == json.loads((out / "ETH.json").read_text())["market"]["mid"]


def test_a_calibration_and_its_quotes_are_json(mm, tmp_path, recordings):
    """`--once` prints the document it wrote, `mm quotes` its table; both exit with 0."""
    store = recordings.resolve()
    once = mm("calibrate", "--once", "--coin", "ETH", "--data", store, "--out", tmp_path / "out", "--json")
    assert once.exit_code == 0, once.output
    document = json.loads(once.stdout)
    assert document == json.loads((tmp_path / "out" / "ETH.json").read_text())
    table = json.loads(mm("quotes", "ETH", "--parameters", tmp_path / "out", "--json").stdout)
    assert table["mid"] == document["market"]["mid"]
    for row in table["rows"]:
        assert row["bid"] is None or row["bid"] <= table["mid"] - row["bid_depth"]
        assert row["ask"] is None or row["ask"] >= table["mid"] + row["ask_depth"]


def test_the_parameter_file_validates_against_its_own_schema(mm, tmp_path, recordings):
    """What `mm schema` prints describes what `mm calibrate` writes."""
    jsonschema = pytest.importorskip("jsonschema")
    store = recordings.resolve()
    mm("calibrate", "--once", "--coin", "SOL", "--data", store, "--out", tmp_path / "out")
    schema = json.loads(mm("schema").stdout)
    jsonschema.validate(json.loads((tmp_path / "out" / "SOL.json").read_text()), schema)


def test_a_history_is_written_and_counted(mm, tmp_path, recordings):
    """`--backfill` writes one row at each multiple of the period that has enough data before it."""
    result = mm(
        *("calibrate", "--backfill", "--coin", "SOL", "--data", recordings.resolve(), "--every", "60s", "--json"),
        *("--start", "2025-09-04T19:50:00", "--end", "2025-09-04T20:00:00", "--out", tmp_path),
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["coins"]["SOL"]["rows"] == 11 - missing_minutes(tmp_path)


def missing_minutes(folder) -> int:
    """Minutes without a row, read from the history itself."""
    import pyarrow.parquet as pq

    created = pq.read_table(folder / "history" / "SOL").column("created_ms").to_pylist()
    assert created == sorted(set(created))
    assert all(time % 60_000 == 0 for time in created)
    return 11 - len(created)


def test_a_forecast_is_written_only_where_it_is_the_better_one(mm, tmp_path):
    """A market with memory gets a file; when later candles have none, the file is removed."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw, file = np.random.default_rng(1), tmp_path / "ETH_1m.parquet"

    def write(returns):
        close = 100 * np.exp(np.cumsum(returns))
        stamps = pa.array(np.arange(len(close)) * 60_000, pa.timestamp("ms", tz="UTC"))
        prices = {name: close for name in ("open", "high", "low", "close")}
        pq.write_table(pa.table({"date": stamps, **prices, "volume": np.ones(len(close))}), file)

    levels = np.zeros(6000)
    for minute in range(1, len(levels)):
        levels[minute] = 0.9 * levels[minute - 1] + draw.normal(0, 0.5)
    write(draw.normal(0, 1e-3, 6000) * np.exp(levels / 2))
    words = ("train-volatility", file, "--coin", "ETH", "--out", tmp_path / "out", "--json")
    (better,) = json.loads(mm(*words).stdout)
    assert better["used"]
    assert (tmp_path / "out" / "volatility" / "ETH.json").exists()
    # The rule learned on a calm market is far off when it becomes two hundred times as wild; the average follows.
    write(draw.normal(0, 1e-3, 6000) * np.where(np.arange(6000) < 4200, 1, 200))
    (worse,) = json.loads(mm(*words).stdout)
    assert not worse["used"]
    assert not (tmp_path / "out" / "volatility" / "ETH.json").exists()
