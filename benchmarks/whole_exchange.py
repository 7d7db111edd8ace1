"""A publication cycle over a whole exchange of 200 coins takes less than a second.

Usage: ``python benchmarks/whole_exchange.py [--coins N] [--memory]``. The service itself works on a store that grows as
a collector would let it: each coin has its own simulated market, and every five seconds there is a new segment of its
quotes and one of its trades. Between two cycles the service reads what is new; that is given apart, with its share of
the period and by event. A cycle estimates, solves for the quotes, and writes one file per coin; of these it is told how
long after the begin of the cycle they are there. After it the rows of the histories are written, and the shadow maker
is replayed for a part of the coins; both are given apart, too.
The baseline reads and reduces the whole half hour of every coin in each cycle, as the prior art does.

The clock counts what other programs take as well; processor time stands beside it.
"""

import argparse
import resource
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from calibration.calibrator import Calibrator
from calibration.flow.calibrate import calibrate_observed
from calibration.observation.increments import Increments
from calibration.observation.rolling import LiveObservations, observe_window
from calibration.publication.publish import Published, Writers, parameters, solve
from market_making.market.identity import Market
from market_making.market.instrument import Listing
from market_making.market.tape import QuoteTape, Tape, TradeTape
from market_making.recording.store.market_file import write_market
from market_making.recording.store.segments import cut_segments, encode
from market_making.recording.store.storage import LocalStorage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream
from market_making.settings.settings import Settings
from market_making.simulation.presets import coin_universe
from market_making.simulation.simulation import simulate_tape
from market_making.simulation.truth import MarketTruth

START = 1_700_000_010_000
WINDOW_MS = 1_800_000
PERIOD_MS = 15_000
SEGMENT_MS = 5_000
UNWRITTEN_MS = 2_000
READING_MS = 2_000  # before a cycle
CYCLES = {1: 20, 10: 20, 50: 20, 200: 64, 1000: 5}
MARKETS = 40
FIRST_CYCLE = -(-(START + WINDOW_MS) // PERIOD_MS) * PERIOD_MS


class Recording:
    """A simulated tape, read by window."""

    def __init__(self, truth: MarketTruth, seed: int) -> None:
        self.truth = truth
        seconds = WINDOW_MS / 1e3 + (max(CYCLES.values()) + 4) * PERIOD_MS / 1e3
        self.tape = simulate_tape(truth, seed=seed, seconds=seconds, start_ms=START)

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


class Timing(NamedTuple):
    """What a piece of work took [s]."""

    clock: float
    processor: float


class Exchange:
    """A store that is written to and the service that reads it; the markets repeat, the work does not."""

    def __init__(self, coins: int, markets: list[Recording], folder: Path) -> None:
        self.markets = {f"X{number:03d}": markets[number % len(markets)] for number in range(coins)}
        self.store = folder / "market_data"
        self.settings = Settings(coins=tuple(self.markets), market_data=self.store, parameters=folder / "parameters")
        self.calibrator = Calibrator(self.settings)
        self.writers = Writers()
        self.written_ms = FIRST_CYCLE - UNWRITTEN_MS
        self._write(START, self.written_ms)
        for number, coin in enumerate(self.markets):
            write_market(LocalStorage(self.store), "hyperliquid", Market.perpetual(Listing(coin, 2), number))

    def record_until(self, end_ms: int) -> None:
        """Write segments, and let the file system's clock move on."""
        while self.written_ms + SEGMENT_MS <= end_ms:
            self._write(self.written_ms, self.written_ms + SEGMENT_MS)
            self.written_ms += SEGMENT_MS
        time.sleep(0.1)

    def whole_window_again(self, now_ms: int) -> None:
        """One cycle of a service without memory."""
        store, found = TickStore(self.store), []
        for coin, recording in self.markets.items():
            steps = Increments(recording.truth.tick, float(recording.truth.instrument.lot))
            seen = observe_window(partial(store.tape, coin), steps.tick, now_ms - WINDOW_MS, now_ms)
            found.append(calibrate_observed(seen, steps, self.settings, None, now_ms))
        solved = zip(self.markets, solve(found, [self.settings] * len(found)), strict=True)
        documents = [parameters(coin, one, self.settings) for coin, one in solved if isinstance(one, Published)]
        for write in [self.writers.start(partial(document.write, self.settings.parameters)) for document in documents]:
            self.writers.outcome(write)

    def _write(self, start_ms: int, end_ms: int) -> None:
        encoded: dict[int, list[tuple[str, bytes]]] = {}
        for coin, recording in self.markets.items():
            if id(recording) not in encoded:
                encoded[id(recording)] = segments(recording(start_ms, end_ms))
            for name, content in encoded[id(recording)]:
                path = self.store / "hyperliquid" / coin / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def segments(tape: Tape) -> list[tuple[str, bytes]]:
    """Files of a tape: day and name, content."""
    cut = [
        segment
        for stream, table in ((Stream.BBO, quotes_table(tape)), (Stream.TRADES, trades_table(tape)))
        for segment in cut_segments("any", "any", stream, table, label="recorded")
    ]
    return [("/".join(segment.path.split("/")[2:]), encode(segment.table).to_pybytes()) for segment in cut]


def quotes_table(tape: Tape) -> pa.Table:
    """Quotes as the store keeps them."""
    columns = {"exchange_ms": tape.quotes.time_ms, "local_ms": tape.quotes.time_ms + 300} | tape.quotes._asdict()
    columns.pop("time_ms")
    return pa.table(columns).cast(SCHEMAS[Stream.BBO])


def trades_table(tape: Tape) -> pa.Table:
    """Trades as the store keeps them."""
    trades = tape.trades
    count = len(trades.time_ms)
    columns = {
        "exchange_ms": trades.time_ms,
        "local_ms": trades.time_ms + 300,
        "side": pa.array(np.where(trades.sign > 0, "buy", "sell").tolist(), pa.string()),
        "price": trades.price,
        "size": trades.size,
        "trade_id": pa.array([f"{when}{k:04d}" for k, when in enumerate(trades.time_ms)], pa.string()),
        "hash": pa.array([f"0x{number + 1:064x}" for number in trades.order], pa.string()),
        "buyer": pa.array(["0x" + "b" * 40] * count, pa.string()),
        "seller": pa.array(["0x" + "5" * 40] * count, pa.string()),
        "replayed": pa.array([False] * count, pa.bool_()),
    }
    return pa.table(columns).cast(SCHEMAS[Stream.TRADES])


def timed(work: Callable[[], object]) -> Timing:
    """Do it and tell what it took."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return Timing(time.perf_counter() - clock, time.process_time() - processor)


class Run(NamedTuple):
    """What the service alternates, the ages of the files of each cycle [s], the last time."""

    readings: list[Timing]
    cycles: list[Timing]
    histories: list[Timing]
    replays: list[Timing]
    files: list[np.ndarray]
    now: int


def run_cycles(exchange: Exchange, count: int) -> Run:
    """Let the service live for some periods, after a first cycle that reads all."""
    exchange.calibrator.cycle(FIRST_CYCLE)
    exchange.calibrator.replay_on(FIRST_CYCLE, lambda: False)
    readings, cycles, histories, replays, files, now = [], [], [], [], [], FIRST_CYCLE
    for _ in range(count):
        now += PERIOD_MS
        before_s = (now - READING_MS) / 1e3
        exchange.record_until(now - READING_MS)
        readings.append(timed(partial(exchange.calibrator.read_on, lambda at=before_s: at, lambda: False)))
        began = time.time()
        cycles.append(timed(partial(exchange.calibrator.cycle, now, list(exchange.markets))))
        written = [path.stat().st_mtime for path in exchange.settings.parameters.glob("*.json")]
        files.append(np.array(written) - began)
        histories.append(timed(exchange.calibrator.record_histories))
        replays.append(timed(partial(exchange.calibrator.replay_on, now, lambda: False)))
    return Run(readings, cycles, histories, replays, files, now)


def events_a_period(exchange: Exchange) -> float:
    """Mean number of events of all coins in one period."""
    counts = {key: len(m.tape.quotes.time_ms) + len(m.tape.trades.time_ms) for key, m in exchange.markets.items()}
    seconds = {key: (m.tape.end_ms - m.tape.start_ms) / 1e3 for key, m in exchange.markets.items()}
    return sum(counts[key] / seconds[key] for key in counts) * PERIOD_MS / 1e3


def event_in_memory(markets: list[Recording]) -> float:
    """Processor time of one event on its way into the estimators, files apart [µs]."""
    feeds = [LiveObservations(recording, recording.truth.tick, WINDOW_MS) for recording in markets]
    for feed in feeds:
        feed.read(FIRST_CYCLE)
    began, periods = time.process_time(), 20
    for period in range(periods):
        for feed in feeds:
            feed.read(FIRST_CYCLE + (period + 1) * PERIOD_MS)
    span = FIRST_CYCLE, FIRST_CYCLE + periods * PERIOD_MS
    tapes = [recording(*span) for recording in markets]
    return (time.process_time() - began) / sum(len(t.quotes.time_ms) + len(t.trades.time_ms) for t in tapes) * 1e6


def growth(markets: list[Recording], numbers: list[int]) -> None:
    """Time of a cycle against the number of coins [ms]."""
    print(f"an event on its way into the estimators: {event_in_memory(markets):.1f} µs; with its share of a file below")
    print(
        "          cycle, clock        cycle, processor  file written    reading, processor  "
        "histories  replays  whole window"
    )
    print(
        "coins    median      99 %    median      99 %  median    last    median  µs per event"
        "     median   median   again   ratio"
    )
    for coins in numbers:
        with tempfile.TemporaryDirectory() as folder:
            exchange = Exchange(coins, markets, Path(folder))
            run = run_cycles(exchange, CYCLES.get(coins, 20))
            again = [timed(partial(exchange.whole_window_again, run.now)).clock for _ in range(3 if coins <= 50 else 1)]
            exchange.calibrator.close()
            exchange.writers.close()
        clock, processor = np.array(run.cycles).T * 1e3
        whole = np.median(again) * 1e3
        between = (run.readings, run.histories, run.replays)
        reading, recorded, replayed = (np.median(np.array(each)[:, 1]) * 1e3 for each in between)
        files = np.array(run.files) * 1e3
        print(
            f"{coins:5d} {np.median(clock):9.1f} {np.quantile(clock, 0.99):9.1f} "
            f"{np.median(processor):9.1f} {np.quantile(processor, 0.99):9.1f} "
            f"{np.median(files):7.1f} {np.median(files.max(axis=1)):7.1f} {reading:9.1f} "
            f"{reading * 1e3 / events_a_period(exchange):13.1f} {recorded:10.1f} {replayed:8.1f} "
            f"{whole:7.0f} {whole / np.median(clock):7.1f}",
            flush=True,
        )


def memory(markets: list[Recording]) -> None:
    """What the estimators keep of one coin, and the whole process with 200 of them."""
    tracemalloc.start()
    feeds = [LiveObservations(recording, recording.truth.tick, WINDOW_MS) for recording in markets]
    for period in range(5):
        for feed in feeds:
            feed.read(FIRST_CYCLE + period * PERIOD_MS)
    kept = tracemalloc.get_traced_memory()[0] / len(feeds)
    tracemalloc.stop()
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run_cycles(Exchange(200, markets, Path(folder)), 3)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"the estimators keep {kept / 1e3:.0f} kB a coin; the process grew by {(after - before) / 1e3:.0f} MB for 200"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coins", type=int, action="append", help="repeat for several; default 1 to 1000")
    parser.add_argument("--memory", action="store_true", help="measure only the memory of a coin")
    options = parser.parse_args()
    markets = [Recording(truth, seed) for seed, truth in enumerate(coin_universe(MARKETS, seed=5))]
    if options.memory:
        memory(markets)
    else:
        growth(markets, options.coins or list(CYCLES))


if __name__ == "__main__":
    main()
