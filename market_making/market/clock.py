"""The time of this machine, in the unit of the store."""

import time


def now_ms() -> int:
    """Unix time of now [ms]."""
    return time.time_ns() // 1_000_000
