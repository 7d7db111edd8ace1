"""Writes down what the guard did and why, beside the decisions of the bots (`market_making.safety.guard_record`)."""

import logging
import os
from collections import deque
from pathlib import Path
from typing import Any

import orjson

from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.clock import now_ms
from market_making.market.reasons import Because
from market_making.safety.guard_record import NAME, record_path

log = logging.getLogger(__name__)

_WAITING = 1_000


class GuardRecord:
    """Appends events to the record of the day.

    Parameters
    ----------
    folder : Path
        Made with the first event.
    maximum_bytes : int
        Bound of one day's file.
    days : int
        How many days are kept.
    """

    def __init__(self, folder: Path, *, maximum_bytes: int = 50_000_000, days: int = 14) -> None:
        self.run = f"{NAME}-{now_ms()}"
        self.failure: str | None = None
        self._folder = folder
        self._maximum_bytes = maximum_bytes
        self._days = days
        self._path: Path | None = None
        self._sequence = 0
        self._waiting: deque[tuple[int, bytes]] = deque(maxlen=_WAITING)

    def about(self, event: str, bot: str, order: OpenOrder, because: Because) -> None:
        """Write down what happens to an order."""
        self.write(
            event,
            bot=bot,
            coin=order.coin,
            side=str(order.side),
            order_id=str(order.oid),
            price=order.price,
            size=order.size,
            reason=str(because.reason),
            detail=because.detail,
        )

    def write(self, event: str, **fields: Any) -> None:
        """Append one event; a record that is full or cannot be written never stops the guard, `failure` tells why."""
        time_ms = now_ms()
        line = {"sequence": self._sequence, "time_ms": time_ms, "run": self.run, "event": event} | fields
        self._sequence += 1
        self._waiting.append((time_ms, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)))
        self.flush()
        if self.failure is not None:
            log.warning("%s; %s", self.failure, line)

    def flush(self) -> None:
        """Append what could not be written before; the newest thousand lines wait for that."""
        try:
            while self._waiting:
                time_ms, line = self._waiting[0]
                self._append(record_path(self._folder, time_ms), line)
                self._waiting.popleft()
        except OSError as error:
            self._path = None  # the folder may be another by then
            self.failure = f"the record cannot be written: {error.strerror or error}"

    def _append(self, path: Path, line: bytes) -> None:
        if path != self._path:
            self._turn_to(path)
        size = path.stat().st_size if path.exists() else 0
        if size + len(line) > self._maximum_bytes:
            self.failure = f"the record of today has reached {self._maximum_bytes} bytes"
            return
        try:
            with path.open("ab") as file:
                file.write(line)
        except OSError:
            if path.exists():  # half of a line would spoil the next one
                os.truncate(path, size)
            raise
        self.failure = None

    def _turn_to(self, path: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # Only names of this length are the guard's: a bot's name may begin like it.
        days = sorted(old for old in self._folder.glob(f"{NAME}-*.jsonl") if len(old.name) == len(path.name))
        for old in days[: -self._days]:
            old.unlink()
        self._path = path
