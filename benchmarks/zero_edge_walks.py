"""Claim: no variant earns from a driftless random walk in candle backtests: net is minus the fees, or below.

Independent paths, each a backtest in stock Freqtrade. Beside the mean over its standard error stands what it would be
if every fill had been better by half a basis point: so small an edge of a model, or kindness of the engine, would show.
"""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.puppet_market import PuppetMarket, VenueThread
from tests.strategies.zero_edge import VARIANTS, Ended, walk


def main() -> None:
    """Print a table; status 1 if a variant earned."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--paths", type=int, default=100)
    parser.add_argument("variants", nargs="*", default=VARIANTS)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    print("| strategy | fills a path | net | minus fees | (net + fees) / error | with 0.5 bp | processor s |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with VenueThread(PuppetMarket()) as venue:
        good = [_show(venue.url, variant, arguments.paths, arguments.hours) for variant in arguments.variants]
    raise SystemExit(not all(good))


def _show(url: str, variant: str, paths: int, hours: float) -> bool:
    began = time.thread_time()
    with tempfile.TemporaryDirectory() as folder:
        ended: Ended = walk(url, Path(folder), variant, paths=paths, minutes=round(hours * 60))
    figures = f"{ended.fills.mean():.0f} | {ended.net.mean():.3f} | {-ended.fees.mean():.3f} | {ended.excess():.2f}"
    print(f"| `{variant}` | {figures} | {ended.excess(0.5):.1f} | {time.thread_time() - began:.0f} |", flush=True)
    return ended.excess() < 2


if __name__ == "__main__":
    main()
