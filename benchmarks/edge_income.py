"""Claim: the edge and the guard earn more on the same market, because fewer fills are picked off.

Stock `freqtrade trade` four times at once on one local exchange, on four accounts: without the edge (as Freqtrade and
ccxt ship), with the touch's price only (`fresh`), with the whole edge, and with edge and guard. All see the same
simulated trades at the same moment. Round trip 100 ms, 300 ms until an action takes effect; mid wanders by
1.5 bps/√s, quotes are at most 3.5 bps from mid, 100 USDC an order, both sides in turn. Money is the change of the
account's value after the fee of 1.5 bps. Differences are paired by market; the interval is Student's over the seeds.

    python benchmarks/edge_income.py [--minutes N] [--results FILE] [SEED…]

With a file, the rows of this run are added to it, and all rows in it are summed up.
"""

import argparse
import json
import logging
import sys
import tempfile
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from scipy.stats import t

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.ops.demo.compared import Compared, Figure, compared, counted  # noqa: E402
from market_making.ops.demo.comparison import VARIANTS, Variant, lively_comparison  # noqa: E402
from market_making.ops.demo.run import DemoOptions  # noqa: E402
from market_making.ops.demo.schedule import Schedule  # noqa: E402
from market_making.ops.demo.signals import ended_by_signals  # noqa: E402

COMPARED = (VARIANTS[0], Variant("fresh", ("fresh",)), *VARIANTS[1:])
MOST_PICKED_OFF = 0.25  # of those without the edge


def main() -> None:
    """Print a row per seed and variant, and what all seeds say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--results", type=Path)
    parser.add_argument("seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5, 6])
    options = parser.parse_args()
    known = options.results.read_text().splitlines() if options.results and options.results.exists() else []
    runs: list[list[dict[str, Any]]] = [json.loads(line) for line in known]
    print("seed  variant          fills  picked off  mid at once  5 s later [bps]  money [USDC/h]  actions  refused")
    for seed in options.seeds:
        rows, failures = run(seed, options.minutes)
        for row in rows:
            at_once, later = (row.markout_bps[horizon].value or float("nan") for horizon in ("0", "5"))
            print(
                f"{seed:4d}  {row.name:15s} {row.fills.value:6.0f} {row.picked_off.value:11.0f} {at_once:12.2f} "
                f"{later:16.2f} {row.money.value:15.2f} {row.actions:8d} {row.rejected:8d}",
                *failures,
                flush=True,
            )
        if rows:
            runs.append([row.to_plain() for row in rows])
            if options.results:
                with options.results.open("a") as file:
                    file.write(json.dumps(runs[-1]) + "\n")
    show(runs)


def run(seed: int, minutes: float) -> tuple[list[Compared], list[str]]:
    """One market, all variants."""
    with tempfile.TemporaryDirectory() as folder, ended_by_signals():
        options = DemoOptions(Schedule(minutes), ("ETH",), seed, root=Path(folder))
        comparison = lively_comparison(options, lambda *_: None, COMPARED)
        seen = comparison.run()
        complete = all(lane.equity and lane.last for lane in comparison.lanes)
        return (compared(comparison) if complete else []), seen.failures


def show(runs: list[list[dict[str, Any]]]) -> None:
    """All seeds together: counts, and money with the paired differences to the first and to the variant before."""
    print(f"\n{len(runs)} seeds: figures with their 95 % intervals")
    print("variant          fills  picked off   money [USDC/h]   above stock   above the one before")
    for number, variant in enumerate(COMPARED):
        rows = [rows[number] for rows in runs]
        fills, picked = (int(sum(row[name]["value"] for row in rows)) for name in ("fills", "picked_off"))
        money = [row["money"]["value"] for row in rows]
        above = [
            figure(np.subtract(money, [each[other]["money"]["value"] for each in runs]))
            for other in (0, max(number - 1, 0))
        ]
        print(
            f"{variant.name:15s} {fills:6d}  {counted(picked):.0f}      {figure(money):+.2f}   "
            + "   ".join(f"{each:+.2f}" for each in above)
        )
    totals = [sum(rows[number]["picked_off"]["value"] for rows in runs) for number in range(len(COMPARED))]
    share = totals[-1] / totals[0] if totals[0] else float("nan")
    print(f"picked off with edge and guard / without: {share:.2f}, allowed are {MOST_PICKED_OFF}")


def figure(values: list[float]) -> Figure:
    """Mean of the seeds with Student's 95 % interval."""
    centre = mean(values)
    if len(values) < 2:
        return Figure(float(centre))
    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / sqrt(len(values))
    return Figure(float(centre), float(centre - half), float(centre + half))


if __name__ == "__main__":
    logging.getLogger("freqtrade").setLevel(logging.ERROR)
    main()
