"""The guard's record, ``<decisions>/guard-<YYYY-MM-DD>.jsonl``: where it is, and why an order was cancelled.

One line an event, by day (UTC). A bot whose order was cancelled from outside asks here why.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from market_making.market.reasons import Because, Reason

NAME = "guard"
CANCEL, CANCELLED = "cancel", "cancelled"
_TAIL_BYTES = 65_536
_DAY_MS = 86_400_000


def record_path(folder: Path, time_ms: int) -> Path:
    """The file of the day of a moment."""
    return folder / f"{NAME}-{datetime.fromtimestamp(time_ms / 1e3, UTC):%Y-%m-%d}.jsonl"


def cancelled_by_guard(folder: Path, order_id: str, now_ms: int) -> Because | None:
    """Why the guard has cancelled an order, if it has done so lately; None where it has not, or nothing is known.

    The last line about the order decides. One that was sent a cancel and not answered yet counts as cancelled.
    """
    for day_ms in (now_ms, now_ms - _DAY_MS):
        for line in reversed(_tail(record_path(folder, day_ms))):
            event = _event(line) if order_id.encode() in line else {}
            if event.get("order_id") == order_id:
                return _because(event)
    return None


def _because(event: dict[str, Any]) -> Because | None:
    if event.get("event") not in (CANCEL, CANCELLED):
        return None
    try:
        return Because(Reason(event["reason"]), str(event["detail"]))
    except (ValueError, KeyError):
        return None


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def _tail(path: Path) -> list[bytes]:
    """The last lines of a file, of which the first may be torn; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - _TAIL_BYTES, 0))
            return file.read().splitlines()
    except OSError:
        return []
