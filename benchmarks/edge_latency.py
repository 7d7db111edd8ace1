"""Claim: the edge answers fills and cancels stale quotes several times faster than stock behaviour, at less weight.

Stock `freqtrade trade` on the local venue, with the edge switched on step by step; the first line is the baseline, all
switches off, at ccxt's own pace. Times are the venue's side of it, medians with their 95 % intervals: from the print
that fills an order to the opposite quote; from the best quote that has moved, of all coins, to the end of the first and
of the last stale order, and to the last new quote. The age of a book is that of the best price behind an order when the
order arrives. Weights are the venue's own count, the processor is that of the bot while it trades.

    python benchmarks/edge_latency.py [--network] [--pairs N] [--samples N] [--check] [STEP…]

`--network` is a round trip of 100 ms (a websocket's message takes 50 ms) and 300 ms until an action takes effect. Step
`all but NAME` is everything but one switch. Before each sample a busy machine is waited for, four seconds at most.
`--check` ends with status 1 if the last step misses a target.
"""

import argparse
import contextlib
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Self

import orjson
import psutil
import requests
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.market.sides import Direction  # noqa: E402
from tests.live_bot import LiveBot  # noqa: E402
from tests.puppet_market import ADDRESS, PuppetMarket, VenueThread  # noqa: E402

MID, HALF_SPREAD = 3000.0, 0.1
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
NEEDED_BY = {"socket": ("wake", "cancel_first")}
STEPS |= {
    f"all but {name}": tuple(each for each in STEPS["all"] if each not in (name, *NEEDED_BY.get(name, ())))
    for name in STEPS["all"]
}
LADDER = ("stock", "pace", "less asked", "fresh", "socket", "wake", "all")
WORST_MINUTE, PROCESSOR = 1_200.0, 0.10
DRIFT_S, STEP_S = 20.0, 0.1  # a market that drifts by a tick every 100 ms, so that a price tells when it was the best
EFFECT_MS, TRIP_S = 300.0, 0.1
PING_S, IDLE_S, PUBLISH_S, START_S = 20.0, 50.0, 10.0, 300
CALM_S, CALM_PERCENT, CALM_TRIES = 0.5, 70.0, 8


class Targets(NamedTuple):
    """The most that is allowed: medians [ms], weight a minute."""

    fill_to_quote: float
    move_to_last: float
    book_age: float
    weight_idle: float


TARGETS = {
    (1, True): Targets(700, 500, 600, 60),
    (5, True): Targets(800, 600, 600, 420),
    (1, False): Targets(150, 100, 600, 60),
    (5, False): Targets(150, 100, 600, 420),
}


class Measured(NamedTuple):
    """What one step showed; times [ms], weights per minute or per event."""

    fill_to_quote: list[float]
    move_to_first: list[float]
    move_to_last: list[float]
    move_to_quote: list[float]
    book_age: list[float]
    weight_idle: float
    weight_of_fill: float
    actions_of_move: float
    worst_minute: float
    processor: float


class Heard(NamedTuple):
    """The last news of an order: its coin, whether it rests, and since when [s, monotonic]."""

    coin: str
    rests: bool
    since_s: float


class Listener(threading.Thread):
    """Hears best quotes and order updates at the venue itself, and notes the stamps.

    Whoever asks the venue time and again instead takes the processor from the bot and the venue that are measured.
    """

    def __init__(self, bench: "Bench") -> None:
        super().__init__(daemon=True)
        self._bench = bench
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(5)

    def run(self) -> None:
        """Listen until it is ended."""
        with connect(self._bench.venue.direct_url.replace("http", "ws", 1) + "/ws", compression=None) as socket:
            for coin in self._bench.coins:
                _subscribe(socket, type="bbo", coin=coin)
            _subscribe(socket, type="orderUpdates", user=ADDRESS)
            pinged_s = time.monotonic()
            while not self._ended.is_set():
                if time.monotonic() - pinged_s > PING_S:  # who is silent for a minute is cut off
                    pinged_s = time.monotonic()
                    socket.send('{"method": "ping"}')
                with contextlib.suppress(TimeoutError):
                    self._take(**orjson.loads(socket.recv(timeout=1.0)))

    def _take(self, channel: str, data: Any = None) -> None:
        if channel == "bbo":
            bid, ask = (round(float(level["px"]), 2) for level in data["bbo"])
            self._bench.told.append((_monotonic_s(data["time"]), bid, ask))
        if channel == "orderUpdates":
            for update in data:
                order, since_s = update["order"], _monotonic_s(update["statusTimestamp"])
                self._bench.heard[order["oid"]] = Heard(order["coin"], update["status"] == "open", since_s)


def _subscribe(socket: ClientConnection, **subscription: str) -> None:
    socket.send(orjson.dumps({"method": "subscribe", "subscription": subscription}).decode())


def _monotonic_s(stamp_ms: int) -> float:
    return stamp_ms / 1e3 - time.time() + time.monotonic()


class Bench:
    """One bot at one step."""

    def __init__(self, venue: VenueThread, bot: LiveBot, coins: tuple[str, ...]) -> None:
        self.venue, self.bot, self.coins = venue, bot, coins
        self.session = requests.Session()
        self.phase, self.published_s = random.Random(1), 0.0
        self.told: list[tuple[float, float, float]] = []
        """When the market had which best bid and ask, of any coin, by the stamp of the message."""
        self.heard: dict[int, Heard] = {}
        """The last news of every order, by number."""

    def get(self, page: str, **query: str) -> Any:
        """A page of the venue that weighs nothing, at once."""
        return self.session.get(f"{self.venue.direct_url}{page}", params=query, timeout=5).json()

    def orders(self) -> dict[int, dict[str, Any]]:
        """Orders that rest, by number."""
        return {order["oid"]: order for order in self.get("/audit", user=ADDRESS, orders="1")["orders"]}

    def audit(self) -> dict[str, Any]:
        """What the account has done."""
        return dict(self.get("/audit", user=ADDRESS))

    def weight(self) -> dict[str, Any]:
        """The venue's count of this machine's requests."""
        (usage,) = self.get("/statistics")["weight"]["addresses"].values()
        return dict(usage)

    def publish(self) -> None:
        """Publish parameters of every coin; they hold for a minute."""
        self.published_s = time.monotonic()
        for coin in self.coins:
            self.bot.publish(coin=coin, pair=f"{coin}/USDC:USDC")

    def settled(self) -> dict[int, dict[str, Any]]:
        """Wait until an order rests on every coin, for a moment of any phase of the loop on a machine that has time."""
        for _ in range(CALM_TRIES):
            if psutil.cpu_percent(CALM_S) < CALM_PERCENT:
                break
        self.bot.wait(self._quotes_all, START_S, "quotes")
        time.sleep(2.2 + self.phase.random())  # the minimum life of an order, and any moment of a loop
        return self.orders()

    def _quotes_all(self) -> bool:
        if time.monotonic() - self.published_s > PUBLISH_S:
            self.publish()
        return len({order["coin"] for order in self.orders().values()}) == len(self.coins)

    def fill(self) -> tuple[float, float]:
        """Fill the order of the first coin; return the venue's time to the opposite quote [ms], and the weight."""
        order = next(each for each in self.settled().values() if each["coin"] == self.coins[0])
        is_bid, price = order["side"] == "B", float(order["limitPx"])
        before, answered = self.weight()["weight"], len(self.audit()["fill_to_quote_ms"])
        direction = Direction.SELL if is_bid else Direction.BUY
        self.venue.market.print_trade(direction, price - 1 if is_bid else price + 1, 10.0)
        self.bot.wait(lambda: len(self.audit()["fill_to_quote_ms"]) > answered, 30, "an opposite quote")
        after = self.weight()["weight"]
        return self.audit()["fill_to_quote_ms"][-1], sum(after.values()) - sum(before.values())

    def move(self) -> tuple[float, float, float, int]:
        """Move all coins towards their quotes.

        Return the times to the first and last end and to the last new quote [ms], and the actions that it took.
        """
        before, actions = self.settled(), self.audit()["actions"]
        sides = Counter(order["side"] for order in before.values())
        towards = -1 if sides["B"] >= sides["A"] else 1
        stale = {oid for oid, order in before.items() if (order["side"] == "B") == (towards < 0)}
        self.told.clear()
        self.venue.market.mid = mid = round(self.venue.market.mid + towards * 0.9, 1)
        self.bot.wait(lambda: self._has_answered(stale), 30, "cancels and new quotes")
        moved_s, heard = self._moved_s(mid, towards), dict(self.heard)
        gone = [heard[oid].since_s for oid in stale]
        quoted_s = max(order.since_s for order in heard.values() if order.rests)
        times = [(each - moved_s) * 1e3 for each in (min(gone), max(gone), quoted_s)]
        return times[0], times[1], times[2], self.audit()["actions"] - actions

    def _has_answered(self, stale: set[int]) -> bool:
        heard = dict(self.heard)
        gone = all(oid in heard and not heard[oid].rests for oid in stale)
        return gone and len({order.coin for order in heard.values() if order.rests}) == len(self.coins)

    def _moved_s(self, mid: float, towards: int) -> float:
        """When the market had first the side that has come towards the own orders, which are the other side [s]."""
        side, touch = (2, mid + HALF_SPREAD) if towards < 0 else (1, mid - HALF_SPREAD)
        return min(told[0] for told in self.told if abs(told[side] - touch) < HALF_SPREAD / 2)

    def book_ages(self, seconds: float) -> list[float]:
        """Let the market drift; return the age of the best price behind each order when it arrives [ms]."""
        self.settled()
        mids: list[tuple[float, float]] = []
        asked, until_s, step = len(self.venue.asked), time.monotonic() + seconds, 0.1
        while time.monotonic() < until_s:
            mid = self.venue.market.mid
            step = -0.1 if mid > MID + 2.0 else 0.1 if mid < MID - 2.0 else step
            self.venue.market.mid = round(mid + step, 1)
            mids.append((time.monotonic(), self.venue.market.mid))
            time.sleep(STEP_S)
        return list(self._ages(mids, self.venue.asked[asked:]))

    def _ages(self, mids: list[tuple[float, float]], asked: list[Any]) -> Iterator[float]:
        """Ages of the best prices that placed orders have followed [ms]; the best price is mid ± 0.1."""
        wall_s = time.time() - time.monotonic()
        lines = {line["sequence"]: line for line in self.bot.decisions()}
        placed = [line for line in lines.values() if line["event"] == "place"]
        for request in asked:
            if request.kind != "order" or request.time_s > mids[-1][0]:
                continue
            prices = {float(order["p"]) for order in request.body["action"]["orders"]}
            arrived_ms = (request.time_s + wall_s) * 1e3
            known = [line for line in placed if line["price"] in prices and 0 <= arrived_ms - line["time_ms"] < 3e3]
            if not known:
                continue
            market, fresh = lines[known[-1]["plan"]]["market"], known[-1]["terms"].get("fresh", 0.0)
            mid = (market["bid_price"] + market["ask_price"]) / 2 + (-fresh if known[-1]["side"] == "bid" else fresh)
            since = [began_s for began_s, each in mids if abs(each - mid) < 0.02 and began_s <= request.time_s]
            if since:
                yield (request.time_s - since[-1]) * 1e3

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
    effect_ms = EFFECT_MS if network else 0.0
    with (
        tempfile.TemporaryDirectory() as name,
        VenueThread(PuppetMarket(MID, coins=coins), order_latency_ms=effect_ms) as venue,
    ):
        bot = LiveBot(venue, Path(name), changes=changes)
        bench = Bench(venue, bot, coins)
        bench.publish()
        with bot, Listener(bench):
            bench.settled()
            venue.trip_s = TRIP_S if network else 0.0
            began_s, processor_s = time.monotonic(), bot.processor_s()
            idle = bench.idle(IDLE_S)
            fills = [bench.fill() for _ in range(samples)]
            moves = [bench.move() for _ in range(samples)]
            ages = bench.book_ages(DRIFT_S)
            worst = bench.weight()["weight_in_worst_minute"]
            share = (bot.processor_s() - processor_s) / (time.monotonic() - began_s)
    firsts, lasts, quotes, actions = zip(*moves, strict=True)
    took, weights = zip(*fills, strict=True)
    per_move = sum(actions) / samples / len(coins)
    weight = idle, median(weights), per_move, worst
    return Measured(list(took), list(firsts), list(lasts), list(quotes), ages, *weight, share / len(coins))


def interval(values: list[float]) -> str:
    """Median with its 95 % interval from the order of the values, and the worst."""
    ordered, number = sorted(values), len(values)
    low = max(int((number - 1.96 * number**0.5) / 2), 0)
    return f"{median(ordered):6.0f} [{ordered[low]:5.0f}, {ordered[number - 1 - low]:5.0f}]"


def main() -> None:
    """Print a line a step, and the ratios of the last to the first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--check", action="store_true", help="Status 1 if the last step misses a target.")
    parser.add_argument("steps", nargs="*", default=list(LADDER))
    options = parser.parse_args()
    coins = COINS[: options.pairs]
    network = "100 ms round trip, 300 ms exchange" if options.network else "no network"
    print(f"{len(coins)} pairs, {network}, {options.samples} samples, load {os.getloadavg()[0]:.1f}")
    print(
        "step                 fill→quote [ms]       first cancel   last cancel            new quote   "
        "book age               weight: idle  fill worst  actions  cpu/pair"
    )
    rows = []
    for step in options.steps:
        seen = measure(STEPS[step], coins, options.samples, network=options.network)
        rows.append(seen)
        print(
            f"{step:<17} {interval(seen.fill_to_quote)} {median(seen.move_to_first):8.0f}    "
            f"{interval(seen.move_to_last)} {median(seen.move_to_quote):8.0f}   {interval(seen.book_age)} "
            f"{seen.weight_idle:12.0f} {seen.weight_of_fill:5.0f} {seen.worst_minute:5.0f} "
            f"{seen.actions_of_move:8.2f} {seen.processor:8.1%}",
            flush=True,
        )
    first_row, last_row = rows[0], rows[-1]
    ratios = [median(first_row[index]) / median(last_row[index]) for index in (0, 2, 3, 4)]
    print(
        f"{options.steps[0]} / {options.steps[-1]}: fill→quote {ratios[0]:.1f}, move→last cancel {ratios[1]:.1f}, "
        f"move→new quote {ratios[2]:.1f}, book age {ratios[3]:.1f}, "
        f"idle weight {first_row.weight_idle / max(last_row.weight_idle, 1):.1f}"
    )
    missed = list(misses(last_row, len(coins), network=options.network))
    print(f"{options.steps[-1]}: {'; '.join(missed) or 'every target is met'}")
    raise SystemExit(options.check and bool(missed))


def misses(seen: Measured, pairs: int, *, network: bool) -> Iterator[str]:
    """Targets that are missed; there are some for one and five pairs."""
    targets = TARGETS.get((pairs, network))
    if targets is None:
        return
    figures = {name: getattr(seen, name) for name in targets._fields}
    for name, figure in figures.items():
        value, target = median(figure) if isinstance(figure, list) else figure, getattr(targets, name)
        if value > target:
            yield f"{name} is {value:.0f}, allowed are {target:.0f}"
    if seen.worst_minute > WORST_MINUTE:
        yield f"a minute weighs {seen.worst_minute:.0f}, allowed are {WORST_MINUTE:.0f}"
    if seen.processor > PROCESSOR:
        yield f"the processor is at {seen.processor:.1%} of a core per pair, allowed are {PROCESSOR:.0%}"


if __name__ == "__main__":
    main()
