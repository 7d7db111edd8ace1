"""A folder of recordings says what market it is of."""

import pytest

from market_making.market.errors import MalformedMessage
from market_making.market.identity import Dex, Market, SpotTokens
from market_making.market.instrument import Listing
from market_making.recording.other_venues.venues import names_of
from market_making.recording.store.market_file import read_market, write_market
from market_making.recording.store.storage import open_storage

MARKETS = [
    Market.perpetual(Listing("kPEPE", 0, 10), 2),
    Market.perpetual(Listing("xyz:NVDA", 3, 20, growth=True, fee_scale=1.0), 0, Dex("xyz", 1)),
    Market.spot(Listing("@142", 5), 142, SpotTokens("UBTC", "USDC"), "BTC/USDC"),
]


@pytest.mark.parametrize("market", MARKETS, ids=[market.key for market in MARKETS])
def test_what_is_written_is_read(market, tmp_path):
    """Every field, and the names that belong to the folder; a second recording writes it again only if it changed."""
    storage = open_storage(tmp_path)
    write_market(storage, "hyperliquid", market)
    path = tmp_path / "hyperliquid" / market.key / "market.json"
    before = path.stat().st_mtime_ns
    write_market(storage, "hyperliquid", market)
    assert path.stat().st_mtime_ns == before
    assert read_market(tmp_path, "hyperliquid", market.key) == market
    assert names_of(tmp_path, "hyperliquid", market.key) == market.names


def test_an_older_recording_is_of_the_main_perpetual(tmp_path):
    """It has no such file."""
    assert read_market(tmp_path, "hyperliquid", "ETH") is None
    assert names_of(tmp_path, "hyperliquid", "ETH").pair == "ETH/USDC:USDC"


@pytest.mark.parametrize("text", ["", "{}", '{"names": {"wire": "@1"}}'])
def test_a_torn_file_is_refused(text, tmp_path):
    """It could be of any market."""
    folder = tmp_path / "hyperliquid" / "UBTC_USDC"
    folder.mkdir(parents=True)
    (folder / "market.json").write_text(text)
    with pytest.raises(MalformedMessage, match=r"market\.json"):
        read_market(tmp_path, "hyperliquid", "UBTC_USDC")


def test_a_file_of_another_folder_is_refused(tmp_path):
    """Somebody has copied it."""
    storage = open_storage(tmp_path)
    write_market(storage, "hyperliquid", MARKETS[2])
    (tmp_path / "hyperliquid" / "UBTC_USDC").rename(tmp_path / "hyperliquid" / "HYPE_USDC")
    with pytest.raises(MalformedMessage, match="must be of HYPE_USDC, got UBTC_USDC"):
        read_market(tmp_path, "hyperliquid", "HYPE_USDC")
