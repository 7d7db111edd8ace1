"""Rank 200 simulated markets of every kind, each at its own fee, and hold the ranking against the truth.

    python benchmarks/scan_kinds.py [--markets 200] [--seed 5]

Each market is calibrated from half an hour of its own, for the shipped bot: one order at a time, as old as its timing
makes it. The truth is what the same quotes would earn if the estimates were exact: true parameters, the market's own
fee, what age costs over four other hours, no depth beyond what the half hour has shown. Prints Spearman's rank
correlation, how many of the truly losing markets are refused, and how often the interval holds the truth. Fees: a third
each of perpetuals (1.5 bps), growth mode (0.3) and spot (4). In `scan_promise.py` the bot itself trades the ten best.
"""

import argparse
from dataclasses import replace

import numpy as np
from scipy.stats import spearmanr

from calibration.flow.shadow import rules_of, shadow_maker
from calibration.observation.observations import observe
from calibration.scanning.candidates import Candidate, MarketTerms, with_shadow
from calibration.scanning.coin_panel import CoinPanel
from calibration.scanning.scan import scan
from market_making.hyperliquid.fees import BASE_TIER, GROWTH_ACTIONS
from market_making.settings.settings import Settings
from market_making.simulation.known_markets import market_called
from market_making.simulation.presets import coin_universe
from market_making.simulation.simulation import simulate_tape
from market_making.simulation.truth import MarketTruth
from tests.calibration.scanning.conftest import as_it_is, calibrated

KINDS = ("ETH", "xyz:NVDA", "BTC/USDC")
BEST = 10
SEED_OF_MARKET = 7  # as it is scanned
LATER, KNOWN_FROM_S = 8, 4 * 3600.0


def with_terms(candidate: Candidate, number: int) -> Candidate:
    """The candidate as a market of the kind that its number stands for."""
    market = market_called(KINDS[number % len(KINDS)])
    earned = GROWTH_ACTIONS if market.listing.growth else 1.0
    return replace(candidate, terms=MarketTerms(BASE_TIER.on(market).maker, earned))


def as_it_is_at_age(truth: MarketTruth, found: Candidate) -> Candidate:
    """The market as nobody can know it, and what the bot's age truly costs there: from hours of it, not half of one."""
    known = replace(as_it_is(truth, found.deepest), terms=found.terms)
    observed = observe(simulate_tape(truth, seed=LATER, seconds=KNOWN_FROM_S), truth.tick)
    rules = rules_of(Settings(), observed.mid, None)
    sigma, half = truth.volatility, truth.half_spread
    return with_shadow(known, shadow_maker(observed, half, truth.tick, sigma, rules), at_once=1)


def true_earnings(found: list[Candidate], known: list[Candidate], settings: Settings) -> np.ndarray:
    """What the quotes that the scan would show earn per hour under the true parameters [quote currency]."""
    fees = np.array([candidate.terms.maker_fee for candidate in found])
    shown, truly = CoinPanel(found, settings).shown(fees), CoinPanel(known, settings)
    mids = np.array([candidate.mid for candidate in found])
    money = truly.earnings(shown._replace(fills=truly.shown(fees).fills)).money
    return np.asarray(money * 3600 * settings.model.order_notional / mids)


def main() -> None:
    """Print the three figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    settings, truths = Settings(), coin_universe(options.markets, options.seed)
    found = [with_terms(calibrated(truth), number) for number, truth in enumerate(truths)]
    known = [as_it_is_at_age(*each) for each in zip(truths, found, strict=True)]
    truth = dict(zip((each.coin for each in found), true_earnings(found, known, settings), strict=True))
    prospects = [each for each in scan(found, settings) if each.figures is not None]
    told = [each.figures.net_per_hour for each in prospects if each.figures]
    correlation = spearmanr(told, [truth[each.coin] for each in prospects]).statistic
    losing = [each for each in prospects if truth[each.coin] <= 0]
    best = [each for each in prospects if not each.refused][:BEST]
    held = [
        sum(each.figures.low <= truth[each.coin] <= each.figures.high for each in some if each.figures)
        for some in (best, prospects)
    ]
    print(f"{len(prospects)} markets, {sum(not each.refused for each in prospects)} recommended")
    print(f"rank correlation with the truth {correlation:.3f}")
    print(f"{sum(each.refused for each in losing)} of {len(losing)} markets that truly lose are refused")
    promised = sum(each.figures.net_per_hour for each in best if each.figures)
    earned = sum(truth[each.coin] for each in best)
    print(f"the {len(best)} best: promised {promised:.1f} per hour, true {earned:.1f}")
    print(f"the interval holds the truth of {held[0]} of them, and of {held[1]} of all {len(prospects)}")


if __name__ == "__main__":
    main()
