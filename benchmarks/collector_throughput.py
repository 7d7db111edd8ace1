"""What a frame costs on its way from the socket to the disk, against decoding its JSON alone.

Usage: ``python benchmarks/collector_throughput.py [FRAMES]``. The mix is that of many coins: best quotes, fast and slow
books, trades. All coins of the exchange together send about 700 frames a second.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import orjson
from aiohttp import web
from benchmark_frames import COINS, START_MS, make_frames

from market_making.hyperliquid.directory import Directory
from market_making.hyperliquid.feed import Feed, RateLimits, Receipt
from market_making.hyperliquid.market_data import Frame, Subscription, parse_frame
from market_making.market.events import BookSnapshot
from market_making.recording.collection.coin_recording import CoinRecording
from market_making.recording.collection.live_recording import LiveRecording
from market_making.recording.collection.recorder import Recorder
from market_making.recording.store.storage import LocalStorage

WHOLE_EXCHANGE_PER_S = 700


class Pipeline:
    """A collector without its connections, into a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.recorder = Recorder(LocalStorage(root), "hyperliquid", "benchmark")
        recordings = {coin: CoinRecording(coin, self.recorder) for coin in COINS}
        self.live = LiveRecording(recordings, Directory(None, ""))

    def take(self, frame: Frame) -> None:
        """Record a frame as it would be on its connection."""
        self.live.received(frame, Receipt(START_MS, fast=_is_fast(frame), first_since_ms=None))


def _is_fast(frame: Frame) -> bool:
    return isinstance(frame, BookSnapshot) and len(frame.bids) <= 5


@contextmanager
def timed(results: dict[str, float], name: str, frames: int) -> Iterator[None]:
    """Note the time a frame takes [µs]."""
    start = time.perf_counter()
    yield
    results[name] = (time.perf_counter() - start) / frames * 1e6


def in_memory(frames: list[bytes], results: dict[str, float]) -> None:
    """The cost of each layer, one upon the other."""
    for name, work in (("JSON decoded", orjson.loads), ("events", parse_frame)):
        _each(frames, work, results, name)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Path(folder))
        _each(frames, lambda text: pipeline.take(parse_frame(text)), results, "events and rows")
        before = time.perf_counter()
        asyncio.run(pipeline.recorder.flush(everything=True))
        flush = (time.perf_counter() - before) / len(frames) * 1e6
    results["events, rows, disk"] = results["events and rows"] + flush


def _each(frames: list[bytes], work: Callable[[bytes], object], results: dict[str, float], name: str) -> None:
    with timed(results, name, len(frames)):
        for text in frames:
            work(text)


async def over_a_socket(frames: list[bytes], results: dict[str, float]) -> None:
    """From a websocket of this machine to the disk; the sender shares the processor."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        for text in frames:
            await socket.send_str(text.decode())
        async for _ in socket:
            pass
        return socket

    application = web.Application()
    application.router.add_get("/ws", serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/ws"
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Path(folder))
        listener = CountingListener(pipeline, len(frames))
        subscriptions = [Subscription(channel, coin) for coin in COINS for channel in ("bbo", "trades", "l2Book")]
        with timed(results, "socket to disk", len(frames)):
            async with aiohttp.ClientSession() as session:
                receiving = asyncio.create_task(Feed(address, subscriptions, listener, RateLimits()).run(session))
                await listener.all_received.wait()
                await pipeline.recorder.flush(everything=True)
                receiving.cancel()
                await asyncio.wait([receiving])
        assert pipeline.recorder.counts.received == pipeline.recorder.counts.written
    await runner.cleanup()


class CountingListener:
    """Records frames until a number has come."""

    def __init__(self, pipeline: Pipeline, expected: int) -> None:
        self.all_received = asyncio.Event()
        self._pipeline = pipeline
        self._left = expected

    async def tradable(self) -> frozenset[str]:
        """All coins."""
        return frozenset(COINS)

    def received(self, frame: Frame, reception: Receipt) -> None:  # noqa: ARG002 - how it came does not matter here
        """Record one."""
        self._pipeline.take(frame)
        self._left -= 1
        if not self._left:
            self.all_received.set()

    def malformed(self, error: Exception) -> None:
        """None is expected."""
        raise error

    def lost(self, subscription: Subscription, reason: str) -> None:
        """The end of the only connection."""


def main(count: int) -> None:
    """Print the cost of each layer."""
    frames = make_frames(count)
    results: dict[str, float] = {}
    in_memory(frames, results)
    asyncio.run(over_a_socket(frames, results))
    baseline = results["JSON decoded"]
    print(f"{count} frames, {sum(map(len, frames)) / count:.0f} bytes each")
    for name, cost in results.items():
        print(f"{name:20s} {cost:8.1f} µs a frame   {cost / baseline:5.1f} x decoding JSON")
    per_s = 1e6 / results["socket to disk"]
    print(f"socket to disk: {per_s:.0f} frames/s, {per_s / WHOLE_EXCHANGE_PER_S:.0f} x what all coins send")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
