"""Thousands of cancels by `mm guard` beside stock bots: each was due, none came twice, and no bot's books are confused.

Usage: ``python benchmarks/guard_cancels.py [CANCELS] [MINUTES]``: until so many quotes were cancelled, or for so long.

Two stock bots on two accounts quote five coins each on the local venue, and one `mm guard` watches both, with the bots'
own keys. Mids walk fast, jump now and then, and takers fill quotes in between, in parts, so that fills and cancels
cross. The referee is the market: it knows every mid it has shown. A cancel was due if mid had come closer to the quote
than the plan in the bot's log by more than the guard's threshold, within the last half second. Once a second each bot's
database is held against the venue, at the end its log as well, fill by fill. Cancels by the guard's other rules are
only counted: a bot that a busy machine keeps from looping for 5 s is silent.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.guard.quote_guard import QuoteGuardRules  # noqa: E402
from market_making.market.events import BookSnapshot, Level, Trade  # noqa: E402
from market_making.market.sides import Direction  # noqa: E402
from market_making.ops.demo.audit import unaccounted, unrecorded  # noqa: E402
from market_making.safety.guard_record import NAME as GUARD  # noqa: E402
from market_making.safety.state_file import BotState, read_state  # noqa: E402
from market_making.trading.decision_log import read_decisions  # noqa: E402
from tests.live_bot import LiveBot  # noqa: E402
from tests.puppet_market import (  # noqa: E402
    ADDRESS,
    KEY,
    OTHER_ADDRESS,
    OTHER_KEY,
    STEP_MS,
    PuppetMarket,
    VenueThread,
)

COINS = ("ETH", "BTC", "SOL", "ARB", "OP")
MID, TICK, WALK, PULL, JUMP, JUMPS_PER_S, TRADES_PER_S = 3000.0, 0.1, 0.4, 0.05, 1.0, 0.5, 0.3
SEEN_MS, SAID_MS, SETTLED = 500, 3000, 5
Books = dict[str, list[str]]


class WalkingMarket(PuppetMarket):
    """Each coin walks around the same price, and remembers every mid: times [ms] and mids by coin."""

    def __init__(self) -> None:
        super().__init__(MID, COINS)
        self.times: dict[str, list[int]] = defaultdict(list)
        self.mids: dict[str, list[float]] = defaultdict(list)
        self._chance = np.random.default_rng(1)

    def events(self, start_ms: int) -> Iterator[BookSnapshot | Trade]:
        """Books of all coins every 50 ms, and takers between them."""
        exact, step_s, now_ms, number = dict.fromkeys(COINS, MID), STEP_MS / 1e3, start_ms, 0
        while True:
            for coin in COINS:
                if self._chance.random() < TRADES_PER_S * step_s:
                    number += 1
                    yield self._taker(coin, now_ms, number)
                exact[coin] += float(WALK * step_s**0.5 * self._chance.normal()) - PULL * (exact[coin] - MID) * step_s
                if self._chance.random() < JUMPS_PER_S * step_s:
                    exact[coin] += float(JUMP * self._chance.choice((-1, 1)))
                yield self._shown(coin, now_ms, round(exact[coin], 1))
            now_ms += STEP_MS

    def closest(self, coin: str, is_bid: bool, time_ms: int) -> float:
        """The mid that came closest to a quote of a side just before a moment [price]."""
        times, mids = self.times[coin], self.mids[coin]
        first, last = bisect_left(times, time_ms - SEEN_MS), bisect_left(times, time_ms + 1)
        return (min if is_bid else max)(mids[max(first - 1, 0) : last])

    def _taker(self, coin: str, now_ms: int, number: int) -> Trade:
        """Somebody takes what is within reach; half of them less than a whole quote."""
        direction = Direction.BUY if self._chance.random() < 0.5 else Direction.SELL
        reach, size = (float(least + self._chance.exponential(mean)) for least, mean in ((0.1, 0.5), (0.005, 0.05)))
        mid = self.mids[coin][-1] if self.mids[coin] else MID
        price = round(mid + (reach if direction is Direction.BUY else -reach), 1)
        return Trade(coin, now_ms, direction, price, round(size, 4), str(number))

    def _shown(self, coin: str, now_ms: int, mid: float) -> BookSnapshot:
        self.times[coin].append(now_ms)
        self.mids[coin].append(mid)
        bids, asks = (tuple(Level(round(mid + away * TICK * (i + 1), 1), 5.0) for i in range(20)) for away in (-1, 1))
        return BookSnapshot(coin, now_ms, bids, asks)


class Bots:
    """Two bots whose files the guard finds in one place."""

    def __init__(self, venue: VenueThread, folder: Path) -> None:
        self.venue, self.folder = venue, folder
        self.bots = {
            name: self._bot(name, address, key)
            for name, address, key in (("one", ADDRESS, KEY), ("two", OTHER_ADDRESS, OTHER_KEY))
        }
        self.addresses = {"one": ADDRESS, "two": OTHER_ADDRESS}
        self._said: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
        self._lasting: Counter[tuple[str, str]] = Counter()
        self.differences: Books = {"one": [], "two": []}

    def _bot(self, name: str, address: str, key: str) -> LiveBot:
        own = self.folder / name
        own.mkdir()
        shared = {each: str(self.folder / each) for each in ("state", "decisions")}
        changes: dict[str, Any] = {
            "bot_name": name,
            "max_open_trades": len(COINS),
            "exchange": {
                "walletAddress": address,
                "privateKey": key,
                "pair_whitelist": [f"{coin}/USDC:USDC" for coin in COINS],
            },
            "market_making": {
                **shared,
                "edge": {"socket": True, "pace": False},  # ten pairs would share 1,180 of weight a minute
                "risk": {"daily_loss": 1e6, "drawdown": 1e6},
                "quote": {"minimum_life_s": 1, "actions_per_minute": 1200, "maximum_half_spread_bps": 4},
            },
        }
        return LiveBot(self.venue, own, changes=changes)

    def publish(self) -> None:
        """Keep the parameters of all coins valid."""
        valid_until_ms = int(time.time() * 1e3) + 600_000
        for bot in self.bots.values():
            for coin in COINS:
                bot.publish(coin=coin, pair=f"{coin}/USDC:USDC", valid_until_ms=valid_until_ms)

    def audit(self, name: str, **more: str) -> dict[str, Any]:
        """The venue's own account of a bot; with ``orders="yes"`` of every order and fill."""
        return self.venue.audit(self.addresses[name], **more)

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The decision log of a bot."""
        return list(read_decisions(*sorted((self.folder / "decisions").glob(f"{name}-*.jsonl"))))

    def listen(self, ended: threading.Event) -> None:
        """Take ten times a second what each bot says about how much mid moves [price/√s]."""
        while not ended.wait(0.1):
            self._hear()

    def _hear(self) -> None:
        for name in self.bots:
            state = read_state(self.folder / "state" / f"{name}.json")
            assert isinstance(state, BotState)
            for pair in state.pairs:
                self._said[name, pair.coin].append((state.written_ms, pair.volatility or 0.0))

    def volatility(self, name: str, event: dict[str, Any]) -> float:
        """The least that a bot has said around an event [price/√s]."""
        said = self._said[name, event["coin"]]
        return min((value for time_ms, value in said if abs(time_ms - event["time_ms"]) < SAID_MS), default=0.0)

    def compare(self) -> None:
        """Hold the databases against the venue; a difference that lasts is one."""
        for name, bot in self.bots.items():
            found = unaccounted(bot.folder / "trades.sqlite", self.audit(name)["positions"], set())
            held = {(name, text) for text in found}
            self._lasting = Counter({key: n for key, n in self._lasting.items() if key[0] != name or key in held})
            for key in held:
                self._lasting[key] += 1
                if self._lasting[key] == SETTLED:
                    self.differences[name].append(key[1])


def start_guard(bots: Bots) -> subprocess.Popen[bytes]:
    """`mm guard`, as a user starts it."""
    command = [sys.executable, "-m", "market_making.ops", "guard", "--config", str(ROOT / "user_data" / "config.json")]
    for bot in bots.bots.values():
        command += ["--bot", str(bot.folder / "private.json")]
    output = (bots.folder / "guard.log").open("wb")
    return subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"NO_PROXY": "127.0.0.1"}, cwd=ROOT)


def guard_events(folder: Path) -> list[dict[str, Any]]:
    """The guard's record."""
    paths = sorted((folder / "decisions").glob(f"{GUARD}-*.jsonl"))
    return [orjson.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def is_due(event: dict[str, Any], place: dict[str, Any], volatility: float, market: WalkingMarket) -> bool:
    """Whether a quote was too close when it was cancelled, by what the market had shown."""
    away = 1 if event["side"] == "bid" else -1
    mid = market.closest(event["coin"], away > 0, event["time_ms"])
    planned = abs(place["price"] - place["mid"]) - place["terms"].get("fresh", 0.0)
    closer = planned - away * (mid - place["price"])
    return bool(closer > QuoteGuardRules().moves * volatility)


def main() -> None:
    """Run until enough quotes were cancelled, and print what was found."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 40.0
    market = WalkingMarket()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        venue = stack.enter_context(VenueThread(market, order_latency_ms=50.0, free_actions=10**7))
        bots = Bots(venue, folder)
        bots.publish()
        for bot in bots.bots.values():
            stack.enter_context(bot)
        for name, bot in bots.bots.items():
            bot.wait(lambda name=name: bool(bots.audit(name)["open_orders"]), 90, "a first quote")
        guard = start_guard(bots)
        try:
            took_s = run(bots, folder, wanted, minutes)
        finally:
            guard.send_signal(signal.SIGTERM)
            guard.wait(20)
        for bot in bots.bots.values():
            bot.stop()
        sys.exit(report(bots, market, took_s))


def run(bots: Bots, folder: Path, wanted: int, minutes: float) -> float:
    """Watch until enough quotes were cancelled; return how long it took [s]."""
    began, ended = time.monotonic(), threading.Event()
    threading.Thread(target=bots.listen, args=(ended,), daemon=True).start()
    while (took_s := time.monotonic() - began) < minutes * 60:
        bots.publish()
        for _ in range(20):
            with suppress(requests.Timeout):  # a venue that has no processor for 5 s is looked at a second later
                bots.compare()
            time.sleep(1.0)
        cancelled = sum(each["event"] == "cancelled" and each["reason"] == GUARD for each in guard_events(folder))
        print(f"{took_s / 60:5.1f} min  {cancelled} cancelled", flush=True)
        if cancelled >= wanted:
            break
    ended.set()
    return time.monotonic() - began


def report(bots: Bots, market: WalkingMarket, took_s: float) -> int:
    """Print what was found; return the exit status, 1 if anything is wrong."""
    events = guard_events(bots.folder)
    counts = Counter(f"{event['event']}, {event.get('reason')}" for event in events)
    sent = Counter(event["order_id"] for event in events if event["event"] == "cancel")
    undue, untold, unplaced, wrong = [], [], 0, []
    others: Counter[str] = Counter()
    for name in bots.bots:
        lines, audit = bots.lines(name), bots.audit(name, orders="yes")
        wrong += [f"{name}: {text}" for text in (*unrecorded(lines, audit["fills"]), *bots.differences[name])]
        by_number = {line["sequence"]: line for line in lines}
        # An order whose answer was late is placed by the log without having been asked for.
        placed = {
            line["order_id"]: by_number[line["place"]]
            for line in lines
            if line["event"] == "placed" and "place" in line
        }
        reasons = {line["order_id"]: line.get("reason") for line in lines if line["event"] == "cancelled"}
        for event in (each for each in events if each["bot"] == name and each["event"] == "cancelled"):
            place = placed.get(event["order_id"])
            if event["reason"] != GUARD:
                others[event["reason"]] += 1
            elif place is None:
                unplaced += 1
            elif not is_due(event, place, bots.volatility(name, event), market):
                undue.append((event["detail"], event["time_ms"] - place["time_ms"], place["mid"], place["terms"]))
            if reasons.get(event["order_id"]) != event["reason"]:
                untold.append(event["order_id"])
        print(
            f"bot {name:20s} {audit['orders_placed']} orders, {len(audit['fills'])} fills, {audit['rejected']} refused"
        )
    print(f"minutes                  {took_s / 60:.1f}")
    print(f"the guard                {'; '.join(f'{what} {n}' for what, n in sorted(counts.items()))}")
    print(f"cancelled and not due    {len(undue)}, and {unplaced} that no log has placed")
    print(f"for other reasons        {dict(others) or 0}")
    print(f"sent twice               {sum(n > 1 for n in sent.values())}")
    print(f"the bot's log says other {len(untold)}")
    print(f"books differ             {wrong or 'never'}")
    for detail, age_ms, mid, terms in undue[:5]:
        print(f"  not due: {detail}; placed {age_ms} ms before from mid {mid:g} with {terms}")
    return int(bool(undue or unplaced or untold or wrong or any(n > 1 for n in sent.values())))


if __name__ == "__main__":
    main()
