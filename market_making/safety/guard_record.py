"""The guard's record, ``<decisions>/guard-<YYYY-MM-DD>.jsonl``: where it is, and why an order was cancelled.

One line an event, by day (UTC). A bot whose order was cancelled from outside asks here why.
"""

from datetime import UTC, datetime
from pathlib import Path

import orjson

from market_making.market.reasons import Because, Reason

NAME = "guard"
CANCELLED = "cancelled"
_TAIL_BYTES = 65_536
_DAY_MS = 86_400_000


def record_path(folder: Path, time_ms: int) -> Path:
    """The file of the day of a moment."""
    return folder / f"{NAME}-{datetime.fromtimestamp(time_ms / 1e3, UTC):%Y-%m-%d}.jsonl"


def cancelled_by_guard(folder: Path, order_id: str, now_ms: int) -> Because | None:
    """Why the guard has cancelled an order, if it has done so lately; None where nothing is known of it."""
    for day_ms in (now_ms, now_ms - _DAY_MS):
        for line in reversed(_tail(record_path(folder, day_ms))):
            if order_id.encode() not in line:
                continue
            because = _because(line, order_id)
            if because is not None:
                return because
    return None


def _because(line: bytes, order_id: str) -> Because | None:
    try:
        event = orjson.loads(line)
        if event["event"] == CANCELLED and event["order_id"] == order_id:
            return Because(Reason(event["reason"]), str(event["detail"]))
    except (ValueError, KeyError, TypeError):
        pass
    return None


def _tail(path: Path) -> list[bytes]:
    """The last lines of a file, of which the first may be torn; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - _TAIL_BYTES, 0))
            return file.read().splitlines()
    except OSError:
        return []
