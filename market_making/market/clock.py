"""The time of this machine, in the unit of the store, and times as people read them."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Unix time of now [ms]."""
    return time.time_ns() // 1_000_000


def utc_text(time_ms: float) -> str:
    """A Unix time [ms] in UTC, to the second.

    >>> utc_text(1_757_016_000_000)
    '2025-09-04T20:00:00Z'
    """
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
