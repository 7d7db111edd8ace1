"""What the fee of a market is worth: the same simulated market as three kinds of listing, ranked at each one's own fee.

    python benchmarks/where_to_earn.py [--plot FILE.png]

Prints for each kind the maker fee of an account without volume, what `mm scan` expects from half an hour of it with the
95 % interval, per 100 USDC of the largest position, and the volume of 14 days from which it would pay. The market is
the same to the last event; only the listing differs.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from calibration.flow.calibrate import calibrate_observed
from calibration.observation.increments import infer_increments
from calibration.observation.observations import observe
from calibration.plots.ranking import plot_scan
from calibration.scanning.candidates import MarketTerms, candidate_of
from calibration.scanning.prospect import Prospect
from calibration.scanning.scan import scan
from market_making.hyperliquid.fees import BASE_TIER, GROWTH_ACTIONS, TIERS
from market_making.market.identity import Market
from market_making.settings.settings import Settings
from market_making.simulation.known_markets import KNOWN_MARKETS, market_called
from market_making.simulation.presets import Character
from market_making.simulation.simulation import simulate_tape

SECONDS, SEED = 1_800.0, 7
KINDS = {"ETH": "ETH", "xyz:NVDA": "xyz:NVDA", "UBTC/USDC": "BTC/USDC"}


def terms(market: Market) -> MarketTerms:
    """What an account without volume pays and earns there."""
    tiers = tuple((tier.volume, tier.fees.on(market).maker) for tier in TIERS)
    earned = GROWTH_ACTIONS if market.listing.growth else 1.0
    return MarketTerms(BASE_TIER.on(market).maker, earned, tiers)


def ranked(reach: float) -> list[Prospect]:
    """The three kinds of listing of one market, in which orders beyond the touch go so deep on average [bps]."""
    listing, price = next((each.listing, price) for each, price in KNOWN_MARKETS if each.wire == "xyz:NVDA")
    truth = Character(reach=reach, on_fill=0.3 * reach).truth(listing._replace(coin="SAME"), price)
    tape, settings = simulate_tape(truth, seed=SEED, seconds=SECONDS), Settings()
    increments = infer_increments(tape.quotes)
    observed = observe(tape, increments.tick)
    found = candidate_of("SAME", calibrate_observed(observed, increments, settings), observed.orders)
    return scan([replace(found, coin=kind, terms=terms(market_called(name))) for kind, name in KINDS.items()], settings)


def main() -> None:
    """Print the table for a tight and for a wide market, and draw the wide one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    for name, reach in (("tight", 1.5), ("wide", 4.0)):
        print(f"\n{name} market: market orders go {reach:g} bps beyond the touch on average")
        print(f"{'listing':10s} {'fee':>5s} {'net/h':>8s} {'95 % interval':>18s} {'per 100':>8s}  pays from")
        prospects = ranked(reach)
        for each in prospects:
            figures = each.figures
            if figures is None:
                print(f"{each.coin:10s} {each.reason}")
                continue
            volume = each.pays_from_volume
            said = "no tier" if volume is None else "any volume" if not volume else f"{volume / 1e6:g} million"
            interval = f"{figures.low:.2f} … {figures.high:.2f}"
            print(f"{each.coin:10s} {figures.maker_fee_bps:5.2f} {figures.net_per_hour:8.2f} {interval:>18s} "
                  f"{figures.net_per_100:8.3f}  {said}{'; ' + each.reason if each.refused else ''}")  # fmt: skip
        if options.plot and name == "wide":
            plot_scan(prospects, 1e4 * BASE_TIER.on_main().maker, options.plot)


if __name__ == "__main__":
    main()
