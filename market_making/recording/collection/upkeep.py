"""What a collector does for its store beside recording, by a timetable: compaction, retention, cleaning."""

import asyncio
import logging
import threading
from dataclasses import dataclass

from market_making.market.clock import now_ms
from market_making.market.timetable import Timetable
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
    """Compact and remove old days now and every `period_s`, until cancelled; a failure is logged, not fatal."""
    upkeep, timetable = Upkeep(storage, venue, retention), Timetable()
    for work in (upkeep.clean, upkeep.compact, upkeep.remove_old_days):
        timetable.every(period_s).seconds.do(work)
    try:
        await asyncio.to_thread(timetable.run_all)
        while True:
            await asyncio.sleep(timetable.wait_s)
            await asyncio.to_thread(timetable.run_pending)
    finally:
        # A thread cannot be cancelled; it looks here before each piece of work.
        upkeep.ending.set()


class Upkeep:
    """The periodic work on a store; once `ending` is set, what is under way ends soon.

    Compaction looks at every day the first time, then at those that still change: what failed of older ones is not
    tried again.
    """

    def __init__(self, storage: Storage, venue: str, retention: Retention) -> None:
        self.ending = threading.Event()
        self._storage = storage
        self._venue = venue
        self._retention = retention
        self._since_day = ""

    def clean(self) -> None:
        """Remove what a crash left behind."""
        with going_on("cleaning the store"):
            remove_leftovers(self._storage, self._venue, now_ms=now_ms())

    def compact(self) -> None:
        """Merge small segments and delete those that were merged a while ago."""
        if self.ending.is_set():
            return
        time_ms, since_day, ending = now_ms(), self._since_day, self.ending.is_set
        with going_on("compaction"):
            report = compact(self._storage, self._venue, now_ms=time_ms, since_day=since_day, interrupted=ending)
            level = logging.INFO if report.replaced or report.deleted else logging.DEBUG
            log.log(
                level, "compaction: %d segments into %d, %d deleted", report.replaced, report.merged, report.deleted
            )
            self._since_day = day_of(time_ms - DAY_MS)

    def remove_old_days(self) -> None:
        """Remove what is kept no longer, if anything is limited."""
        days, size = self._retention.days, self._retention.bytes
        if self.ending.is_set() or (days is None and size is None):
            return
        with going_on("removing old days"):
            for folder in remove_old_days(self._storage, self._venue, now_ms=now_ms(), keep_days=days, keep_bytes=size):
                log.info("removed %s", folder)
