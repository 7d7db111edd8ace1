"""Processor time and memory of a whole collector that records many coins from a websocket to the disk.

Usage: ``python benchmarks/collector_load.py [COINS] [MESSAGES_PER_S] [SECONDS]``. The exchange is a process of its own;
0 messages a second means as many as the collector takes. The collector runs as it does by default: its own
connections, a flush every five seconds, compaction. The baseline is decoding the JSON of the same messages alone, and
the cost of events and rows is measured in the same run.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import orjson
from aiohttp import web
from benchmark_frames import make_frames
from collector_throughput import Pipeline

from market_making.hyperliquid.listings import universe_fields
from market_making.hyperliquid.market_data import Acknowledged, Subscription, format_frame, parse_frame
from market_making.market.clock import now_ms
from market_making.market.instrument import Listing
from market_making.recording.collection.collector import Collector

BATCH_S = 0.02
SAMPLE_S = 2.0
WARM_UP_S = 10.0


class Exchange:
    """Sends quotes, books and trades of many coins, each once, to whoever has subscribed to them."""

    def __init__(self, coins: int, per_s: int) -> None:
        self.coins = [f"C{number}" for number in range(coins)]
        self.sent = 0
        self._per_s = per_s
        self._texts = list(templates(self.coins))
        self._sockets: defaultdict[tuple[str, bool], set[web.WebSocketResponse]] = defaultdict(set)

    async def serve(self, pipe: Connection) -> None:
        """Tell the address, answer each question with the number of messages sent; end at the first empty answer."""
        application = web.Application()
        application.router.add_post("/info", self._information)
        application.router.add_get("/ws", self._websocket)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(f"http://127.0.0.1:{runner.addresses[0][1]}")
        sending = asyncio.create_task(self._send())
        while await asyncio.to_thread(pipe.recv):
            pipe.send(self.sent)
        sending.cancel()
        await runner.cleanup()

    async def _information(self, request: web.Request) -> web.Response:
        question = (await request.json())["type"]
        universe = universe_fields([Listing(coin, 2) for coin in self.coins])
        answers = {"meta": universe, "exchangeStatus": {"time": now_ms()}}
        return web.Response(body=orjson.dumps(answers[question]), content_type="application/json")

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for message in socket:
            fields = orjson.loads(message.data).get("subscription")
            if fields is None:
                continue
            subscription = Subscription(fields["type"], fields["coin"], fields.get("fast", False))
            await socket.send_str(format_frame(Acknowledged(subscription)).decode())
            self._sockets[subscription.coin, subscription.fast].add(socket)
        return socket

    async def _send(self) -> None:
        while len(self._sockets) != 2 * len(self.coins):
            await asyncio.sleep(0.05)
        batch = int(self._per_s * BATCH_S) or 200
        due = time.monotonic()
        while True:
            for _ in range(batch):
                await self._send_one()
            due += BATCH_S
            await asyncio.sleep(max(0.0, due - time.monotonic()) if self._per_s else 0)

    async def _send_one(self) -> None:
        coin, fast, parts = self._texts[self.sent % len(self._texts)]
        self.sent += 1
        # A stamp and an id that no message before had: nothing may be taken for a repetition.
        text = str(now_ms()).join(parts).replace("TID", str(self.sent))
        for socket in self._sockets[coin, fast]:
            await socket.send_str(text)


def templates(coins: list[str]) -> Iterator[tuple[str, bool, list[str]]]:
    """Coin, whether it is a fast book, and the text cut where its times stand."""
    for number, text in enumerate(make_frames(5000)):
        message = orjson.loads(text)
        data = message["data"]
        coin = coins[number % len(coins)]
        for place, item in enumerate(data if isinstance(data, list) else [data]):
            item.update(coin=coin, time="TIME", **({"tid": f"TID{place}"} if "tid" in item else {}))
        fast = message["channel"] == "l2Book" and len(data["levels"][0]) <= 5
        plain = orjson.dumps(message).decode()
        for place in range(5):
            plain = plain.replace(f'"TID{place}"', f"TID{place}")
        yield coin, fast, plain.split('"TIME"')


def run_exchange(pipe: Connection, coins: int, per_s: int) -> None:
    """The other process."""
    asyncio.run(Exchange(coins, per_s).serve(pipe))


def memory_megabytes() -> float:
    """What this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


async def measure(pipe: Connection, coins: int, seconds: float, root: Path) -> None:
    """Record and print."""
    collector = Collector(pipe.recv(), None, root)
    stop = asyncio.Event()
    recording = asyncio.create_task(collector.run(stop))
    await asyncio.sleep(WARM_UP_S)
    pipe.send(True)
    sent, rows, wall, processor = pipe.recv(), collector.counts.received, time.monotonic(), time.process_time()
    memory = [memory_megabytes()]
    while time.monotonic() < wall + seconds:
        await asyncio.sleep(SAMPLE_S)
        memory.append(memory_megabytes())
    pipe.send(True)
    sent, rows = pipe.recv() - sent, collector.counts.received - rows
    wall, processor = time.monotonic() - wall, time.process_time() - processor
    pipe.send(False)
    stop.set()
    await recording
    third = max(1, len(memory) // 3)
    counts = collector.counts
    assert counts.received == counts.written + counts.dropped > 0
    assert collector.malformed_messages == 0
    print(f"{coins} coins, {seconds:.0f} s: {sent / wall:.0f} messages/s became {rows / wall:.0f} rows/s")
    print(f"{counts.received} rows in all: {counts.written} written, {counts.dropped} dropped for want of room")
    print(f"processor: {processor / wall:.1%} of one core, {processor / sent * 1e6:.1f} µs a message, all included")
    early, late = (sum(part) / len(part) for part in (memory[:third], memory[-third:]))
    print(f"memory: {early:.0f} MB in the first third, {late:.0f} MB in the last, at most {max(memory):.0f} MB")
    print(f"one core takes {sent / processor:.0f} messages/s at this mix and rate")


def layers() -> None:
    """Decoding alone, and what events and rows cost upon it."""
    frames = make_frames(20_000)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Path(folder))
        works = {
            "JSON decoded": orjson.loads,
            "events": parse_frame,
            "events and rows": lambda text: pipeline.take(parse_frame(text)),
        }
        for name, work in works.items():
            start = time.process_time()
            for text in frames:
                work(text)
            print(f"{name:20s} {(time.process_time() - start) / len(frames) * 1e6:6.1f} µs a message")


def main(coins: int, per_s: int, seconds: int) -> None:
    """Start the exchange, record from it."""
    layers()
    ours, theirs = multiprocessing.Pipe()
    exchange = multiprocessing.get_context("spawn").Process(target=run_exchange, args=(theirs, coins, per_s))
    exchange.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(ours, coins, seconds, Path(folder)))
        exchange.join(10)
    finally:
        exchange.terminate()


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [200, 2400, 60][len(given) :]))
