"""Records live market data of any number of coins into the tick store.

Best quotes, trades, slow books and asset contexts of up to `COINS_PER_CONNECTION` coins share a connection; fast
books, whose frames look like slow ones, have connections of their own. The exchange allows an address 10 connections
and 1000 subscriptions.
"""

import asyncio
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from market_making.hyperliquid.directory import Directory
from market_making.hyperliquid.feed import Feed, RateLimits, Timing
from market_making.hyperliquid.market_data import Subscription
from market_making.market.clock import now_ms
from market_making.market.errors import ConfigurationError, DataError, NotEnoughData, UnknownCoin
from market_making.recording.collection.coin_recording import CONNECTIONS, CoinRecording
from market_making.recording.collection.collector_state import CollectorState, write_state
from market_making.recording.collection.live_recording import LiveRecording, Recording
from market_making.recording.collection.recorder import SLOW_FLUSHES, SLOW_STREAMS, SPILL_BYTES, Counts, Recorder
from market_making.recording.collection.upkeep import Retention, keep_up
from market_making.recording.store.storage import LocalStorage, open_storage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import SCHEMAS, Stream

COINS_PER_CONNECTION = 60
MOST_CONNECTIONS = 10
MOST_SUBSCRIPTIONS = 1000
LONGEST_START_GAP_MS = 86_400_000
KNOWN_TRADES_MS = 600_000
SWITCH_INTERVAL_S = 0.0002
# Trades first: when the first quote or book arrives, nothing of the coin on this connection is still unsubscribed.
EVENT_CHANNELS = ("trades", "bbo", "activeAssetCtx", "l2Book")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CollectorOptions:
    """Patience with connections, retention, and memory for rows that cannot be written yet [bytes]."""

    timing: Timing = field(default_factory=Timing)
    retention: Retention = field(default_factory=Retention)
    spill_bytes: int = SPILL_BYTES


class Collector:
    """Records coins of one venue until stopped.

    Parameters
    ----------
    url : str
        REST address, ``https://api.hyperliquid.xyz`` for example; the websocket is expected at its ``/ws``.
    coins : sequence of str or None
        The venue's names; None means every coin it lists.
    root : Path or str
        Root of the tick store.
    venue : str
        Folder of the venue in the store.
    flush_seconds : float
        Rows are durable and visible after at most about this time; slow books and contexts after six times this.
    options : CollectorOptions, optional
        What most users leave as it is.
    """

    def __init__(
        self,
        url: str,
        coins: Sequence[str] | None,
        root: Path | str,
        venue: str = "hyperliquid",
        *,
        flush_seconds: float = 5.0,
        options: CollectorOptions | None = None,
    ) -> None:
        if coins is not None and not coins:
            raise ConfigurationError("no coin to record: name at least one, or None for every coin of the venue")
        self.session = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}p{os.getpid()}{secrets.token_hex(2)}"
        self._url = url.rstrip("/")
        self._wanted = coins
        self._flush_seconds = flush_seconds
        self._options = options or CollectorOptions()
        self._venue = venue
        self._storage = open_storage(root)
        self._store = TickStore(root, venue)
        self._recorder = Recorder(self._storage, venue, self.session, spill_bytes=self._options.spill_bytes)
        self._directory: Directory | None = None
        self._live: Recording | None = None

    @property
    def counts(self) -> Counts:
        """What has become of the rows so far."""
        return self._recorder.counts

    @property
    def clock_offset_ms(self) -> float | None:
        """Exchange clock minus local clock [ms]; None before the first measurement."""
        return None if self._directory is None else self._directory.clock_offset_ms

    @property
    def malformed_messages(self) -> int:
        """Messages that could not be read."""
        return 0 if self._live is None else self._live.malformed_messages

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Record until `stop` is set, SIGTERM or SIGINT arrives or the task is cancelled; then flush.

        Raises
        ------
        UnknownCoin
            If the venue does not list one of the coins.
        """
        stop = stop or asyncio.Event()
        with stopping_on_signals(stop), sharing_the_interpreter():
            async with aiohttp.ClientSession() as client:
                work = asyncio.create_task(self._record(client))
                stopped = asyncio.create_task(stop.wait())
                try:
                    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (work, stopped):
                        task.cancel()
                    await asyncio.wait({work, stopped})
                    await self._finish()
        if not work.cancelled():
            work.result()

    async def _record(self, client: aiohttp.ClientSession) -> None:
        directory = self._directory = Directory(client, self._url)
        coins = await directory.require(self._wanted)
        plan = spread_subscriptions(coins)
        live = self._live = LiveRecording(await asyncio.to_thread(self._resume, coins), directory)
        log.info("recording %d coins over %d connections as session %s", len(coins), len(plan), self.session)
        address = f"ws{self._url.removeprefix('http')}/ws"
        allowances = RateLimits()
        async with asyncio.TaskGroup() as tasks:
            for subscriptions in plan:
                tasks.create_task(Feed(address, subscriptions, live, allowances, self._options.timing).run(client))
            tasks.create_task(directory.watch_clock())
            tasks.create_task(self._flush_for_ever(live))
            tasks.create_task(keep_up(self._storage, self._venue, self._options.retention))

    def _resume(
        self, coins: Iterable[str], connections: Sequence[tuple[Stream, ...]] = CONNECTIONS
    ) -> dict[str, CoinRecording]:
        """State of each coin after what is recorded already; the streams of a connection share their gaps."""
        return {coin: self._resume_coin(coin, connections) for coin in coins}

    def _resume_coin(self, coin: str, connections: Sequence[tuple[Stream, ...]]) -> CoinRecording:
        try:
            last_ms = self._store.extent(coin)[1]
        except (DataError, OSError) as error:
            if not isinstance(error, (UnknownCoin, NotEnoughData)):
                log.error("what is recorded of %s cannot be read, so no gap is recorded since: %s", coin, error)
            return CoinRecording(coin, self._recorder, connections=connections)
        columns = ("exchange_ms", "trade_id")
        trades = self._readable(coin, Stream.TRADES, last_ms - KNOWN_TRADES_MS, last_ms, columns)
        known = [(row["exchange_ms"], row["trade_id"]) for row in trades]
        # An older end needs no gap row: nothing is recorded since, and a reader sees that without being told.
        oldest_ms = now_ms() - LONGEST_START_GAP_MS
        if last_ms > oldest_ms and not self._was_stopped(coin, last_ms):
            self._note_crash(coin, last_ms, connections)
        last_ms = max(last_ms, oldest_ms)
        return CoinRecording(coin, self._recorder, last_ms=last_ms, known_trades=known, connections=connections)

    def _was_stopped(self, coin: str, last_ms: int) -> bool:
        """Whether the recording that ends at `last_ms` was ended on purpose, with everything written."""
        gaps = self._readable(coin, Stream.GAPS, last_ms - 1, 1 << 62)
        return any(gap["reason"] == "stop" and gap["end_ms"] >= last_ms for gap in gaps)

    def _note_crash(self, coin: str, last_ms: int, connections: Sequence[tuple[Stream, ...]]) -> None:
        """Note what may be missing before the newest recorded event: a crash can come between the streams of a flush.

        What a stream received up to its flush before the last one is on disk, and so is all up to its newest row.
        """
        for stream in (stream for streams in connections for stream in streams):
            flushes = 2 * (SLOW_FLUSHES if stream in SLOW_STREAMS else 1)
            start_ms = last_ms - round(flushes * self._flush_seconds * 1e3)
            rows = self._readable(coin, stream, start_ms, last_ms, ("exchange_ms",))
            start_ms = max([start_ms, *(row["exchange_ms"] for row in rows[-1:])])
            if start_ms < last_ms:
                self._recorder.add_gap(coin, stream, start_ms, last_ms, "crash")

    def _readable(
        self, coin: str, stream: Stream, start_ms: int, end_ms: int, columns: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        """Rows of a window, or none where they cannot be read, which must keep no coin from being recorded.

        Without its last rows a recording counts as crashed, and trades of the back-log may be written once more: they
        are read once.
        """
        try:
            table = self._store.read(coin, stream, start_ms, end_ms, columns=columns)
        except (DataError, OSError) as error:
            log.error("the last rows of %s cannot be read: %s", coin, error)
            table = SCHEMAS[stream].empty_table()
        return list(table.to_pylist())

    async def _flush_for_ever(self, live: Recording) -> None:
        while True:
            await asyncio.sleep(self._flush_seconds)
            live.progress(now_ms())
            await self._recorder.flush()
            self._note(live)

    def _note(self, live: Recording) -> None:
        """Leave the note of how the collector is; where even that fails, the log has said why."""
        if not isinstance(self._storage, LocalStorage):
            return
        counts = self._recorder.counts
        state = CollectorState(
            session=self.session,
            time_ms=now_ms(),
            coins=len(live.coins),
            clock_offset_ms=self.clock_offset_ms,
            received=counts.received,
            written=counts.written,
            dropped=counts.dropped,
            waiting_bytes=counts.waiting_bytes,
            failed_writes=counts.failed_writes,
            malformed_messages=live.malformed_messages,
        )
        with suppress(OSError):
            write_state(self._storage.root, self._venue, state)

    async def _finish(self) -> None:
        if self._live is not None:
            self._live.end()
        await self._recorder.flush(everything=True)
        counts = self._recorder.counts
        lost = counts.received - counts.written
        level = logging.ERROR if lost or counts.waiting_bytes else logging.INFO
        log.log(level, "stopped: %d rows written, %d lost (%d of them dropped)", counts.written, lost, counts.dropped)


def spread_subscriptions(coins: Sequence[str]) -> list[list[Subscription]]:
    """Subscriptions of each connection, within what the exchange allows an address.

    Raises
    ------
    ConfigurationError
        If there are too many coins even without asset contexts.
    """
    channels: tuple[str, ...] = EVENT_CHANNELS
    if len(coins) * (len(channels) + 1) > MOST_SUBSCRIPTIONS:
        log.warning("%d coins: no asset contexts, the exchange allows %d subscriptions", len(coins), MOST_SUBSCRIPTIONS)
        channels = tuple(channel for channel in channels if channel != "activeAssetCtx")
    groups = [coins[start : start + COINS_PER_CONNECTION] for start in range(0, len(coins), COINS_PER_CONNECTION)]
    plan = [[Subscription(channel, coin) for coin in group for channel in channels] for group in groups]
    plan += [[Subscription("l2Book", coin, fast=True) for coin in group] for group in groups]
    subscriptions = sum(map(len, plan))
    if len(plan) > MOST_CONNECTIONS or subscriptions > MOST_SUBSCRIPTIONS:
        raise ConfigurationError(
            f"{len(coins)} coins need {len(plan)} connections and {subscriptions} subscriptions; the exchange allows "
            f"an address {MOST_CONNECTIONS} and {MOST_SUBSCRIPTIONS}"
        )
    return plan


@contextmanager
def stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` on SIGTERM and SIGINT, where this thread may handle signals."""
    loop = asyncio.get_running_loop()
    handled = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    for number in handled:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


@contextmanager
def sharing_the_interpreter() -> Iterator[None]:
    """Let the thread that writes have its turn often.

    It waits for the interpreter after every step that leaves Python. While frames arrive without a pause, each wait
    takes a switch interval; with Python's 5 ms, several hundred segments would take minutes.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
