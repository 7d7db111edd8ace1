"""Real time, and the source's events in it."""

import asyncio
import time
from collections.abc import Callable, Iterator

from market_making.market.events import BookSnapshot, Trade

Event = BookSnapshot | Trade
# So many late events are played before others get their turn.
BATCH = 200


def wall_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


class Clock:
    """Compresses the source's time into real time, from a common origin on.

    Parameters
    ----------
    origin_ms : int
        When both agree.
    speed : float
        Seconds of the source in a second of real time.
    """

    def __init__(self, origin_ms: int, speed: float) -> None:
        self._origin_ms = origin_ms
        self._speed = speed

    def stamp(self, source_ms: int) -> int:
        """Real time of a moment of the source [ms]."""
        return self._origin_ms + round((source_ms - self._origin_ms) / self._speed)


async def play(
    events: Iterator[Event], clock: Clock, on_event: Callable[[Event], None], flush: Callable[[], None]
) -> None:
    """Hand out events when their time has come, stamped with it; `flush` is called before every wait."""
    for number, event in enumerate(events):
        due_ms = clock.stamp(event.time_ms)
        delay_ms = due_ms - wall_ms()
        if delay_ms > 0 or number % BATCH == 0:
            flush()
            await asyncio.sleep(max(delay_ms, 0) / 1000)
        on_event(event._replace(time_ms=due_ms))
    flush()
