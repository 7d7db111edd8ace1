"""What a collector does for its store beside recording: compaction, retention, and the note of how it is."""

import asyncio
import logging
import threading
from dataclasses import dataclass

from market.clock import now_ms
from market.errors import DataError
from market.store.compaction import compact, remove_leftovers, remove_old_days
from market.store.segments import DAY_MS, day_of
from market.store.storage import Storage

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
    """Compact and remove old days now and every `period_s`, until cancelled; a failure is logged, not fatal."""
    since_day = ""
    ending = threading.Event()
    try:
        while True:
            try:
                await asyncio.to_thread(_once, storage, venue, retention, since_day, ending)
                since_day = day_of(now_ms() - DAY_MS)
            except (OSError, DataError) as error:
                log.error("upkeep of the store failed, the next attempt is in %.0f s: %s", period_s, error)
            await asyncio.sleep(period_s)
    finally:
        # A thread cannot be cancelled; it looks here before each piece of work.
        ending.set()


def _once(storage: Storage, venue: str, retention: Retention, since_day: str, ending: threading.Event) -> None:
    time_ms = now_ms()
    remove_leftovers(storage, venue, now_ms=time_ms)
    report = compact(storage, venue, now_ms=time_ms, since_day=since_day, interrupted=ending.is_set)
    log.info("compaction: %d segments into %d, %d deleted", report.replaced, report.merged, report.deleted)
    if retention.days is None and retention.bytes is None:
        return
    removed = remove_old_days(storage, venue, now_ms=time_ms, keep_days=retention.days, keep_bytes=retention.bytes)
    if removed:
        log.info("removed %s", ", ".join(removed))
