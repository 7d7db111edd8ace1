"""Claim: where nothing can be earned, no variant and no peer earns in a replay; a planted half basis point is found.

Usage: ``python benchmarks/replay_zero_edge.py [--hours 160] [--makers NAME…] [--keep FILE]``. Independent hours of the
market of tests/replay/zero_edge.py. Per maker: gross per hour over its standard error over the hours, and what a fill
earned within a tenth of a second, over its own; net, which must not be positive; and what a fill earned in other hours,
a quarter as many, in which every fill is followed by 0.5 bps less of a move, over its standard error, which must be
above 5. Levels of a ladder that one market order fills are one fill. All figures of all makers must lie within the
bound that as many independent ones break one time in twenty.

With ``--keep``, what each hour gave is kept in a file of JSON lines: whoever interrupts the command (Ctrl-C) calls it
again, and hours and makers that are there already are not run again. Interrupted, it tells of the hours until then.
"""

import argparse
import json
import logging
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from market_making.market.tape import FloatArray
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.result import ReplayResult
from market_making.settings.settings import Settings
from market_making.trading.freqtrade.strategy_model import load_model
from tests.replay.zero_edge import SECTION, Maker, edges_of, makers, setup, tape

ROOT = Path(__file__).resolve().parents[1]
PLANTED_BPS, PLANTED_EVERY = 0.5, 4  # hours
BY_CHANCE = 0.05  # that any of all figures lies beyond the bound where nothing is wrong


class Hour(NamedTuple):
    """What an hour gave a maker: gross and fees [quote currency], fills, sums of what each earned [bps, bps²]."""

    maker: str
    edge_bps: float
    hour: int
    gross: float
    fees: float
    fills: int
    edge: float
    edge_squared: float


Hours = dict[tuple[str, float], list[Hour]]


class Row(NamedTuple):
    """A maker: fills, gross and net per hour, edge of a fill without and with the planted one, each over its error."""

    name: str
    fills: int
    gross: float
    gross_errors: float
    net: float
    edge: float
    edge_errors: float
    planted: float
    planted_errors: float


def main() -> None:
    """Print a row a maker; status 1 if one earns where nothing can be earned, or misses what was planted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=int, default=160)
    parser.add_argument("--makers", nargs="*")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    settings = Settings.from_section(SECTION)
    names = sorted(path.stem for path in (ROOT / "user_data" / "strategies").glob("*.py"))
    chosen = makers({name: load_model(name, settings, {}, ROOT / "user_data") for name in names})
    if options.makers:
        chosen = {name: chosen[name] for name in options.makers}
    hours = read(options.keep)
    with suppress(KeyboardInterrupt):
        for number in range(1, options.hours + 1):
            for edge_bps in (0.0, PLANTED_BPS) if number % PLANTED_EVERY == 1 else (0.0,):
                run(chosen, hours, number, edge_bps, options.keep)
            print(f"{number} of {options.hours} hours", file=sys.stderr, flush=True)
    raise SystemExit(not shown(chosen, hours))


def read(keep: Path | None) -> Hours:
    """The hours that are known already."""
    hours: Hours = defaultdict(list)
    if keep is not None and keep.exists():
        for line in keep.read_text().splitlines():
            hour = Hour(**json.loads(line))
            hours[hour.maker, hour.edge_bps].append(hour)
    return hours


def run(chosen: Mapping[str, Maker], hours: Hours, number: int, edge_bps: float, keep: Path | None) -> None:
    """Run an hour for the makers that do not have it."""
    missing = [name for name in chosen if number not in {hour.hour for hour in hours[name, edge_bps]}]
    if not missing:
        return
    shared = setup()
    with tempfile.TemporaryDirectory() as folder:
        made = tape(Path(folder), number, 3600.0, edge_bps)
        found = [hour_of((name, edge_bps, number), chosen[name](shared, made)) for name in missing]
    for hour in found:
        hours[hour.maker, edge_bps].append(hour)
    if keep is not None:
        with keep.open("a") as file:
            file.writelines(json.dumps(hour._asdict()) + "\n" for hour in found)


def hour_of(about: tuple[str, float, int], result: ReplayResult) -> Hour:
    """An hour of a maker; its money must add up."""
    accounts = Accounts(result)
    fees, edges = float(np.sum(accounts.blocks.fees)), edges_of(accounts)
    gross = float(np.sum(accounts.blocks.net)) + fees
    return Hour(*about, gross, fees, len(edges), float(np.sum(edges)), float(np.sum(edges**2)))


def row(name: str, plain: Sequence[Hour], planted: Sequence[Hour]) -> Row:
    """What all hours of a maker say."""
    gross = np.array([hour.gross for hour in plain])
    net = float(np.mean([hour.gross - hour.fees for hour in plain]))
    fills = sum(hour.fills for hour in plain)
    return Row(name, fills, float(np.mean(gross)), over_error(gross), net, *of_a_fill(plain), *of_a_fill(planted))


def over_error(values: FloatArray) -> float:
    """Mean over its standard error; 0 of nothing."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return float(np.mean(values)) / (spread / sqrt(len(values))) if spread else 0.0


def of_a_fill(hours: Sequence[Hour]) -> tuple[float, float]:
    """What a fill earned [bps], and that over its standard error; 0 of less than two."""
    fills = sum(hour.fills for hour in hours)
    if fills < 2:
        return 0.0, 0.0
    mean = sum(hour.edge for hour in hours) / fills
    variance = (sum(hour.edge_squared for hour in hours) - fills * mean**2) / (fills - 1)
    return mean, mean / sqrt(variance / fills)


def shown(chosen: Mapping[str, Maker], hours: Hours) -> bool:
    """Print all rows and the bound; whether they bear the claim out."""
    rows = [row(name, hours[name, 0.0], hours[name, PLANTED_BPS]) for name in chosen]
    print(f"{'maker':26s} {'hours':>5s} {'fills':>7s} {'gross/h':>9s} {'/error':>7s} {'net/h':>9s} ", end="")
    print(f"{'a fill':>8s} {'/error':>7s} {'planted':>8s} {'/error':>7s}")
    for each in rows:
        print(f"{each.name:26s} {len(hours[each.name, 0.0]):5d} {each.fills:7d} ", end="")
        if not each.fills:
            print("no order is ever reached")
            continue
        print(f"{each.gross:+9.4f} {each.gross_errors:+7.2f} {each.net:+9.4f} ", end="")
        print(f"{each.edge:+8.3f} {each.edge_errors:+7.2f} {each.planted:+8.3f} {each.planted_errors:+7.1f}")
    filled = [each for each in rows if each.fills]
    figures = [abs(figure) for each in filled for figure in (each.gross_errors, each.edge_errors)]
    bound = NormalDist().inv_cdf((1 + (1 - BY_CHANCE) ** (1 / max(len(figures), 1))) / 2)
    print(
        f"largest of {len(figures)} figures {max(figures, default=0.0):.2f} errors; one of as many independent ones "
        f"is beyond {bound:.2f} in {BY_CHANCE:.0%} of all cases; above 2: {sum(figure > 2 for figure in figures)}, "
        f"{len(figures) * 2 * NormalDist().cdf(-2):.1f} expected"
    )
    is_fair = all(figure < bound for figure in figures) and all(each.net <= 0 for each in filled)
    return is_fair and all(each.planted_errors > 5 for each in filled)


if __name__ == "__main__":
    main()
