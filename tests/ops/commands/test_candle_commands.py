"""`mm candles --from` and `mm calibrate --backfill --candles`, as typed."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from calibration.publication.history import read_history
from market_making.ops.command_line import main
from market_making.recording.store.rows import table_of
from market_making.recording.store.segments import write_segment
from market_making.recording.streams import Stream

START = 1_753_056_000_000
FIVE_MINUTES = 300_000
ROWS = 100


@pytest.fixture
def mm(tmp_path, monkeypatch):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    return lambda *words: runner.invoke(main, [str(word) for word in words])


@pytest.fixture
def candles(tmp_path):
    """A file of five-minute candles."""
    close = 3000 + np.random.default_rng(1).normal(0, 2, ROWS).cumsum().round(1)
    columns = {"ts": START + FIVE_MINUTES * np.arange(ROWS), "open": close, "high": close + 1, "low": close - 1}
    path = tmp_path / "there" / "ETH_5m-futures.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({**columns, "close": close, "volume": np.full(ROWS, 9.0)}), path)
    return path


def test_from_a_foreign_file_to_a_history(mm, candles, tmp_path):
    """Two commands: Freqtrade's files, then a row at the close of every candle with a window before it."""
    converted = json.loads(mm("candles", "--from", candles, "--coin", "ETH", "--out", "data", "--json").stdout)
    assert [file["candles"] for file in converted["files"]] == [ROWS, 9, 0]
    arguments = ("calibrate", "--backfill", "--candles", "data", "--coin", "ETH", "--out", "parameters", "--json")
    document = json.loads(mm(*arguments, "--every", "5m").stdout)
    assert document["flags"] == ["source_candles"]
    assert document["coins"]["ETH"]["rows"] == ROWS - 23
    history = read_history(tmp_path / "parameters", "ETH", 0, 2 * START)
    assert history.column("created_ms").tolist() == [START + FIVE_MINUTES * k for k in range(24, ROWS + 1)]


def test_what_was_there_before_is_told(mm, candles):
    """Of every file, as text and as JSON."""
    first = mm("candles", "--from", candles, "--coin", "ETH", "--out", "data")
    assert "     100 candles, before 0, in data/futures/ETH_USDC_USDC-5m-futures.feather" in first.output
    again = json.loads(mm("candles", "--from", candles, "--coin", "ETH", "--out", "data", "--json").stdout)
    assert [(file["before"], file["candles"]) for file in again["files"]] == [(ROWS, ROWS), (9, 9), (0, 0)]


def test_without_coins_every_coin_of_the_store_that_was_traded_is_converted(mm, tmp_path):
    """One without a trade is named and left out; asked for by name it is an error."""
    trade = (START, START, "buy", 100.0, 1.0, "1", None, None, None, False)
    write_segment(tmp_path / "ticks", "hyperliquid", "SOL", Stream.TRADES, table_of(Stream.TRADES, [trade]))
    quote = table_of(Stream.BBO, [(START, START, 99.0, 1.0, 101.0, 1.0)])
    write_segment(tmp_path / "ticks", "hyperliquid", "BTC", Stream.BBO, quote)
    result = mm("candles", "--data", "ticks", "--out", "data")
    assert result.exit_code == 0, result.output
    assert "BTC is left out: no trade of BTC" in result.stderr
    assert result.stdout.count("SOL_USDC_USDC") == 4
    assert mm("candles", "--data", "ticks", "--out", "data", "--coin", "BTC").exit_code == 3


def test_a_part_may_be_asked_for_and_the_text_says_that_it_is_guessed(mm, candles, tmp_path):
    """First and last row as given, every minute if so wished."""
    between = ("--start", START + 90 * FIVE_MINUTES, "--end", START + 91 * FIVE_MINUTES, "--every", "1m")
    result = mm("calibrate", "--backfill", "--candles", candles, "--coin", "ETH", "--out", "parameters", *between)
    assert result.exit_code == 0, result.output
    assert "ETH: 6 rows from" in result.output
    assert "no evidence of profit" in result.output
    known = read_history(tmp_path / "parameters", "ETH", 0, 2 * START).column("window_end_ms")
    assert known.tolist() == [START + 90 * FIVE_MINUTES] * 5 + [START + 91 * FIVE_MINUTES]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("calibrate", "--candles", "there", "--coin", "ETH"), 2, "goes with --backfill"),
        (
            ("calibrate", "--backfill", "--candles", "there", "--data", "there", "--coin", "ETH"),
            2,
            "does not go with --data",
        ),
        (("calibrate", "--backfill", "--candles", "there", "--coin", "BTC"), 2, "no candles of BTC in there"),
        (("calibrate", "--backfill", "--candles", "{file}", "--coin", "BTC", "--coin", "ETH"), 2, "of one coin"),
        (
            ("calibrate", "--backfill", "--candles", "there", "--coin", "ETH", "--end", "2001-01-01"),
            3,
            "no candle closes",
        ),
        (("candles", "--from", "{file}"), 2, "--coin"),
        (("candles", "--from", "{file}", "--coin", "ETH", "--data", "there"), 2, "--data names ticks, --from candles"),
        (("candles", "--from", "{file}", "--coin", "ETH", "--venue", "binance"), 2, "--venue names ticks"),
        (("candles", "--data", "nowhere"), 3, "0 coins of hyperliquid with a trade in nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused(mm, candles, words, status, said):
    """With the exit status of its kind and a reason."""
    result = mm(*(word.format(file=candles) for word in words))
    assert (result.exit_code, said in result.output) == (status, True), result.output
