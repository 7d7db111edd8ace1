"""The decision log: one numbered line an event, so that a replay can be held against it.

``<folder>/<bot>-<YYYY-MM-DD>.jsonl``, by day of the event (UTC). A day's file stops growing at a bound and old days
are removed, because a log must never fill the disk of a machine that trades. Every line has `sequence`, `time_ms`,
`run` and `event`, and what the event has of the keys of `read_decisions`; what does not exist is left out. A number
that is missing in the sequence of a run is a line that could not be written.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from market_making.market.reasons import Reason
from market_making.trading.fills import DIGITS
from market_making.trading.plain import to_plain

logger = logging.getLogger(__name__)


class Event(StrEnum):
    """What happened."""

    RUN = "run"  # a bot has started
    BASIS = "basis"  # what plans are made from that seldom changes is new
    PLAN = "plan"  # a plan from which an order was placed, or whose outcome is another than before
    PLACE = "place"  # an order is asked for
    PLACED = "placed"  # it has an id
    REFUSED = "refused"  # it has none
    KEEP = "keep"  # an order stays past its minimum life and off its price, for a reason
    CANCEL = "cancel"  # a cancellation is asked for
    CANCELLED = "cancelled"  # an order rests no longer, and something of it was not filled
    FILL = "fill"  # a part of an order was filled
    WITHHOLD = "withhold"  # no order is wanted, for a reason
    FOREIGN = "foreign"  # an order or a position that the bot did not make
    MINUTE = "minute"  # how the loops of a minute went
    STOP = "stop"  # the bot has ended


class DecisionLog:
    """Writer of one bot's log.

    Parameters
    ----------
    folder : Path
        Created when the first line is written.
    bot : str
        First part of the file names.
    run : str
        Name of this run.
    header : Callable[[], Mapping[str, Any]], optional
        What the first line says of the run; asked for when it is written.
    maximum_bytes : int
        Bound of one day's file.
    days : int
        How many days are kept.
    """

    def __init__(
        self,
        folder: Path,
        bot: str,
        run: str,
        header: Callable[[], Mapping[str, Any]] | None = None,
        *,
        maximum_bytes: int = 100_000_000,
        days: int = 14,
    ) -> None:
        self._folder = folder
        self._bot = bot
        self._run = run
        self._header = header
        self._maximum_bytes = maximum_bytes
        self._days = days
        self._day = ""
        self._bytes = 0
        self._is_torn = False
        self._sequence = 0
        self.fault = ""
        """Why nothing can be written now; empty while it can."""

    def write(self, event: Event, time_ms: int, values: Mapping[str, Any]) -> int:
        """Append one line and return its number; a log that is full or cannot be written never stops the bot."""
        if self._sequence == 0 and event is not Event.RUN:
            self.write(Event.RUN, time_ms, self._header() if self._header else {})
        self._sequence += 1
        line = {"sequence": self._sequence, "time_ms": time_ms, "run": self._run, "event": event}
        line |= {name: to_plain(value) for name, value in values.items() if value is not None}
        self._append(time_ms, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        return self._sequence

    def _append(self, time_ms: int, line: bytes) -> None:
        day = f"{datetime.fromtimestamp(time_ms / 1e3, UTC):%Y-%m-%d}"
        path = log_path(self._folder, self._bot, day)
        try:
            if day != self._day:
                self._turn_to(day, path)
            if self._bytes + len(line) > self._maximum_bytes:
                self._report(f"{path} has reached {self._maximum_bytes} bytes")
                return
            with path.open("ab") as file:
                file.write(b"\n" + line if self._is_torn else line)
        except OSError as error:
            self._day = ""  # the folder may be another by then
            self._report(f"{path} cannot be written: {error.strerror or error}")
        else:
            self._bytes += len(line)
            self._is_torn = False
            self.fault = ""

    def _turn_to(self, day: str, path: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        earlier = [old for old in log_files(self._folder, self._bot) if old != path]
        for old in earlier[: max(len(earlier) - self._days + 1, 0)]:
            old.unlink()
        self._bytes = path.stat().st_size if path.exists() else 0
        self._is_torn = self._bytes > 0 and not _ends_whole(path)
        self._day = day

    def _report(self, what: str) -> None:
        if not self.fault:
            logger.warning("decisions are not logged: %s", what)
        self.fault = what


def _ends_whole(path: Path) -> bool:
    """Whether the last line of a file is complete; it is not where the disk was full or the power failed."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def log_path(folder: Path, bot: str, day: str) -> Path:
    """The log of one bot of one day, ``YYYY-MM-DD``."""
    return folder / f"{bot}-{day}.jsonl"


def log_files(folder: Path, bot: str) -> list[Path]:
    """The logs of one bot, oldest first."""
    # Only names of this length are this bot's: another's name may begin like it.
    length = len(log_path(folder, bot, "YYYY-MM-DD").name)
    return sorted(path for path in folder.glob(f"{bot}-*.jsonl") if len(path.name) == length)


def read_decisions(*paths: Path) -> Iterator[dict[str, Any]]:
    """Read the lines of logs, in the order of the paths; logs of earlier versions too.

    Yields
    ------
    dict
        One a line: `event` as `Event`, `reason` as `Reason` or None, `detail` its text, and of `coin`, `pair`, `leg`,
        `side`, `order_id`, `price` [price], `size` [coins], `calibration_id` what the event has. Lines of versions
        before 0.2 have neither `sequence` nor `run`. A line that was torn off at a power cut is left out.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                try:
                    values = orjson.loads(line)
                    yield _understood(values)
                except (ValueError, KeyError, TypeError):
                    continue


def _understood(values: dict[str, Any]) -> dict[str, Any]:
    """A line of any version: at first a reason was a text only."""
    known = {name: value for name, value in values.items() if value is not None}
    text = known.pop("reason", None)
    reason = Reason(text) if text in set(Reason) else None
    detail = known.pop("detail", "" if reason else text)
    return known | {"event": Event(values["event"]), "reason": reason, "detail": detail or ""}


class CountedBefore:
    """What the logs of former runs have counted as filled, by order; read when it is asked for."""

    def __init__(self, folder: Path, bot: str) -> None:
        self._folder = folder
        self._bot = bot

    def __call__(self, order_id: str) -> float | None:
        """How much of an order was counted [coins]; None if no log knows it, or none can be read."""
        wanted = f'"{order_id}"'.encode()
        known, filled = False, 0.0
        for path in log_files(self._folder, self._bot):
            try:
                with path.open("rb") as file:
                    lines = [orjson.loads(line) for line in file if wanted in line and line.endswith(b"\n")]
            except (OSError, ValueError):
                continue
            mine = [line for line in lines if line.get("order_id") == order_id]
            known = known or bool(mine)
            filled += sum(line["size"] for line in mine if line["event"] == Event.FILL)
        return round(filled, DIGITS) if known else None
