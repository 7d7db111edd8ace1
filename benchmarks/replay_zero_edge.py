"""Claim: where nothing can be earned, no variant and no peer earns in a replay; a planted half basis point is found.

Usage: ``python benchmarks/replay_zero_edge.py [--hours 160] [--makers NAME…]``. Independent hours of the market of
tests/replay/zero_edge.py. Per maker: gross per hour over its standard error over the hours, and what a fill earned
within a tenth of a second, over its own: both should be within 2 and must be within 3; net, which must not be positive;
and what a fill earned in other hours, a quarter as many, in which every fill is followed by 0.5 bps less of a move,
over its standard error, which must be above 5. Interrupted (Ctrl-C), it tells of the hours until then.
"""

import argparse
import logging
import sys
import tempfile
from collections import defaultdict
from contextlib import suppress
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from market_making.market.tape import FloatArray
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.result import ReplayResult
from market_making.settings.settings import Settings
from market_making.trading.freqtrade.strategy_model import load_model
from tests.replay.zero_edge import SECTION, edges_of, makers, setup, tape

ROOT = Path(__file__).resolve().parents[1]
PLANTED_BPS, PLANTED_EVERY = 0.5, 4  # hours


def over_error(values: FloatArray) -> float:
    """Mean over its standard error; 0 of nothing."""
    spread = float(np.std(values, ddof=1))
    return float(np.mean(values)) / (spread / sqrt(len(values))) if spread else 0.0


def main() -> None:
    """Print a row a maker; status 1 if one earns where nothing can be earned, or misses what was planted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=int, default=160)
    parser.add_argument("--makers", nargs="*")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    settings, shared = Settings.from_section(SECTION), setup()
    names = sorted(path.stem for path in (ROOT / "user_data" / "strategies").glob("*.py"))
    chosen = makers({name: load_model(name, settings, {}, ROOT / "user_data") for name in names})
    if options.makers:
        chosen = {name: chosen[name] for name in options.makers}
    runs: dict[tuple[str, float], list[Hour]] = defaultdict(list)
    with suppress(KeyboardInterrupt):
        for hours in range(1, options.hours + 1):
            for edge_bps in (0.0, PLANTED_BPS) if hours % PLANTED_EVERY == 1 else (0.0,):
                with tempfile.TemporaryDirectory() as folder:
                    made = tape(Path(folder), hours, 3600.0, edge_bps)
                    found = {name: hour_of(maker(shared, made)) for name, maker in chosen.items()}
                for name, hour in found.items():
                    runs[name, edge_bps].append(hour)
            print(f"{hours} of {options.hours} hours", file=sys.stderr, flush=True)
    print(f"{len(runs[next(iter(chosen)), 0.0])} hours")
    print(
        f"{'maker':26s} {'fills':>7s} {'gross/h':>9s} {'/error':>7s} {'net/h':>9s} {'a fill':>8s} {'/error':>7s}",
        end="",
    )
    print(f" {'planted':>8s} {'/error':>7s}")
    good = [shown(name, runs[name, 0.0], runs[name, PLANTED_BPS]) for name in chosen]
    raise SystemExit(not all(good))


class Hour(NamedTuple):
    """Gross and fees [quote currency], and what each fill earned [bps]."""

    gross: float
    fees: float
    edges: FloatArray


def hour_of(result: ReplayResult) -> Hour:
    """An hour of a maker; its money must add up."""
    accounts = Accounts(result)
    fees = float(np.sum(accounts.blocks.fees))
    return Hour(float(np.sum(accounts.blocks.net)) + fees, fees, edges_of(accounts))


def shown(name: str, plain: list[Hour], planted: list[Hour]) -> bool:
    """Print the row of a maker; whether it bears the claim out."""
    gross, edges = np.array([hour.gross for hour in plain]), np.concatenate([hour.edges for hour in plain])
    kind, net = np.concatenate([hour.edges for hour in planted]), float(np.mean([h.gross - h.fees for h in plain]))
    if not len(edges):
        print(f"{name:26s} {0:7d} no order is ever reached")
        return True
    errors = over_error(gross), over_error(edges), over_error(kind)
    print(f"{name:26s} {len(edges):7d} {np.mean(gross):+9.4f} {errors[0]:+7.2f} {net:+9.4f} ", end="")
    print(f"{np.mean(edges):+8.3f} {errors[1]:+7.2f} {np.mean(kind):+8.3f} {errors[2]:+7.1f}", flush=True)
    return max(abs(errors[0]), abs(errors[1])) < 3 and net <= 0 and errors[2] > 5


if __name__ == "__main__":
    main()
