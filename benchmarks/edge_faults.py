"""Claim: the edge loses nothing: whatever the websocket does, the bot's books are the venue's.

Stock `freqtrade trade` with the whole edge on the local venue, whose websocket is cut, brings messages late, doubled or
reordered, or lies (old messages, half ones, those of another account). Orders are filled in parts and whole, and mid
moves, all the time. Ten times a second the bot's database is held against the venue's audit: position, sum of what was
filled, open orders. In every second the bot's books must equal those that the venue had within the last three; at the
end every fill must stand in the bot's decision log exactly once. The baseline is the same without the websocket.

    python benchmarks/edge_faults.py [--minutes N] [--stock] [SCHEDULE:SEED…]

All runs are made side by side; status 1 if the books differ.
"""

import argparse
import contextlib
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.market.sides import Direction  # noqa: E402
from market_making.ops.demo.audit import decisions_in, unaccounted, unrecorded  # noqa: E402
from market_making.settings.edge import EdgeSettings  # noqa: E402
from market_making.venue.faults.presets import read_faults  # noqa: E402
from tests.live_bot import LiveBot  # noqa: E402
from tests.puppet_market import PuppetMarket, VenueThread  # noqa: E402

RUNS = ("bad-socket:1", "bad-socket:2", "bad-socket:3", "lying-socket:4")
MID, RANGE = 3000.0, 4.0
LAG_S, SAMPLE_S, PUBLISH_S = 3.0, 0.1, 15.0
LOT = 0.0333
SHOWN, START_S = 20, 300
LISTENING = dict.fromkeys(("socket", "wake", "cancel_first"), False)


class Books(NamedTuple):
    """What one side knows: position and sum of all fills [coins], and the numbers of the open orders."""

    position: float
    traded: float
    open_orders: frozenset[int]


class Sample(NamedTuple):
    """Books of both sides at a time [s]."""

    time_s: float
    bot: Books
    venue: Books


class Outcome(NamedTuple):
    """What one run showed: times until a fill stood in the bot's books [s], what was late, and what was lost."""

    seconds: int
    lags_s: list[float]
    fills: int
    struck: int
    late: list[str]
    lost: list[str]


def books_of_venue(report: dict[str, Any]) -> Books:
    """Read the venue's audit."""
    traded = sum(fill["size"] for fill in report["fills"])
    open_orders = frozenset(order["oid"] for order in report["orders"])
    return Books(round(sum(report["positions"].values()), 8), round(traded, 8), open_orders)


def books_of_bot(database: Path) -> Books:
    """Read Freqtrade's database."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        rows = connection.execute("SELECT order_id, ft_order_side, filled, ft_is_open FROM orders").fetchall()
    position = sum((1 if side == "buy" else -1) * (filled or 0.0) for _, side, filled, _ in rows)
    traded = sum(filled or 0.0 for _, _, filled, _ in rows)
    open_orders = frozenset(int(number) for number, _, _, is_open in rows if is_open)
    return Books(round(position, 8), round(traded, 8), open_orders)


class Life(threading.Thread):
    """What happens on the market: fills, fills of a part, and moves of mid, at any moment."""

    def __init__(self, venue: VenueThread, seed: int) -> None:
        super().__init__(daemon=True)
        self._venue, self._random = venue, random.Random(seed)
        self.ended = threading.Event()

    def run(self) -> None:
        """Go on until it is ended."""
        while not self.ended.wait(self._random.uniform(0.3, 3.0)):
            kind = self._random.choices(("whole", "part", "move"), (4, 2, 5))[0]
            if kind == "move":
                mid = self._venue.market.mid + self._random.choice((-1, 1)) * round(self._random.uniform(0.1, 1.0), 1)
                self._venue.market.mid = round(min(max(mid, MID - RANGE), MID + RANGE), 1)
            elif orders := self._venue.open_orders():
                is_bid, price = orders[0]["side"] == "B", float(orders[0]["limitPx"])
                direction = Direction.SELL if is_bid else Direction.BUY
                size = 10.0 if kind == "whole" else round(LOT * self._random.uniform(0.2, 0.6), 4)
                self._venue.market.print_trade(direction, price - 0.1 if is_bid else price + 0.1, size)


class Station:
    """One venue with its faults, one bot, and what happens there."""

    def __init__(self, name: str, folder: Path, *, stock: bool) -> None:
        schedule, _, seed = name.partition(":")
        self._folder, self._seed = folder, int(seed or 1)
        self._venue = VenueThread(PuppetMarket(MID), faults=read_faults(schedule), fault_seed=self._seed)
        edge = dict.fromkeys(EdgeSettings.model_fields, True) | (LISTENING if stock else {})
        self._edge = edge | {"remembered": False, "address_budget": False}
        self.outcome: Outcome | None = None

    def run(self, seconds: float) -> None:
        """Let the bot trade for so long, and note what was seen."""
        quote = {"actions_per_minute": 600, "minimum_life_s": 0}
        changes = {"market_making": {"edge": self._edge, "quote": quote}}
        with self._venue as venue:
            bot = LiveBot(venue, self._folder, changes=changes)
            with bot:
                self._wait_for_a_quote(bot, venue)
                life = Life(venue, self._seed)
                life.start()
                samples = self._sampled(bot, venue, seconds)
                life.ended.set()
                life.join()
                time.sleep(LAG_S)
            # The bot has cancelled its orders by now; what was filled meanwhile is in its books, or it is lost.
            report = venue.audit(orders="yes")
            schedules = requests.get(f"{venue.url}/faults", timeout=5).json()["schedules"]
        lost = unaccounted(self._folder / "trades.sqlite", report["positions"], set(report["filled_orders"]))
        lost += unrecorded(decisions_in(self._folder / "decisions"), report["fills"])
        struck, seen_s = sum(sum(each["struck"]) for each in schedules), {int(each.time_s) for each in samples}
        late = list(disagreements(samples))
        self.outcome = Outcome(len(seen_s), lags(samples), len(report["fills"]), struck, late, lost)

    def _wait_for_a_quote(self, bot: LiveBot, venue: VenueThread) -> None:
        def quotes() -> bool:
            bot.publish()  # what is published holds for a minute, and a busy machine needs longer to start
            return bool(venue.open_orders())

        bot.wait(quotes, START_S, "a quote")

    def _sampled(self, bot: LiveBot, venue: VenueThread, seconds: float) -> list[Sample]:
        samples, published_s = [], 0.0
        began_s = time.monotonic()
        while (now_s := time.monotonic()) < began_s + seconds:
            if now_s - published_s > PUBLISH_S:
                bot.publish()
                published_s = now_s
            report = venue.audit(orders="yes")
            samples.append(
                Sample(now_s - began_s, books_of_bot(self._folder / "trades.sqlite"), books_of_venue(report))
            )
            time.sleep(SAMPLE_S)
        return samples


def disagreements(samples: list[Sample]) -> Iterator[str]:
    """Seconds in which the bot's books equal none that the venue had within the last three, or differ in more."""
    recent: deque[Sample] = deque()
    agreed_s = dict.fromkeys(Books._fields, samples[0].time_s)
    for sample in samples:
        recent.append(sample)
        while recent[0].time_s < sample.time_s - LAG_S:
            recent.popleft()
        for field in Books._fields:
            bots = getattr(sample.bot, field)
            if any(getattr(each.venue, field) == bots for each in recent):
                agreed_s[field] = sample.time_s
            elif sample.time_s - agreed_s[field] > 2 * SAMPLE_S:
                agreed_s[field] = sample.time_s
                yield f"at {sample.time_s:.1f} s {field}: the bot has {bots}, the venue {getattr(sample.venue, field)}"


def lags(samples: list[Sample]) -> list[float]:
    """Times until a fill of the venue stood in the bot's books [s]."""
    found, waiting = [], []
    traded = samples[0].venue.traded
    for sample in samples:
        if sample.venue.traded > traded:
            traded = sample.venue.traded
            waiting.append((sample.time_s, traded))
        while waiting and sample.bot.traded >= waiting[0][1]:
            found.append(sample.time_s - waiting.pop(0)[0])
    return found


def main() -> None:
    """Run all side by side, and print a row each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--stock", action="store_true", help="Without websocket: the baseline.")
    parser.add_argument("runs", nargs="*", default=list(RUNS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / run.replace(":", "-") for run in options.runs]
        for folder in folders:
            folder.mkdir()
        stations = [
            Station(run, folder, stock=options.stock) for run, folder in zip(options.runs, folders, strict=True)
        ]
        threads = [threading.Thread(target=station.run, args=(60 * options.minutes,)) for station in stations]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print("| run | seconds | faults struck | fills | until a fill is known: median, 95 %, longest [s] | late | lost |")
    print("|---|---|---|---|---|---|---|")
    for run, station in zip(options.runs, stations, strict=True):
        seen = station.outcome
        if seen is None:
            print(f"| {run} | failed |")
            continue
        ordered = sorted(seen.lags_s)
        figures = f"{median(ordered):.1f}, {ordered[int(0.95 * len(ordered))]:.1f}, {ordered[-1]:.1f}"
        cells = run, seen.seconds, seen.struck, seen.fills, figures, len(seen.late), len(seen.lost)
        print("|", " | ".join(map(str, cells)), "|")
        print(*seen.lost, *seen.late[:SHOWN], sep="\n")
    raise SystemExit(any(each.outcome is None or each.outcome.late or each.outcome.lost for each in stations))


if __name__ == "__main__":
    main()
