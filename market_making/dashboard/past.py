"""What the views show of the past: the last decisions of a bot, and the calibrations of a coin."""

import math
from collections.abc import Iterator
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import orjson

from calibration.publication.history import read_history
from market_making.market.errors import MalformedMessage
from market_making.settings.settings import Settings
from market_making.trading.decision_log import Event, log_files

_TAIL_BYTES, _FILLS_TAIL_BYTES = 200_000, 4_000_000
_FILLS_MS = 1_800_000  # as long as prices are drawn
_HOURS = 2
_MOST_ROWS = 240
_SHOWN = (Event.PLACE, Event.FILL, Event.CANCEL, Event.WITHHOLD, Event.REFUSED, Event.FOREIGN, Event.KEEP)
_KEYS = ("time_ms", "event", "side", "price", "size", "reason", "detail")
_LINES = (
    "volatility",
    "half_spread",
    *(
        f"{name}_{side}"
        for name in ("arrival_rate", "fill_decay", "adverse_selection_on_fill")
        for side in ("buy", "sell")
    ),
)


def last_decisions(settings: Settings, bot: str, pair: str, number: int) -> list[dict[str, Any]]:
    """Return what a bot has decided on a pair, newest first; empty if its log cannot be read."""
    lines = _newest_first(settings.decisions, bot, _TAIL_BYTES)
    shown = (line for line in lines if line.get("pair") == pair and _is_shown(line))
    return [_short(line) for line in islice(shown, number)]


def _is_shown(line: dict[str, Any]) -> bool:
    """A cancellation is told with its reason: when the bot asks for it, or when it is seen that somebody else did."""
    return line.get("event") in _SHOWN or (line.get("event") == Event.CANCELLED and "detail" in line)


def last_fills(settings: Settings, bot: str, pair: str, now_ms: int) -> list[dict[str, Any]]:
    """Return the fills of the last half hour, newest first."""
    lines = _newest_first(settings.decisions, bot, _FILLS_TAIL_BYTES)
    recent = takewhile(lambda line: line.get("time_ms", 0) >= now_ms - _FILLS_MS, lines)
    return [_short(line) for line in recent if (line.get("pair"), line.get("event")) == (pair, Event.FILL)]


def _short(line: dict[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in _KEYS if line.get(name) is not None}


def _newest_first(folder: Path, bot: str, most_bytes: int) -> Iterator[dict[str, Any]]:
    for path in reversed(log_files(folder, bot)[-1:]):
        try:
            with path.open("rb") as file:
                file.seek(0, 2)
                start = max(file.tell() - most_bytes, 0)
                file.seek(start)
                lines = file.read().splitlines()
        except OSError:
            return
        for text in reversed(lines[1:] if start else lines):  # the first may be torn
            try:
                line = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue
            if isinstance(line, dict):
                yield line


def calibrations(settings: Settings, coin: str, now_ms: int) -> dict[str, Any]:
    """Return the calibrations of the last two hours as columns, each estimate with its interval."""
    try:
        history = read_history(settings.parameters, coin, now_ms - _HOURS * 3_600_000, now_ms)
    except (MalformedMessage, OSError) as error:
        return {"created_ms": [], "fault": str(error).replace(str(settings.parameters), "parameters")}
    every = max(1, math.ceil(len(history) / _MOST_ROWS))
    names = ["mid", *_LINES[:2], *(f"{name}{end}" for name in _LINES[2:] for end in ("", "_low", "_high"))]
    columns = {name: [_plain(value) for value in history.column(name)[::every]] for name in names}
    return {"created_ms": [int(value) for value in history.column("created_ms")[::every]], **columns}


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
