"""What a recording through ccxt has of what the venue sent, against the native recording of the same time.

Usage: ``python benchmarks/ccxt_collector_loss.py [SECONDS]``, from the root of the repository. First both collectors
record the same simulated market on the local Hyperliquid; then a socket that speaks Binance's dialect sends quotes and
prints in bursts, and what is recorded of them is compared with what waiting for ccxt's own answers would give.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["NO_PROXY"] = "127.0.0.1"

from market_making.market.clock import now_ms
from market_making.recording.collection.collector import Collector
from market_making.recording.other_venues.binance import BinanceSpot
from market_making.recording.other_venues.collector import OtherVenueCollector, VenueOptions, client_of
from market_making.recording.other_venues.hyperliquid import HyperliquidThroughCcxt
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.config import VenueConfig
from market_making.venue.server import LocalVenue
from tests.recording.other_venues.conftest import Recorded, SmallVenue, binance

SECONDS = 60.0
BURST_SECONDS = 10.0
BURSTS = ((500, 1), (500, 10), (1000, 50))
COIN = "ETH"


async def record_both(roots: list[Path], seconds: float) -> None:
    """Record one local market in both ways at the same time."""
    venue = LocalVenue(SimulatedSource(default_truths((COIN,)), seed=1), VenueConfig())
    url = await venue.start()
    quirks = HyperliquidThroughCcxt()
    addresses = {"public": url, "private": url, "ws": {"public": url.replace("http", "ws") + "/ws"}}
    through = VenueOptions(connect=lambda: client_of(quirks, {"urls": {"api": addresses}}))
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    collectors = (Collector(url, [COIN], roots[0]), OtherVenueCollector(quirks, [COIN], roots[1], through=through))
    await asyncio.gather(*(collector.run(stop) for collector in collectors))
    await venue.stop()


def compare(roots: list[Path]) -> None:
    """Print the share of each stream over the time that both have observed."""
    native, through_ccxt = (TickStore(root) for root in roots)
    start_ms, end_ms = through_ccxt.extent(COIN)
    print(f"local Hyperliquid, {(end_ms - start_ms) / 1e3:.0f} s of {COIN}:   native   ccxt    share")
    for stream in (Stream.BBO, Stream.TRADES, Stream.BOOK, Stream.BOOK_FAST):
        rows, seen = (len(store.read(COIN, stream, start_ms, end_ms)) for store in (native, through_ccxt))
        print(f"  {stream:<28}{rows:>10}{seen:>7}{seen / max(rows, 1):>9.1%}")


class Waiting:
    """Counts what a program sees that waits for ccxt's best quotes as its manual says."""

    def __init__(self, client: object) -> None:
        self.quotes = 0
        self._client = client

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            await self._client.watch_bids_asks(["BTC/USDT"])
            self.quotes += 1


async def burst(rate: int, size: int) -> None:
    """Send quotes and prints in bursts of `size`, `rate` of each a second."""
    with tempfile.TemporaryDirectory() as root:
        async with (
            SmallVenue(binance()) as venue,
            Recorded(venue, BinanceSpot(), Path(root), coins=["BTC"]) as recorded,
        ):
            client = client_of(BinanceSpot(), venue.dialect.settings(venue.address))
            waiting = Waiting(client)
            task = asyncio.create_task(waiting.run())
            await venue.subscribed("btcusdt@trade", "btcusdt@bookTicker")
            await asyncio.sleep(0.5)
            sent = await send_bursts(venue, rate, size)
            await asyncio.sleep(0.5)
            task.cancel()
            await asyncio.wait([task])
            await client.close()
        quotes, trades = (len(recorded.rows(stream)) / sent for stream in (Stream.BBO, Stream.TRADES))
    shares = f"{waiting.quotes / sent:>20.1%}{quotes:>20.1%}{trades:>9.1%}"
    print(f"  {size:>3} at once, {sent / BURST_SECONDS:>4.0f}/s{shares}")


async def send_bursts(venue: SmallVenue, rate: int, size: int) -> int:
    """Send for some seconds; gives how many of each."""
    sent = 0
    end = asyncio.get_running_loop().time() + BURST_SECONDS
    while asyncio.get_running_loop().time() < end:
        for _ in range(size):
            sent += 1
            quote = {"u": sent, "s": "BTCUSDT", "b": "99.00", "B": str(sent), "a": "100.00", "A": "1"}
            trade = {
                "e": "trade",
                "E": now_ms(),
                "s": "BTCUSDT",
                "t": sent,
                "p": "100",
                "q": "1",
                "T": now_ms(),
                "m": True,
            }
            await venue.send("btcusdt@bookTicker", quote)
            await venue.send("btcusdt@trade", trade)
        await asyncio.sleep(size / rate)
    return sent


def main() -> None:
    """Print both comparisons."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        roots = [Path(folder) / name for name in ("native", "ccxt")]
        asyncio.run(record_both(roots, seconds))
        compare(roots)
    print("Binance's dialect:   quotes, waiting   quotes, recorded   prints")
    for rate, size in BURSTS:
        asyncio.run(burst(rate, size))


if __name__ == "__main__":
    main()
