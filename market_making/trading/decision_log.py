"""The decision log: one line a decision that changed something, so that a replay can be held against it.

``<folder>/<bot>-<YYYY-MM-DD>.jsonl``, by day of the decision (UTC). A day's file stops growing at a bound and old days
are removed, because a log must never fill the disk of a machine that trades.
"""

import logging
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import orjson

from market_making.market.reasons import Reason

logger = logging.getLogger(__name__)


class Event(StrEnum):
    """What a decision did."""

    PLACE = "place"
    KEEP = "keep"  # past its minimum life and off its price, for a reason
    CANCEL = "cancel"
    WITHHOLD = "withhold"
    FILL = "fill"


class Decision(NamedTuple):
    """One line: inventory in lots, prices [price], size in coins; None where a value does not exist.

    `reason` is one of an enum, `detail` its text with figures.
    """

    time_ms: int
    coin: str
    leg: str | None
    event: Event
    side: str | None = None
    inventory: float | None = None
    mid: float | None = None
    depth: float | None = None
    price: float | None = None
    size: float | None = None
    reason: Reason | None = None
    detail: str | None = None
    calibration_id: str | None = None
    order_id: str | None = None


class DecisionLog:
    """Writer of one bot's log.

    Parameters
    ----------
    folder : Path
        Created when the first decision is written.
    bot : str
        First part of the file names.
    maximum_bytes : int
        Bound of one day's file.
    days : int
        How many days are kept.
    """

    def __init__(self, folder: Path, bot: str, *, maximum_bytes: int = 50_000_000, days: int = 14) -> None:
        self._folder = folder
        self._bot = bot
        self._maximum_bytes = maximum_bytes
        self._days = days
        self._day = ""
        self._bytes = 0

    def write(self, decision: Decision) -> None:
        """Append one decision; a full or unwritable log is reported once a day and never stops the bot."""
        day = f"{datetime.fromtimestamp(decision.time_ms / 1e3, UTC):%Y-%m-%d}"
        line = orjson.dumps(decision._asdict(), option=orjson.OPT_APPEND_NEWLINE)
        try:
            if day != self._day:
                self._turn_to(day)
            if self._bytes + len(line) > self._maximum_bytes:
                self._report(f"{self._path(day)} has reached {self._maximum_bytes} bytes")
                return
            with self._path(day).open("ab") as file:
                file.write(line)
            self._bytes += len(line)
        except OSError as error:
            self._report(f"{self._path(day)} cannot be written: {error.strerror}")

    def _path(self, day: str) -> Path:
        return self._folder / f"{self._bot}-{day}.jsonl"

    def _turn_to(self, day: str) -> None:
        self._day, self._bytes = day, 0
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(day)
        self._bytes = path.stat().st_size if path.exists() else 0
        # Only names of this length are this bot's: another's name may begin like it.
        others = [old for old in self._folder.glob(f"{self._bot}-*.jsonl") if len(old.stem) == len(path.stem)]
        earlier = sorted(old for old in others if old != path)
        for old in earlier[: max(len(earlier) - self._days + 1, 0)]:
            old.unlink()

    def _report(self, what: str) -> None:
        if self._bytes <= self._maximum_bytes:
            logger.warning("no more decisions are logged today: %s", what)
        self._bytes = self._maximum_bytes + 1
