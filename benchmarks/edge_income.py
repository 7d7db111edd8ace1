"""Claim: the edge and the guard earn more on the same market, because fewer fills are picked off.

Stock `freqtrade trade` four times at once on one local exchange, on four accounts: without the edge (as Freqtrade and
ccxt ship), with the touch's price only (`fresh`), with the whole edge, and with edge and guard. All see the same
simulated trades at the same moment. Round trip 100 ms, 300 ms until an action takes effect; mid wanders by
1.5 bps/√s, quotes are at most 3.5 bps from mid, 100 USDC an order, both sides in turn. Money is the change of the
account's value after the fee of 1.5 bps. Differences are paired by market; the interval is Student's over the seeds.

A fill is picked off if the market's own book came to an order that was late. "In time" counts those of them that a bot
without any delay of its own would have cancelled: mid had come closer to the order than planned by more than the
tolerance, and the order had rested, for longer than the network needs from a best quote to a cancel.

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

from market_making.ops.demo.audit import decisions_in  # noqa: E402
from market_making.ops.demo.compared import Compared, Figure, compared, counted  # noqa: E402
from market_making.ops.demo.comparison import VARIANTS, Lane, Variant, lively_comparison  # noqa: E402
from market_making.ops.demo.run import DemoOptions  # noqa: E402
from market_making.ops.demo.schedule import Schedule  # noqa: E402
from market_making.ops.demo.signals import ended_by_signals  # noqa: E402
from market_making.recording.store.tick_store import TickStore  # noqa: E402
from market_making.settings.sections import QuoteSettings  # noqa: E402
from market_making.trading.decision_log import Event  # noqa: E402

NETWORK_MS = 400  # a best quote is 50 ms on its way, a cancel 50 ms, and takes effect after 300 ms
ACKNOWLEDGED_MS = 50  # an order has rested for so long when the bot hears of it
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
    print(
        "seed  variant          fills  picked off  in time  mid at once  5 s later [bps]  money [USDC/h]  actions  "
        "refused"
    )
    for seed in options.seeds:
        rows, failures, in_time = run(seed, options.minutes)
        for row, avoidable in zip(rows, in_time, strict=True):
            at_once, later = (row.markout_bps[horizon].value or float("nan") for horizon in ("0", "5"))
            print(
                f"{seed:4d}  {row.name:15s} {row.fills.value:6.0f} {row.picked_off.value:11.0f} {avoidable:8d} "
                f"{at_once:12.2f} {later:16.2f} {row.money.value:15.2f} {row.actions:8d} {row.rejected:8d}",
                *failures,
                flush=True,
            )
        if rows:
            runs.append([row.to_plain() | {"in_time": avoidable} for row, avoidable in zip(rows, in_time, strict=True)])
            if options.results:
                with options.results.open("a") as file:
                    file.write(json.dumps(runs[-1]) + "\n")
    show(runs)


def run(seed: int, minutes: float) -> tuple[list[Compared], list[str], list[int]]:
    """One market, all variants: their figures, what failed, and how many picked-off fills could have been avoided."""
    with tempfile.TemporaryDirectory() as folder, ended_by_signals():
        options = DemoOptions(Schedule(minutes), ("ETH",), seed, root=Path(folder))
        comparison = lively_comparison(options, lambda *_: None, COMPARED)
        seen = comparison.run()
        if not all(lane.equity and lane.last for lane in comparison.lanes):
            return [], seen.failures, []
        in_time = [avoidable(lane, comparison.files.market_data) for lane in comparison.lanes]
        return compared(comparison), seen.failures, in_time


def avoidable(lane: Lane, market_data: Path) -> int:
    """How many of the picked-off fills a bot without any delay of its own would have avoided."""
    lines = decisions_in(lane.files.decisions)
    by_number = {line["sequence"]: line for line in lines}
    placed = {line["order_id"]: line for line in lines if line["event"] is Event.PLACED}
    count = 0
    for fill in lane.fills:
        told = placed.get(str(fill["oid"]))
        if not fill["crossed"] or told is None:
            continue
        plan, filled_ms, rests_ms = by_number[told["place"]], fill["time_ms"], told["time_ms"] - ACKNOWLEDGED_MS
        quotes = TickStore(market_data).tape("ETH", plan["time_ms"] - 5_000, filled_ms).quotes
        away = 1.0 if fill["side"] == "buy" else -1.0
        priced_from = plan["mid"] - away * plan["terms"].get("fresh", 0.0)
        closer_bps = away * (priced_from - quotes.mid) / plan["mid"] * 1e4
        stale = quotes.time_ms[(closer_bps > QuoteSettings().tolerance_bps) & (quotes.time_ms > plan["time_ms"])]
        if len(stale):
            count += bool(filled_ms - max(int(stale[0]), rests_ms) > NETWORK_MS)
    return count


def show(runs: list[list[dict[str, Any]]]) -> None:
    """All seeds together: counts, and money with the paired differences to the first and to the variant before."""
    print(f"\n{len(runs)} seeds: figures with their 95 % intervals")
    print("variant          fills  picked off  in time   money [USDC/h]   above stock   above the one before")
    for number, variant in enumerate(COMPARED):
        rows = [rows[number] for rows in runs]
        fills, picked = (int(sum(row[name]["value"] for row in rows)) for name in ("fills", "picked_off"))
        in_time = sum(row["in_time"] for row in rows)
        money = [row["money"]["value"] for row in rows]
        above = [
            figure(np.subtract(money, [each[other]["money"]["value"] for each in runs]))
            for other in (0, max(number - 1, 0))
        ]
        print(
            f"{variant.name:15s} {fills:6d}  {counted(picked):.0f}  {in_time:7d}      {figure(money):+.2f}   "
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
