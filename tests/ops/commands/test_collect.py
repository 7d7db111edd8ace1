"""`mm collect` chooses the way to a venue by its name."""

import json
import sys
import time

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from market_making.ops.command_line import main
from market_making.ops.commands.collect import collector_of
from market_making.ops.demo.processes import Programs, free_port
from market_making.recording.collection.collector import Collector
from market_making.recording.other_venues.collector import OtherVenueCollector
from market_making.settings.settings import Settings
from tests.live_bot import ROOT

NOTHING = {"coins": (), "url": None, "quote": None, "whole_venue": False, "keep_days": None, "keep_gigabytes": None}
NOTHING |= {"watch_list": None}


@pytest.mark.parametrize(
    ("venue", "url", "kind"),
    [
        ("hyperliquid", None, Collector),
        ("hyperliquid", "http://127.0.0.1:1", Collector),
        ("testnet", "http://127.0.0.1:1", Collector),
        ("binance", None, OtherVenueCollector),
        ("dydx", None, OtherVenueCollector),
    ],
)
def test_the_name_of_a_venue_decides(tmp_path, venue, url, kind):
    """Hyperliquid, also one of another address and name, is recorded natively; the others through ccxt."""
    changes = {"url": url} if url else {}
    settings = Settings(venue=venue, coins=("BTC",), market_data=tmp_path, **changes)
    assert type(collector_of(settings, NOTHING | {"url": url})) is kind


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--venue", "mtgox"],
            "the venue must be one of hyperliquid, binance, binanceusdm, bybit, dydx, okx, got 'mtgox'",
        ),
        (["--venue", "okx", "--all"], "name the coins of okx"),
        (["--venue", "okx", "--url", "http://127.0.0.1:1"], "ccxt knows the addresses of okx"),
        (["--quote", "USDC"], "hyperliquid has one quote currency"),
        (["--venue", "okx", *["--coin=A"] * 40], "41 coins of okx: at most 40"),
    ],
)
def test_what_a_venue_cannot_do_is_refused(tmp_path, monkeypatch, words, said):
    """Wrong use ends with status 2 and says what is accepted."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["collect", "--coin", "BTC", *words])
    assert (result.exit_code, said in result.output) == (2, True), result.output


@pytest.mark.slow
def test_what_was_recorded_is_told_as_a_document_when_the_collector_is_stopped(tmp_path, monkeypatch):
    """One document on standard output; everything that was received is in the store."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    mm, url = [sys.executable, "-m", "market_making.ops"], f"http://127.0.0.1:{free_port()}"
    with Programs(tmp_path) as programs:
        programs.start("venue", [*mm, "venue", "--simulate", "--coin", "ETH", "--port", url.rsplit(":", 1)[1]])
        words = ["--coin", "ETH", "--url", url, "--data", "ticks", "--json"]
        programs.start("collect", [*mm, "collect", *words], output=tmp_path / "told.json")
        while not any((tmp_path / "ticks").glob("hyperliquid/ETH/*/bbo*.parquet")):
            programs.check()
            time.sleep(0.1)
        assert programs.stop("collect") == 0
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["coins"], told["rows_lost"]) == (["ETH"], 0)
    stored = sum(pq.read_metadata(path).num_rows for path in (tmp_path / "ticks").rglob("*.parquet"))
    assert 0 < told["rows_written"] == told["rows_received"] <= stored
