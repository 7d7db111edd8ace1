"""`mm collect` chooses the way to a venue by its name."""

import pytest
from click.testing import CliRunner

from market_making.ops.command_line import main
from market_making.ops.commands.collect import collector_of
from market_making.recording.collection.collector import Collector
from market_making.recording.other_venues.collector import OtherVenueCollector
from market_making.settings.settings import Settings

NOTHING = {"url": None, "quote": None, "whole_venue": False, "keep_days": None, "keep_gigabytes": None}


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
