"""A recording is replayed as the market that its folder says."""

from market_making.replay.preparation import prepare
from market_making.settings.settings import Settings
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.markets.prehistory import write_prehistory

END_MS = 1_757_030_400_000


def test_spot_and_deployed_markets_have_rules_and_pairs_of_their_own(tmp_path):
    """Their names, lots and price grids, which no folder's name tells."""
    truths = default_truths(["BTC/USDC", "xyz:NVDA", "ETH"])
    write_prehistory(SimulatedSource(truths, seed=2), tmp_path, end_ms=END_MS, seconds=90.0)
    settings = Settings(market_data=tmp_path)
    found = {key: prepare(settings, key, tmp_path / "cache").instrument for key in ("UBTC_USDC", "xyz-NVDA", "ETH")}
    assert {key: each.pair for key, each in found.items()} == {
        "UBTC_USDC": "BTC/USDC", "xyz-NVDA": "XYZ-NVDA/USDC:USDC", "ETH": "ETH/USDC:USDC"
    }  # fmt: skip
    assert [float(each.lot) for each in found.values()] == [1e-5, 1e-3, 1e-4]
    assert float(found["UBTC_USDC"].tick(1.5)) == 1e-3
