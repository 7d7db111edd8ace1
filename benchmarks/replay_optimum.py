"""Claim: replayed on simulated truth, the model's table earns what its equation promises, and other depths earn less.

Usage: ``python benchmarks/replay_optimum.py [--hours 200] [--engine exchange-whole] [--keep FILE]``. Independent hours
of the market of tests/replay/optimum.py, the same for four makers: the model's table, its depths times 0.7 and times
1.3, and the depths of a flat position whatever is held. Per maker: what it was worth per hour and lot, that is net less
the running penalty, with its standard error over the hours, beside what theory says of its table; and the difference
from the optimum on the same hours, over its own standard error. The optimum must lie within 3 standard errors and 3 %
of the growth that the solver of the equation states, and each of the others at least 10 below it.

With ``--keep``, what each hour gave is kept in a file of JSON lines: whoever interrupts the command (Ctrl-C) calls it
again, and hours that are there already are not run again. Interrupted, it tells of the hours until then.
"""

import argparse
import json
import logging
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from market_making.market.tape import FloatArray
from market_making.replay.bot.run import EngineKind
from market_making.replay.engines.exchange import WholeFillExchange
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from tests.replay.optimum import BASIS_POINT, OPTIMUM, Promise, growth_of, makers, tape, truth, worth

KINDS = (HftbacktestEngine, WholeFillExchange)  # the equation knows no parts of lots
ENGINES: Mapping[str, EngineKind] = {kind.name: kind for kind in KINDS}
HOUR_S = 3600.0
SAME_ERRORS, SAME_SHARE, WORSE_ERRORS = 3.0, 0.03, 10.0


class Hour(NamedTuple):
    """What an hour gave a maker: worth [bps per hour and lot] and fills."""

    maker: str
    engine: str
    hour: int
    worth: float
    fills: int


Hours = dict[tuple[str, str], dict[int, Hour]]


def main() -> None:
    """Print a row a maker and whether each claim holds; status 1 if one does not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=int, default=200)
    parser.add_argument("--engine", choices=ENGINES, default=HftbacktestEngine.name)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    promise, hours = Promise(truth().order_flow()), read(options.keep)
    with suppress(KeyboardInterrupt):
        for number in range(1, options.hours + 1):
            run(promise, hours, options.engine, number, options.keep)
            print(f"{number} of {options.hours} hours", file=sys.stderr, flush=True)
    raise SystemExit(not shown(promise, {name: hours[name, options.engine] for name in promise.depths}))


def read(keep: Path | None) -> Hours:
    """The hours that are known already."""
    hours: Hours = defaultdict(dict)
    if keep is not None and keep.exists():
        for line in keep.read_text().splitlines():
            hour = Hour(**json.loads(line))
            hours[hour.maker, hour.engine][hour.hour] = hour
    return hours


def run(promise: Promise, hours: Hours, engine: str, number: int, keep: Path | None) -> None:
    """Run an hour for the makers that do not have it."""
    missing = [peer for name, peer in makers(promise).items() if number not in hours[name, engine]]
    if not missing:
        return
    with tempfile.TemporaryDirectory() as folder:
        made = tape(Path(folder), number, HOUR_S)
        found = []
        for peer in missing:
            value, fills = worth(peer, made, ENGINES[engine])
            found.append(Hour(peer.name, engine, number, per_hour(value), fills))
    for hour in found:
        hours[hour.maker, engine][number] = hour
    if keep is not None:
        with keep.open("a") as file:
            file.writelines(json.dumps(hour._asdict()) + "\n" for hour in found)


def per_hour(growth: float) -> float:
    """The same in bps per hour and lot."""
    return growth / BASIS_POINT * HOUR_S


def error(values: FloatArray) -> float:
    """Standard error of the mean."""
    return float(np.std(values, ddof=1)) / sqrt(len(values))


def shown(promise: Promise, hours: Mapping[str, Mapping[int, Hour]]) -> bool:
    """Print all rows and the claims; whether all hold."""
    common = sorted(set.intersection(*(set(of) for of in hours.values())))
    if len(common) < 2:
        raise SystemExit("two hours at least are needed")
    values = {name: np.array([of[number].worth for number in common]) for name, of in hours.items()}
    print(f"{len(common)} hours; worth and theory in bps per hour and lot")
    print(f"{'maker':14s} {'fills':>8s} {'worth':>9s} {'error':>7s} {'theory':>9s} {'/error':>7s} ", end="")
    print(f"{'ratio':>7s} {'less':>8s} {'/error':>7s}")
    lower = []
    for name, of_maker in values.items():
        theory, mean = per_hour(growth_of(promise.flow, promise.depths[name])), float(np.mean(of_maker))
        fills, less = sum(hours[name][number].fills for number in common), values[OPTIMUM] - of_maker
        print(f"{name:14s} {fills:8d} {mean:9.1f} {error(of_maker):7.1f} {theory:9.1f} ", end="")
        print(f"{(mean - theory) / error(of_maker):+7.2f} {mean / theory:7.4f} ", end="")
        if name != OPTIMUM:
            lower.append(float(np.mean(less)) / error(less))
            print(f"{np.mean(less):8.1f} {lower[-1]:7.1f}", end="")
        print()
    growth, best = per_hour(promise.growth), values[OPTIMUM]
    off = float(np.mean(best)) - growth
    claims = {
        f"growth {growth:.1f} of the equation: {off / error(best):+.2f} errors, {off / growth:+.2%}": (
            abs(off) < SAME_ERRORS * error(best) and abs(off) < SAME_SHARE * growth
        ),
        f"every other maker at least {WORSE_ERRORS:g} errors below, least {min(lower):.1f}": min(lower) >= WORSE_ERRORS,
    }
    for claim, holds in claims.items():
        print(f"{'holds' if holds else 'FAILS'}: {claim}")
    return all(claims.values())


if __name__ == "__main__":
    main()
