"""Claim: the money of every replay adds up to 1e-9, and its 95 % intervals hold the truth 93 to 97 times of 100.

Usage: ``python benchmarks/replay_accounts.py [RUNS]``. Independent hours of a simulated market with known parameters,
each quoted on both sides at a fixed distance from mid (moved every second, at most three lots). An interval can only
hold the truth of all hours where every hour has the same truth: the simulated market's laws are of price differences,
so its prices are read as returns (`as_returns`), and a fixed distance is the same in bps at every price. The truth is
the mean of four times as many further hours. Per measure: how often its interval holds the truth and the mean half
width, and beside batch means the stationary bootstrap of the same money. The last line is the usual report for
comparison: fills taken for independent, and nothing counted later than five seconds after each.
"""

import sys
import time
from math import fsum, sqrt
from multiprocessing import Pool
from typing import NamedTuple

import numpy as np

from market_making.market.tape import FloatArray, Tape
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.ledger import EXACT, HORIZONS_S
from market_making.replay.accounts.metric import Metric
from market_making.replay.accounts.money_metrics import Bootstrapped, Markout, MoneyBps, MoneyPerHour
from market_making.replay.accounts.quoting_metrics import FillsPerHour, MeanInventory
from market_making.replay.result import Fundings, Outcome, ReplayResult, Session, Touch, fills_of, orders_of
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import simulate_tape

RUNS, TRUTH_FACTOR, HOUR_S = 400, 4, 3600
DEPTH, LOT, MOST, FEE = 1.2, 0.03, 3, 0.00015
TRUTH = default_truths(["ETH"])[0]
MEASURES = (
    MoneyPerHour("net"), MoneyPerHour("spread captured"), MoneyPerHour("adverse selection"), MoneyPerHour("inventory"),
    MoneyPerHour("fees"), MoneyBps("net"), MoneyBps("spread captured"), *(Markout(h) for h in HORIZONS_S),
    FillsPerHour(), MeanInventory(), Bootstrapped(),
)  # fmt: skip
INDEPENDENT = "net within 5 s, fills independent"


class Run(NamedTuple):
    """One hour: its measures (value, low, high) by name, and the largest gap of its identities [quote currency]."""

    measured: dict[str, tuple[float, float, float]]
    gap: float


def as_returns(price: FloatArray) -> FloatArray:
    """Prices whose returns are the differences of these to the first price of the market, relative to it."""
    first = TRUTH.start_price
    return np.asarray(first * np.exp((price - first) / first), dtype=np.float64)


def quoted(tape: Tape) -> ReplayResult:
    """The hour of a maker: a bid and an ask at a fixed distance from the mid of each second's start."""
    quotes, end_ms, trades = tape.quotes, HOUR_S * 1000, tape.trades
    simulated = Touch(quotes.time_ms, quotes.bid_price, quotes.ask_price)
    touch = Touch(quotes.time_ms, as_returns(quotes.bid_price), as_returns(quotes.ask_price))
    seconds = np.arange(0, end_ms, 1000)
    mids, planned_at = simulated.mid_at(seconds), touch.mid_at(seconds)
    before = touch.mid_before(trades.time_ms)
    rows, orders, position, done = [], [], 0, (-1, 0)
    for time_ms, sign, reached, mid in zip(trades.time_ms, trades.sign, trades.price, before, strict=True):
        second, side = int(time_ms) // 1000, -int(sign)
        ours = round(float(mids[min(second, HOUR_S - 1)]) - side * DEPTH, 1)
        if side * (ours - reached) < 0 or (second, side) == done or abs(position + side) > MOST or time_ms >= end_ms:
            continue
        position, done, price = position + side, (second, side), as_returns(np.array(ours)).item()
        rows.append((time_ms, len(orders), 0, side, price, LOT, LOT * price * FEE, True, mid))
        orders.append((second * 1000, second * 1000, time_ms, 0, side, Outcome.FILLED, price, LOT, planned_at[second]))
    fills = fills_of(rows)
    cash = -fsum(fills.sign * fills.size * fills.price) - fsum(fills.fee)
    held = fsum(fills.sign * fills.size)
    nothing = Fundings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    session = Session(0, end_ms, fills, orders_of(orders), touch, nothing, HOUR_S, HOUR_S, HOUR_S, 0, held, cash)
    return ReplayResult("fixed depth", "ETH", "simulated", FEE, (session,))


def measure(seed: int, measures: tuple[Metric, ...] = MEASURES) -> Run:
    """Simulate, quote and measure one hour."""
    accounts = Accounts(quoted(simulate_tape(TRUTH, seed=seed, seconds=HOUR_S)))
    found = {metric.name: metric.compute(accounts) for metric in measures}
    measured = {name: (each.value, each.low, each.high) for name, each in found.items()}
    money = accounts.fills[0]
    soon = money.spread + money.adverse[5.0] - money.fee
    total, half = float(np.sum(soon)), 1.96 * float(np.std(soon)) * sqrt(len(soon))
    measured[INDEPENDENT] = (total, total - half, total + half)
    gaps = [abs(accounts.money(h).net - accounts.sessions[0].net) for h in HORIZONS_S]
    blocks = accounts.blocks
    gaps += [abs(float(np.sum(blocks.inventory(h))) - accounts.money(h).inventory) for h in HORIZONS_S]
    return Run(measured, max(gaps))


def value(seed: int) -> dict[str, float]:
    """The same hour's values only, for the truth."""
    measured = {name: triple[0] for name, triple in measure(seed, MEASURES[:-1]).measured.items()}
    return measured | {MEASURES[-1].name: measured["net [per hour]"]}


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    began = time.monotonic()
    with Pool(2) as pool:
        hours = pool.map(measure, range(runs), chunksize=10)
        further = pool.map(value, range(10**6, 10**6 + TRUTH_FACTOR * runs), chunksize=10)
    print(
        f"{runs} hours, truth from {len(further)}, {time.monotonic() - began:.0f} s; largest gap of an identity",
        end=" ",
    )
    print(f"{max(hour.gap for hour in hours):.1e} (allowed {EXACT:g})")
    for name in hours[0].measured:
        truth = float(np.mean([each[name] for each in further]))
        triples = np.array([hour.measured[name] for hour in hours], dtype=float)
        holds = float(np.mean((triples[:, 1] <= truth) & (truth <= triples[:, 2])))
        error = 1.96 * sqrt(holds * (1 - holds) / runs)
        width = float(np.mean(triples[:, 2] - triples[:, 1])) / 2
        print(f"  {name:40s} truth {truth:+10.4f}  holds {holds:6.1%} ± {error:.1%}  half width {width:9.4f}")


if __name__ == "__main__":
    main()
