"""A market is found by each of its names, and by no name of another."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.identity import Dex, Kind, Market, Markets
from market_making.market.instrument import Instrument, Listing
from market_making.market.names import file_key, perpetual_names, spot_names
from market_making.market.selection import Selection

XYZ = Dex("xyz", 1)
FLX = Dex("flx", 2, "USDH")
ROWS = [
    (Market.perpetual(Listing("BTC", 5), 0), ("BTC", "BTC/USDC:USDC", "BTC"), 0),
    (Market.perpetual(Listing("kPEPE", 0), 2), ("kPEPE", "KPEPE/USDC:USDC", "kPEPE"), 2),
    (Market.perpetual(Listing("xyz:NVDA", 3), 1, XYZ), ("xyz:NVDA", "XYZ-NVDA/USDC:USDC", "xyz-NVDA"), 110_001),
    (Market.perpetual(Listing("flx:TSLA", 3), 0, FLX), ("flx:TSLA", "FLX-TSLA/USDH:USDH", "flx-TSLA"), 120_000),
    (
        Market(spot_names("@142", "BTC/USDC", "UBTC", "USDC"), Kind.SPOT, 10_142, Listing("@142", 5)),
        ("@142", "BTC/USDC", "UBTC_USDC"),
        10_142,
    ),
]
ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("market_making", "calibration", "user_data/strategies", "user_data/hyperopts")
SOURCES = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
# A name of a market that is cut, sliced or matched: what it is made of is for its venue's listings to tell.
CUT = re.compile(
    r"""(pair|symbol|coin|wire)s?\)?\.(r?split|r?partition|removesuffix|removeprefix)\(|instr\(pair"""
    r"""|(split|partition)\(["'][/:]["'].*\b(pair|coin)|\bpair\[-?\d*:"""
)


@pytest.mark.parametrize(("market", "names", "asset"), ROWS, ids=[row[0].key for row in ROWS])
def test_every_name_and_number_comes_from_the_listing(market, names, asset):
    """As the exchange, ccxt and our files write them, and each of them finds the market."""
    assert (market.names, market.asset) == (names, asset)
    markets = Markets(row[0] for row in ROWS)
    assert all(markets.named(name) is market for name in names)
    assert markets.numbered(asset) is market
    assert (market.instrument.coin, market.instrument.pair) == (market.key, market.pair)


def test_a_perpetual_and_a_spot_market_of_one_coin_have_nothing_in_common():
    """Neither pair nor folder, and prices of spot are a hundred times finer."""
    perpetual, spot = ROWS[0][0], ROWS[4][0]
    assert not set(perpetual.names) & set(spot.names)
    assert float(perpetual.instrument.tick(0.5)) == 100 * float(spot.instrument.tick(0.5))


def test_markets_that_cannot_be_told_apart_are_found_by_no_name():
    """Two coins that ccxt or a file system takes for one; every other market is found as before."""
    twins = [Market.perpetual(Listing(coin, 0), place) for place, coin in enumerate(("kPEPE", "ETH", "KPEPE"))]
    markets = Markets(twins)
    assert [market.wire for market in markets] == ["ETH"]
    assert markets.named("KPEPE/USDC:USDC") is markets.named("kPEPE") is None
    assert [market.wire for market in markets.ambiguous] == ["kPEPE", "KPEPE"]


@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12))
def test_a_key_is_a_name_for_a_file_and_of_one_market_only(one, other):
    """Letters, digits and four signs; two names have two keys, but for the colon of a dex."""
    assert re.fullmatch(r"[A-Za-z0-9._~%-]+", file_key(one))
    assert (file_key(one) == file_key(other)) == (one.replace(":", "-") == other.replace(":", "-"))


def test_rules_made_from_a_name_on_the_wire_have_freqtrades_pair():
    """A coin counted in thousands is written in small and in capital letters."""
    instrument = Instrument.hyperliquid("kPEPE", 0)
    assert (instrument.coin, instrument.pair) == ("kPEPE", "KPEPE/USDC:USDC")


@pytest.mark.parametrize("name", ["kPEPE", "KPEPE/USDC:USDC", "kpepe/usdc:usdc"])
def test_a_coin_is_meant_by_any_of_its_names(name):
    """On the wire, of Freqtrade, and as Freqtrade matches pairs."""
    known = [perpetual_names(coin) for coin in ("PEPE", "kPEPE")]
    assert [names.wire for names in Selection((name,)).choose(known).chosen] == ["kPEPE"]


def test_no_code_cuts_names():
    """Every name of a market is looked up: a piece of one is a name of nothing."""
    assert len(SOURCES) > 300
    lines = [(path, line) for path in SOURCES for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(str(path), line) for path, line in lines if CUT.search(line)] == []


def test_cutting_is_found():
    """Also as it used to be written here."""
    for line in ('coin = pair.split("/")[0]', "known = {pair.split('/', maxsplit=1)[0]: 1}", "x = pair[:-5]"):
        assert CUT.search(line)
