"""Claim: the edge answers fills and cancels stale quotes several times faster than stock behaviour, at less weight.

Stock `freqtrade trade` on the local venue, with the edge switched on step by step; the first line is the baseline, all
switches off, at ccxt's own pace. Times are the venue's side of it: from the print that fills an order to the opposite
quote, from a move of all coins to the last cancellation and to the last new quote. Weights are the venue's own count.

    python benchmarks/edge_latency.py [--network] [--pairs N] [--samples N] [STEP…]

`--network` is a round trip of 100 ms (a websocket's message takes 50 ms) and 300 ms until an action takes effect.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.market.sides import Direction  # noqa: E402
from tests.live_bot import LiveBot  # noqa: E402
from tests.puppet_market import ADDRESS, PuppetMarket, VenueThread  # noqa: E402

COINS = ("ETH", "BTC", "SOL", "ARB", "OP")
LATER = ("fresh", "socket", "wake", "cancel_first")
STEPS: dict[str, tuple[str, ...]] = {
    "stock": (),
    "pace": ("pace",),
    "less asked": ("pace", "asked_once", "leverage_once", "funding"),
    "fresh": ("pace", "asked_once", "leverage_once", "funding", "fresh"),
    "socket": ("pace", "asked_once", "leverage_once", "funding", "fresh", "socket"),
    "wake": ("pace", "asked_once", "leverage_once", "funding", "fresh", "socket", "wake"),
    "all": ("pace", "asked_once", "leverage_once", "funding", "fresh", "socket", "wake", "cancel_first"),
}
SWITCHES = ("pace", "asked_once", "leverage_once", "address_budget", "funding", *LATER)


class Measured(NamedTuple):
    """What one step showed; times [ms], weights per minute or per event."""

    fill_to_quote: list[float]
    move_to_first: list[float]
    move_to_last: list[float]
    move_to_quote: list[float]
    weight_idle: float
    weight_of_fill: float
    actions_of_move: float
    worst_minute: float
    processor: float


class Bench:
    """One bot at one step."""

    def __init__(self, venue: VenueThread, bot: LiveBot, coins: tuple[str, ...]) -> None:
        self.venue, self.bot, self.coins = venue, bot, coins
        self.session = requests.Session()
        self.phase = random.Random(1)

    def orders(self) -> dict[int, dict[str, Any]]:
        """Orders that rest, by number; a question that weighs nothing."""
        question = {"user": ADDRESS, "orders": "1"}
        report = self.session.get(f"{self.venue.url}/audit", params=question, timeout=5).json()
        return {order["oid"]: order for order in report["orders"]}

    def actions(self) -> int:
        """Actions that the account has used."""
        return int(self.session.get(f"{self.venue.url}/audit", params={"user": ADDRESS}, timeout=5).json()["actions"])

    def weight(self) -> dict[str, Any]:
        """The venue's count of this machine's requests."""
        (usage,) = self.session.get(f"{self.venue.url}/statistics", timeout=5).json()["weight"]["addresses"].values()
        return dict(usage)

    def publish(self) -> None:
        """Publish parameters of every coin."""
        for coin in self.coins:
            self.bot.publish(coin=coin, pair=f"{coin}/USDC:USDC")

    def settled(self) -> dict[int, dict[str, Any]]:
        """Wait until an order rests on every coin, for a moment of any phase of the loop."""
        self.publish()
        self.bot.wait(lambda: len({order["coin"] for order in self.orders().values()}) == len(self.coins), 90, "quotes")
        time.sleep(2.2 + self.phase.random())  # the minimum life of an order, and any moment of a loop
        return self.orders()

    def fill(self) -> tuple[float, float]:
        """Fill the order of the first coin; return the time to the opposite quote [ms] and the weight it took."""
        order = next(each for each in self.settled().values() if each["coin"] == self.coins[0])
        is_bid, price = order["side"] == "B", float(order["limitPx"])
        before = self.weight()["weight"]
        began = time.monotonic()
        direction = Direction.SELL if is_bid else Direction.BUY
        self.venue.market.print_trade(direction, price - 1 if is_bid else price + 1, 10.0)
        while not any(o["coin"] == self.coins[0] and o["side"] != order["side"] for o in self.orders().values()):
            assert time.monotonic() - began < 30, self.bot.log[-2000:]
            time.sleep(0.005)
        took = time.monotonic() - began
        after = self.weight()["weight"]
        return took * 1e3, sum(after.values()) - sum(before.values())

    def move(self) -> tuple[float, float, float, int]:
        """Move all coins towards their quotes.

        Return the times to the first and last end and to the last new quote [ms], and the actions that it took.
        """
        before, actions = self.settled(), self.actions()
        sides = Counter(order["side"] for order in before.values())
        towards = -1 if sides["B"] >= sides["A"] else 1
        stale = {oid for oid, order in before.items() if (order["side"] == "B") == (towards < 0)}
        gone: dict[int, float] = {}
        began = time.monotonic()
        self.venue.market.mid = round(self.venue.market.mid + towards * 0.9, 1)
        while True:
            now, orders = time.monotonic() - began, self.orders()
            gone |= {oid: now for oid in stale if oid not in orders and oid not in gone}
            if len(gone) == len(stale) and len({order["coin"] for order in orders.values()}) == len(self.coins):
                break
            assert now < 60, self.bot.log[-2000:]
            time.sleep(0.005)
        return min(gone.values()) * 1e3, max(gone.values()) * 1e3, now * 1e3, self.actions() - actions

    def idle(self, seconds: float) -> float:
        """Weight a minute while nothing happens."""
        self.settled()
        before = sum(self.weight()["weight"].values())
        time.sleep(seconds)
        return (sum(self.weight()["weight"].values()) - before) * 60 / seconds


def measure(names: tuple[str, ...], coins: tuple[str, ...], samples: int, *, network: bool) -> Measured:
    """Run one step."""
    edge = dict.fromkeys(SWITCHES, False) | dict.fromkeys(names, True)
    changes: dict[str, Any] = {
        "market_making": {"edge": edge, "quote": {"actions_per_minute": 600}},
        "exchange": {"ccxt_config": {"rateLimit": 50}, "pair_whitelist": [f"{coin}/USDC:USDC" for coin in coins]},
        "max_open_trades": len(coins),
        "dry_run_wallet": 10_000,
    }
    effect_ms = 300.0 if network else 0.0
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (
        tempfile.TemporaryDirectory() as name,
        VenueThread(PuppetMarket(coins=coins), order_latency_ms=effect_ms) as venue,
    ):
        bot = LiveBot(venue, Path(name), changes=changes)
        bench, began = Bench(venue, bot, coins), time.monotonic()
        bench.publish()
        with bot:
            bench.settled()
            venue.trip_s = 0.1 if network else 0.0
            idle = bench.idle(20.0)
            fills = [bench.fill() for _ in range(samples)]
            moves = [bench.move() for _ in range(samples)]
            worst = bench.weight()["weight_in_worst_minute"]
            lasted = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = (used.ru_utime + used.ru_stime - children.ru_utime - children.ru_stime) / lasted
    firsts, lasts, quotes, actions = zip(*moves, strict=True)
    took, weights = zip(*fills, strict=True)
    per_move = sum(actions) / samples / len(coins)
    return Measured(
        list(took), list(firsts), list(lasts), list(quotes), idle, median(weights), per_move, worst, processor
    )


def main() -> None:
    """Print a line a step, and the ratios of the last to the first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("steps", nargs="*", default=list(STEPS))
    options = parser.parse_args()
    coins = COINS[: options.pairs]
    print(f"{len(coins)} pairs, {'network' if options.network else 'no network'}, load {os.getloadavg()[0]:.1f}")
    print(
        "step         fill→quote [ms]      move→first/last cancel  →new quote  weight: idle  fill  worst  actions  cpu"
    )
    rows = []
    for step in options.steps:
        seen = measure(STEPS[step], coins, options.samples, network=options.network)
        rows.append(seen)
        fill, first, last, quote = (median(each) for each in seen[:4])
        print(
            f"{step:<11} {fill:7.0f} (worst {max(seen.fill_to_quote):5.0f}) {first:9.0f} / {last:5.0f} "
            f"(worst {max(seen.move_to_last):5.0f}) {quote:8.0f} {seen.weight_idle:13.0f} {seen.weight_of_fill:5.0f} "
            f"{seen.worst_minute:6.0f} {seen.actions_of_move:8.2f} {seen.processor:5.0%}",
            flush=True,
        )
    first_row, last_row = rows[0], rows[-1]
    ratios = [median(first_row[index]) / median(last_row[index]) for index in (0, 2, 3)]
    print(
        f"{options.steps[0]} / {options.steps[-1]}: fill→quote {ratios[0]:.1f}, move→last cancel {ratios[1]:.1f}, "
        f"move→new quote {ratios[2]:.1f}, idle weight {first_row.weight_idle / max(last_row.weight_idle, 1):.1f}"
    )


if __name__ == "__main__":
    main()
