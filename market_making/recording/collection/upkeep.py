"""What a collector does for its store beside recording: compaction, retention, and the note of how it is."""

import asyncio
import logging
import threading
from dataclasses import dataclass

from market_making.market.clock import now_ms
from market_making.recording.store.compaction import compact, going_on, remove_leftovers, remove_old_days
from market_making.recording.store.segments import DAY_MS, day_of
from market_making.recording.store.storage import Storage

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retention:
    """How long recordings are kept: the younger of the limits that are set; None keeps everything."""

    days: int | None = None
    gigabytes: float | None = None

    @property
    def bytes(self) -> int | None:
        """The limit of size [bytes]."""
        return None if self.gigabytes is None else int(self.gigabytes * 1e9)


async def keep_up(storage: Storage, venue: str, retention: Retention, *, period_s: float = 60.0) -> None:
    """Compact and remove old days now and every `period_s`, until cancelled; a failure is logged, not fatal.

    The first time every day is looked at, then those that still change: what failed of older ones is not tried again.
    """
    since_day = ""
    ending = threading.Event()
    try:
        while True:
            time_ms = now_ms()
            if await asyncio.to_thread(_once, storage, venue, retention, since_day, ending):
                since_day = day_of(time_ms - DAY_MS)
            await asyncio.sleep(period_s)
    finally:
        # A thread cannot be cancelled; it looks here before each piece of work.
        ending.set()


def _once(storage: Storage, venue: str, retention: Retention, since_day: str, ending: threading.Event) -> bool:
    """Whether compaction has looked at every day asked for."""
    time_ms, compacted = now_ms(), False
    with going_on("cleaning the store"):
        remove_leftovers(storage, venue, now_ms=time_ms)
    with going_on("compaction"):
        report = compact(storage, venue, now_ms=time_ms, since_day=since_day, interrupted=ending.is_set)
        log.info("compaction: %d segments into %d, %d deleted", report.replaced, report.merged, report.deleted)
        compacted = True
    if retention.days is not None or retention.bytes is not None:
        with going_on("removing old days"):
            days, size = retention.days, retention.bytes
            for folder in remove_old_days(storage, venue, now_ms=time_ms, keep_days=days, keep_bytes=size):
                log.info("removed %s", folder)
    return compacted
