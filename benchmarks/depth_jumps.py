"""Published depths at zero inventory change by no more than 1.5 times from one calibration to the next.

Each session of a tick store, a calibration every 15 s from four observed minutes on, as the service would publish it:
the worst ratio of neighbouring depths on either side, how many are above 1.5, and for each of these what changed. A
session ends where the quotes pause for four minutes.

    python benchmarks/depth_jumps.py STORE
"""

import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from forecast_skill import EARLY, FEWEST_QUOTES, WINDOW_MS, sessions

from calibration.backfill import walk_forward
from calibration.estimators.estimate import FlowEstimates
from calibration.publication.publish import Published, solve
from market_making.market.clock import utc_text
from market_making.market.errors import ModelError, NotEnoughData
from market_making.market.sides import Direction
from market_making.market.tape import Tape
from market_making.recording.store.tick_store import TickStore

EVERY_MS = 15_000
LIMIT = 1.5
Jump = tuple[float, str]


def published(tape: Tape) -> list[Published]:
    """What the service would have published over a session."""
    first = -(-int(tape.quotes.time_ms[0]) // EVERY_MS) * EVERY_MS
    tape = tape._replace(start_ms=tape.start_ms - WINDOW_MS)
    found = walk_forward(tape, range(first, tape.end_ms + 1, EVERY_MS), EARLY, None)
    known = [calibration for calibration in found if not isinstance(calibration, NotEnoughData)]
    return [one for one in solve(known, [EARLY] * len(known)) if not isinstance(one, ModelError)]


def depths(one: Published) -> tuple[float, float]:
    """Distance of ask and bid from mid at zero inventory [price]."""
    table = one.table
    middle = int(np.flatnonzero(table.inventory == 0)[0])
    return float(table.depths.ask[-1, middle]), float(table.depths.bid[-1, middle])


def jumps(rows: list[Published]) -> Iterator[Jump]:
    """Ratio of neighbouring depths, and where and why."""
    for before, after in pairwise(rows):
        if after.calibration.created_ms - before.calibration.created_ms != EVERY_MS:
            continue
        for direction, old, new in zip(Direction, depths(before), depths(after), strict=True):
            ratio = max(new / old, old / new) if min(old, new) > 0 else np.inf
            yield (
                ratio,
                f"{utc_text(after.calibration.created_ms)} {direction} {old:.4g} -> {new:.4g}: "
                + changed(before.calibration.flows.of(direction), after.calibration.flows.of(direction)),
            )


def changed(before: FlowEstimates, after: FlowEstimates) -> str:
    """The numbers that decide a depth, before and after."""
    names = ("fill_decay", "adverse_selection_on_fill", "adverse_selection_slope")
    return ", ".join(f"{name} {getattr(before, name).value:.3g} -> {getattr(after, name).value:.3g}" for name in names)


def main() -> None:
    store = TickStore(sys.argv[1])
    for coin in store.coins():
        for tape in sessions(store, coin):
            found = list(jumps(published(tape))) if len(tape.quotes.time_ms) >= FEWEST_QUOTES else []
            if found:
                worst = max(ratio for ratio, _ in found)
                above = [why for ratio, why in found if ratio > LIMIT]
                told = f"{len(found)} pairs, worst {worst:.2f}, above {LIMIT}: {len(above)}"
                print(f"{coin:6s} {utc_text(tape.start_ms)} {told}")
                print("".join(f"    {why}\n" for why in above), end="")


if __name__ == "__main__":
    main()
