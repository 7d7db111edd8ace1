"""The collector under schedules of faults: what it lost, it says; what it has shown, it keeps."""

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from market_making.hyperliquid.market_data import Subscription
from market_making.recording.collection.collector import Collector
from market_making.recording.store.segment_reader import SegmentReader, Window
from market_making.recording.store.segments import SegmentName
from market_making.recording.store.storage import LocalStorage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream

BBO = Subscription("bbo", "ETH")
FAST = Subscription("l2Book", "ETH", fast=True)
EVERYTHING = Window(-1, 2**42)
# More of them for a figure: benchmarks/durability.py.
FAULT_SEEDS = range(int(os.environ.get("FAULT_SEEDS", "4")))
KILL_SEEDS = range(int(os.environ.get("KILL_SEEDS", "2")))
KILLS = 3

COLLECT = """
import asyncio, sys
from market_making.recording.collection.collector import Collector, CollectorOptions
from market_making.hyperliquid.feed import Timing

timing = Timing(first_delay_s=0.01, longest_delay_s=0.05)
asyncio.run(Collector(sys.argv[1], ["ETH"], sys.argv[2], flush_seconds=0.03, options=CollectorOptions(timing)).run())
"""


class Market:
    """Publishes quotes and trades, each different from all others, and remembers them."""

    def __init__(self, exchange, make_quote, make_trade) -> None:
        self.exchange = exchange
        self.quotes: dict[float, int] = {}
        self.trades: set[str] = set()
        self._make_quote = make_quote
        self._make_trade = make_trade
        self._number = 0

    async def tick(self) -> None:
        """One quote, and every third time a trade."""
        self._number += 1
        now = time.time_ns() // 1_000_000
        self.quotes[float(self._number)] = now
        await self.exchange.quote(self._make_quote(now, bid=float(self._number)))
        if self._number % 3 == 0:
            trade = self._make_trade(now, self._number)
            self.trades.add(trade.trade_id)
            self.exchange.backlog = [*self.exchange.backlog[-299:], trade]
            await self.exchange.trade(trade)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await self.tick()
            await asyncio.sleep(0.004)


async def disturb(exchange, market: Market, chance: random.Random, seconds: float) -> None:
    """Faults of all kinds at random moments."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(0.01, 0.15))
        match chance.randrange(6):
            case 0:
                await exchange.drop_connections()
            case 1:
                exchange.silent = not exchange.silent
            case 2:
                exchange.refused_connections = chance.randrange(3)
                await exchange.drop_connections()
            case 3:
                await exchange.send(BBO, chance.randbytes(20).hex().encode())
            case 4 if exchange.backlog:
                await exchange.trade(*chance.sample(exchange.backlog, len(exchange.backlog)))
            case _:
                exchange.deaf_coins ^= {"BTC"}
    exchange.silent = False
    exchange.refused_connections = 0
    exchange.deaf_coins = set()


@pytest.mark.parametrize("seed", FAULT_SEEDS)
async def test_what_is_missing_lies_in_a_recorded_gap(exchange, hurried, make_quote, make_trade, tmp_path, seed):
    """Whatever happens to the connections: every trade once, and every quote recorded or within a gap."""
    market = Market(exchange, make_quote, make_trade)
    collector = Collector(exchange.url, ["ETH", "BTC"], tmp_path, flush_seconds=0.05, options=hurried)
    running = asyncio.create_task(collector.run())
    await exchange.subscribed(BBO, FAST)
    publishing = asyncio.create_task(market.run())
    await disturb(exchange, market, random.Random(seed), 1.2)
    await exchange.subscribed(BBO, FAST)
    for _ in range(5):
        await market.tick()
        await asyncio.sleep(0.06)
    publishing.cancel()
    await asyncio.sleep(0.1)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running

    store = TickStore(tmp_path)
    bids = store.read("ETH", Stream.BBO, *EVERYTHING)["bid_price"].to_pylist()
    assert len(bids) == len(set(bids))
    gaps = [row for row in store.read("ETH", Stream.GAPS, *EVERYTHING).to_pylist() if row["stream"] == "bbo"]
    lost = {bid: moment for bid, moment in market.quotes.items() if bid not in set(bids)}
    for moment in lost.values():
        assert any(row["start_ms"] <= moment <= row["end_ms"] for row in gaps), (moment, gaps)
    assert all(count == 1 for count in raw_trades(tmp_path).values())
    assert set(raw_trades(tmp_path)) == market.trades
    assert collector.counts.received == collector.counts.written


def raw_trades(root: Path) -> Counter:
    """Trade ids in the segments themselves, before a reader removes duplicates."""
    reader = SegmentReader(LocalStorage(root))
    counts: Counter = Counter()
    for path in root.glob("hyperliquid/ETH/*/trades-*.parquet"):
        folder = str(path.parent.relative_to(root))
        counts.update(
            reader.read(folder, SegmentName.parse(path.name), ["exchange_ms", "trade_id"], EVERYTHING)[
                "trade_id"
            ].to_pylist()
        )
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("seed", KILL_SEEDS)
async def test_a_collector_killed_at_any_moment_loses_nothing_a_reader_has_seen(
    exchange, make_quote, make_trade, tmp_path, seed
):
    """kill −9 and restart, several times: nothing visible vanishes, nothing is there twice, every trade is there."""
    chance = random.Random(seed)
    market = Market(exchange, make_quote, make_trade)
    publishing = asyncio.create_task(market.run())
    store = TickStore(tmp_path)
    seen: set[float] = set()
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", COLLECT, exchange.url, str(tmp_path))
        await exchange.subscribed(BBO, FAST)
        await asyncio.sleep(chance.uniform(0.1, 0.5))
        seen |= set(store.read("ETH", Stream.BBO, *EVERYTHING)["bid_price"].to_pylist())
        process.send_signal(signal.SIGKILL)
        await process.wait()
        bids = store.read("ETH", Stream.BBO, *EVERYTHING)["bid_price"].to_pylist()
        assert seen <= set(bids)
        assert len(bids) == len(set(bids))
    publishing.cancel()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", COLLECT, exchange.url, str(tmp_path))
    await exchange.subscribed(BBO, FAST)
    await asyncio.sleep(0.3)
    process.terminate()
    assert await process.wait() == 0
    assert set(raw_trades(tmp_path).values()) == {1}
    recent = {trade.trade_id for trade in exchange.backlog}
    assert recent <= set(raw_trades(tmp_path))
    assert {row["reason"] for row in store.read("ETH", Stream.GAPS, *EVERYTHING).to_pylist()} >= {"start", "stop"}
