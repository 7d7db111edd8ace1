"""A cycle over a whole exchange takes less than a second, because only what is new is looked at.

Each coin has its own simulated market, already recorded; a cycle keeps the observations up to date, calibrates, solves
for the quotes and publishes a file. Given are the median and the 99th percentile of a cycle, the time to take in one
event, the memory one coin needs, and the ratio to a service that reduces the whole half hour in each cycle. Reading
the tick store is measured apart, in milliseconds a coin and cycle, from segments of five seconds.
"""

import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from calibration.calibrate import Calibration, calibrate_observed
from calibration.increments import Increments
from calibration.live import LiveObservations, TapeSource, observe_window
from calibration.observations import Observations
from calibration.publish import Published, parameters, solve, write_all
from calibration.settings import Settings
from market.segments import SegmentWriter
from market.store import TickStore
from market.streams import SCHEMAS, Stream
from market.tape import QuoteTape, Tape, TradeTape
from venue.market_truth import MarketTruth
from venue.presets import coin_universe
from venue.simulation import simulate_tape

START = 1_700_000_010_000
WINDOW_MS = 1_800_000
PERIOD_MS = 15_000
CYCLES = 20
MARKETS = 40
SETTINGS = Settings()


class Recording:
    """A simulated tape, read by window."""

    def __init__(self, truth: MarketTruth, seed: int) -> None:
        self.tape = simulate_tape(truth, seed=seed, seconds=WINDOW_MS / 1e3 + 600, start_ms=START)

    def __call__(self, start_ms: int, end_ms: int) -> Tape:
        """Events after `start_ms` and not after `end_ms`."""
        quotes, trades = self.tape.quotes, self.tape.trades
        first, last = np.searchsorted(quotes.time_ms, [start_ms, end_ms], side="right")
        begin, end = np.searchsorted(trades.time_ms, [start_ms, end_ms], side="right")
        return Tape(
            QuoteTape(*(column[first:last] for column in quotes)),
            TradeTape(*(column[begin:end] for column in trades)),
            self.tape.gaps,
            start_ms,
            end_ms,
        )

    def events(self, start_ms: int, end_ms: int) -> int:
        """Number of events in a window."""
        part = self(start_ms, end_ms)
        return len(part.quotes.time_ms) + len(part.trades.time_ms)


class Exchange:
    """The calibration of many coins; the markets repeat, the work does not."""

    def __init__(self, coins: int, markets: list[tuple[MarketTruth, Recording]], folder: Path) -> None:
        chosen = [markets[number % len(markets)] for number in range(coins)]
        self.sources: list[TapeSource] = [recording for _, recording in chosen]
        self.increments = [Increments(truth.tick, float(truth.instrument.lot)) for truth, _ in chosen]
        self.live = [
            LiveObservations(source, steps.tick, WINDOW_MS)
            for source, steps in zip(self.sources, self.increments, strict=True)
        ]
        self.previous: list[Calibration | None] = [None] * coins
        self.folder = folder

    def observe(self, now_ms: int) -> list[Observations]:
        """Bring every coin up to date."""
        return [live.at(now_ms) for live in self.live]

    def observe_again(self, now_ms: int) -> list[Observations]:
        """Reduce the whole window of every coin, as a service without memory would."""
        pairs = zip(self.sources, self.increments, strict=True)
        return [observe_window(source, steps.tick, now_ms - WINDOW_MS, now_ms) for source, steps in pairs]

    def publish(self, observed: list[Observations], now_ms: int) -> None:
        """Calibrate, solve and write all files."""
        triples = zip(observed, self.increments, self.previous, strict=True)
        found = [calibrate_observed(seen, steps, SETTINGS, before, now_ms) for seen, steps, before in triples]
        self.previous = list(found)
        solved = enumerate(solve(found, SETTINGS))
        write_all(
            [parameters(f"C{number}", result, SETTINGS) for number, result in solved if isinstance(result, Published)],
            self.folder,
        )


def growth(markets: list[tuple[MarketTruth, Recording]], folder: Path) -> None:
    """Time of a cycle against the number of coins."""
    print("coins   cycle median   99 %       us/event   whole window again   ratio")
    for coins in (1, 10, 50, 200, 1000):
        exchange = Exchange(coins, markets, folder)
        now = START + WINDOW_MS // PERIOD_MS * PERIOD_MS + PERIOD_MS
        exchange.publish(exchange.observe(now), now)
        cycles, ingests = [], []
        for _ in range(CYCLES if coins <= 200 else 5):
            now += PERIOD_MS
            start = time.perf_counter()
            observed = exchange.observe(now)
            ingests.append(time.perf_counter() - start)
            exchange.publish(observed, now)
            cycles.append(time.perf_counter() - start)
        again = []
        for _ in range(3):
            start = time.perf_counter()
            exchange.publish(exchange.observe_again(now), now)
            again.append(time.perf_counter() - start)
        events = sum(markets[k % len(markets)][1].events(now - PERIOD_MS, now) for k in range(coins))
        per_event = np.median(ingests) / events * 1e6
        median, worst = np.median(cycles) * 1e3, np.quantile(cycles, 0.99) * 1e3
        whole = np.median(again) * 1e3
        print(f"{coins:5d} {median:10.1f} ms {worst:8.1f} ms {per_event:8.2f} {whole:14.1f} ms {whole / median:13.1f}")


def memory(markets: list[tuple[MarketTruth, Recording]], folder: Path) -> None:
    """Memory of one coin: what the process grows by for 400 of them."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    exchange = Exchange(400, markets, folder)
    exchange.observe(START + WINDOW_MS)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"memory: {(after - before) / 400:.0f} kB a coin")


def store(market: tuple[MarketTruth, Recording], folder: Path) -> None:
    """Time to bring one coin up to date from a tick store."""
    truth, recording = market
    writer = SegmentWriter(folder, "hyperliquid", truth.coin)
    now = START + WINDOW_MS + PERIOD_MS
    for start in range(now - 300_000, now + 10 * PERIOD_MS, 5_000):
        write(writer, recording(start, start + 5_000))
    live = LiveObservations(partial(TickStore(folder).tape, truth.coin), truth.tick, 240_000)
    times = []
    for cycle in range(10):
        start_s = time.perf_counter()
        live.at(now + cycle * PERIOD_MS)
        times.append(time.perf_counter() - start_s)
    print(f"from the tick store: {np.median(times[1:]) * 1e3:.1f} ms a coin and cycle")


def write(writer: SegmentWriter, tape: Tape) -> None:
    """Write a tape as segments."""
    quotes, trades = tape.quotes, tape.trades
    stamps = {"exchange_ms": quotes.time_ms, "local_ms": quotes.time_ms + 300}
    prices = {name: column for name, column in quotes._asdict().items() if name != "time_ms"}
    writer.write(Stream.BBO, pa.table(stamps | prices).cast(SCHEMAS[Stream.BBO]))
    count = len(trades.time_ms)
    columns = {
        "exchange_ms": trades.time_ms,
        "local_ms": trades.time_ms + 300,
        "side": pa.array(np.where(trades.sign > 0, "buy", "sell").tolist(), pa.string()),
        "price": trades.price,
        "size": trades.size,
        "trade_id": pa.array([f"{when}-{k}" for k, when in enumerate(trades.time_ms)], pa.string()),
        "hash": pa.array([f"0x{number + 1:x}" for number in trades.order], pa.string()),
        "buyer": pa.nulls(count, pa.string()),
        "seller": pa.nulls(count, pa.string()),
        "replayed": pa.array([False] * count, pa.bool_()),
    }
    if count:
        writer.write(Stream.TRADES, pa.table(columns).cast(SCHEMAS[Stream.TRADES]))


def main() -> None:
    truths = coin_universe(MARKETS, seed=5)
    markets = [(truth, Recording(truth, seed)) for seed, truth in enumerate(truths)]
    with tempfile.TemporaryDirectory() as folder:
        if "--memory" in sys.argv:
            memory(markets, Path(folder))
            return
        memory(markets, Path(folder))
        growth(markets, Path(folder))
        store(markets[0], Path(folder))


if __name__ == "__main__":
    main()
