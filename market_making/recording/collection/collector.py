"""Records live market data of any number of coins into the tick store."""

import asyncio
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from market_making.hyperliquid.directory import Directory
from market_making.hyperliquid.feed import Feed, RateLimits, Timing
from market_making.hyperliquid.market_data import Subscription
from market_making.hyperliquid.unhurried import unhurried_session
from market_making.market.clock import now_ms
from market_making.market.errors import ConfigurationError, LostRows
from market_making.market.identity import Market
from market_making.market.selection import Selection
from market_making.recording.collection.choosing import MOST_MARKETS, busiest, subscriptions_of
from market_making.recording.collection.collector_state import KIND, CollectorReport
from market_making.recording.collection.earlier import EarlierRecording
from market_making.recording.collection.live_recording import LiveRecording, Recording
from market_making.recording.collection.recorder import SPILL_BYTES, Counts, Recorder
from market_making.recording.collection.upkeep import Retention, keep_up
from market_making.recording.store.compaction import drop_replaced
from market_making.recording.store.market_file import write_market
from market_making.recording.store.segments import DAY_MS, day_of
from market_making.recording.store.storage import LocalStorage, open_storage
from market_making.recording.store.tick_store import TickStore
from market_making.safety.claim import claimed, require_writable

SILENT_S = 30.0
SWITCH_INTERVAL_S = 0.0002

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CollectorOptions:
    """Patience with connections, retention, memory for rows that cannot be written yet [bytes].

    `state` is the folder of the state file; None to write none. `most` is how many markets are recorded, the busiest of
    those selected; None for as many as the exchange allows. Where there is a choice it is made anew every `choice_s`.
    """

    timing: Timing = field(default_factory=Timing)
    retention: Retention = field(default_factory=Retention)
    spill_bytes: int = SPILL_BYTES
    state: Path | None = None
    most: int | None = None
    choice_s: float = DAY_MS / 1e3


class Collector:
    """Records coins of one venue until stopped.

    Parameters
    ----------
    url : str
        REST address, ``https://api.hyperliquid.xyz`` for example; the websocket is expected at its ``/ws``.
    coins : Selection, sequence of str or None
        What to record; names of a sequence must all be listed, None means every market.
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
        coins: Selection | Sequence[str] | None,
        root: Path | str,
        venue: str = "hyperliquid",
        *,
        flush_seconds: float = 5.0,
        options: CollectorOptions | None = None,
    ) -> None:
        self._selection = selection_of(coins)
        if not self._selection.wanted:
            raise ConfigurationError("no coin to record: name at least one, or None for every coin of the venue")
        self.session = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}p{os.getpid()}{secrets.token_hex(2)}"
        self._url = url.rstrip("/")
        self._flush_seconds = flush_seconds
        self._options = options or CollectorOptions()
        self._venue = venue
        self._storage = open_storage(root)
        self._recorder = Recorder(self._storage, venue, self.session, spill_bytes=self._options.spill_bytes)
        self._earlier = EarlierRecording(TickStore(root, venue), self._recorder, flush_seconds)
        self._report = CollectorReport(self._options.state, venue, self._recorder)
        self._directory: Directory | None = None
        self._live: Recording | None = None

    @property
    def counts(self) -> Counts:
        """What has become of the rows so far."""
        return self._recorder.counts

    @property
    def coins(self) -> tuple[str, ...]:
        """What is recorded, by the names of the folders; what is asked for, before the venue has answered."""
        return self._selection.wanted if self._live is None else tuple(self._live.recordings)

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
        ConfigurationError
            If a folder cannot be written, or another collector writes there.
        UnknownCoin
            If the venue does not list one of the coins.
        LostRows
            If something received could not be written.
        """
        stop = stop or asyncio.Event()
        with self._alone(), stopping_on_signals(stop), sharing_the_interpreter():
            async with unhurried_session(self._options.state, self._url) as client:
                work = asyncio.create_task(self._record_on(client))
                stopped = asyncio.create_task(stop.wait())
                silent = asyncio.create_task(self._say_if_nothing_comes())
                try:
                    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await end_all({work, stopped, silent})
                    await self._finish()
        if not work.cancelled():
            work.result()
        self._require_all_written()

    async def _record_on(self, client: aiohttp.ClientSession) -> None:
        """Record for ever; where there is a choice of markets, choose anew now and then, as if started again."""
        while True:
            try:
                async with asyncio.timeout(self._options.choice_s if self._selection.may_grow else None):
                    await self._record(client)
            except TimeoutError:
                log.info("choosing the markets anew")
            if self._live is not None:
                self._live.end()
            await self._recorder.flush(everything=True)

    async def _record(self, client: aiohttp.ClientSession) -> None:
        directory = self._directory = Directory(client, self._url)
        markets = await directory.require(self._selection)
        self._report.left_out = directory.missing
        markets = await self._within_limits(markets, directory)
        plan = subscriptions_of(markets)
        await asyncio.to_thread(self._say_markets, markets)
        recordings = await asyncio.to_thread(self._earlier.resume, [market.key for market in markets])
        live = self._live = LiveRecording(
            {market.wire: recordings[market.key] for market in markets}, directory, markets
        )
        log.info("recording %d coins over %d connections as session %s", len(markets), len(plan), self.session)
        await self._listen(client, directory, live, plan)

    async def _within_limits(self, markets: tuple[Market, ...], directory: Directory) -> tuple[Market, ...]:
        """The busiest of them, if they are more than the options or the exchange allow."""
        most = self._options.most or (MOST_MARKETS if self._selection.may_grow else len(markets))
        if len(markets) <= most:
            return markets
        chosen = busiest(markets, await directory.volumes(), most)
        log.info("recording the %d busiest of %d markets: %s", most, len(markets), ", ".join(m.key for m in chosen))
        return chosen

    async def _listen(
        self, client: aiohttp.ClientSession, directory: Directory, live: LiveRecording, plan: list[list[Subscription]]
    ) -> None:
        address = f"ws{self._url.removeprefix('http')}/ws"
        allowances = RateLimits()
        async with asyncio.TaskGroup() as tasks:
            for subscriptions in plan:
                tasks.create_task(Feed(address, subscriptions, live, allowances, self._options.timing).run(client))
            tasks.create_task(directory.watch_clock())
            tasks.create_task(self._flush_for_ever(live))
            tasks.create_task(keep_up(self._storage, self._venue, self._options.retention))

    def _say_markets(self, markets: Iterable[Market]) -> None:
        for market in markets:
            write_market(self._storage, self._venue, market)

    async def _flush_for_ever(self, live: Recording) -> None:
        while True:
            await asyncio.sleep(self._flush_seconds)
            live.progress(now_ms())
            await self._recorder.flush()
            self._tell(live)

    def _tell(self, live: Recording) -> None:
        self._report.write(live.recordings, live.malformed_messages, self.clock_offset_ms)

    async def _say_if_nothing_comes(self) -> None:
        """Say once that nothing was received since the start: the retries alone do not say what to look at."""
        await asyncio.sleep(SILENT_S)
        if self.counts.received == 0:
            source = self._url or self._venue
            log.warning(
                "nothing was received from %s for %.0f s; is there a network? The collector goes on trying",
                source,
                SILENT_S,
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Record only where rows can be written, and where no other collector writes."""
        with ExitStack() as claims:
            if isinstance(self._storage, LocalStorage):
                folder = self._storage.root / self._venue
                require_writable(folder)
                claims.enter_context(claimed(folder, KIND))
            if self._options.state is not None:
                require_writable(self._options.state)
            yield

    async def _finish(self) -> None:
        if self._live is not None:
            self._live.end()
        await self._recorder.flush(everything=True)
        since_day = day_of(now_ms() - DAY_MS)
        await asyncio.to_thread(drop_replaced, self._storage, self._venue, since_day=since_day)
        if self._live is not None:
            self._tell(self._live)
        self._report.end()
        log.info("stopped: %d rows written", self.counts.written)

    def _require_all_written(self) -> None:
        counts = self.counts
        lost = counts.received - counts.written
        if lost:
            reasons = "; ".join(self._recorder.failures) or "there was no room for them"
            raise LostRows(f"{lost} of {counts.received} rows are lost ({reasons})")
        if counts.waiting_bytes:
            log.error("every row is written, but not every note of a gap")


def selection_of(coins: Selection | Sequence[str] | None) -> Selection:
    """What is to be recorded: all of a sequence, everything for None."""
    if isinstance(coins, Selection):
        return coins
    return Selection.everything() if coins is None else Selection(tuple(coins), strict=True)


async def end_all(tasks: set[asyncio.Task[None] | asyncio.Task[bool]], again_s: float = 3.0) -> None:
    """Cancel tasks until they have ended: a cancellation that meets the end of a connection can get lost in it."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=again_s)


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
