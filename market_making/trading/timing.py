"""How long this bot takes to move an order, from its own decision log: what the calibrator's shadow maker replays with.

A loop plans, cancels, and places. From the plan to a cancellation, from there to the next order, and from a fill to the
next order are times of the log; the way to the exchange is that of an order. An order is known when the log first names
it: a loop has seen it rest, or the edge has cancelled it before. What loops take that place no order is what is left of
whole minutes. A bot that is woken cancels when an order has become too close, not when its next loop begins; how old
news are by then is what the youngest books say.
"""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import orjson

from calibration.estimators.shadow_quote import Timing
from market_making.safety.guard_record import NAME as GUARD
from market_making.settings.edge import EdgeSettings
from market_making.trading.decision_log import Event

_TAIL_BYTES = 1_000_000  # about an hour of a busy bot
_LATEST_S = 86_400.0  # a bot that has written nothing for a day may be another one by now
_FEWEST = 10
_LONGEST_MS = 60_000.0
_FRESH, _BARE_WAY = 0.05, 0.25  # quantiles: books that have just changed, and orders that waited for nothing else


def recorded_timing(folder: Path, edge: EdgeSettings) -> Timing | None:
    """What the newest decision log in a folder says; None where there is none, or it says too little.

    Parameters
    ----------
    folder : Path
        Of the decision logs.
    edge : EdgeSettings
        Of the bot that writes them.
    """
    try:
        logs = [path for path in folder.glob("*.jsonl") if not path.name.startswith(f"{GUARD}-")]
        newest = max(logs, key=lambda path: path.stat().st_mtime, default=None)
        if newest is None or newest.stat().st_mtime < time.time() - _LATEST_S:
            return None
        return timing_of(_tail(newest), edge)
    except OSError:
        return None


def timing_of(lines: Iterable[Mapping[str, Any]], edge: EdgeSettings) -> Timing | None:
    """What the lines of a log say, oldest first; None where they have fewer than ten moves or fills."""
    samples = _Samples()
    for line in lines:
        with suppress(KeyError, TypeError):  # a line of another version
            samples.add(line)
    return samples.timing(is_woken=edge.wake and edge.socket, is_fresh=edge.fresh and edge.socket)


class _Samples:
    """Times that the log tells [ms], and per coin what the next line is measured from."""

    def __init__(self) -> None:
        self._plans: dict[int, tuple[float, float]] = {}  # number of the line: when it was made, and its book
        self._places: dict[int, tuple[float, int]] = {}  # number of the line: when, and the plan
        self._planned: dict[str, float] = {}
        self._cancelled: dict[str, float] = {}
        self._filled: dict[str, float] = {}
        self._named: dict[str, float] = {}  # order that was cancelled: when that was asked for
        self._ages: list[float] = []
        self._ways: list[float] = []
        self._looks: list[float] = []
        self._moves: list[float] = []
        self._pauses: list[float] = []
        self._aims: list[float] = []
        self._knowns: list[float] = []
        self._idle = _IdleLoops()

    def add(self, line: Mapping[str, Any]) -> None:
        """Take the next line in."""
        event, coin, time_ms = line["event"], str(line.get("coin")), float(line["time_ms"])
        if event == Event.MINUTE:
            self._idle.minute(float(line["elapsed_ms"]), int(line["loops"]))
        elif event == Event.PLAN:
            self._plan(coin, line)
        elif event == Event.CANCEL:
            self._named.setdefault(line["order_id"], time_ms)
            self._looks.append(time_ms - self._planned[coin])
            self._cancelled[coin] = time_ms
        elif event == Event.FILL:
            self._cancelled.pop(coin, None)
            self._filled.setdefault(coin, time_ms)
        elif event == Event.PLACE:
            self._places[line["sequence"]] = time_ms, line["plan"]
        elif event == Event.PLACED:
            self._placed(coin, line, time_ms)

    def timing(self, *, is_woken: bool, is_fresh: bool) -> Timing | None:
        """What they make."""
        found = list(map(_usable, (self._ways, self._looks, self._moves, self._pauses, self._aims, self._knowns)))
        ways, looks, moves, pauses, aims, knowns = found
        idle_ms = self._idle.mean_ms
        if min(map(len, found)) < _FEWEST or idle_ms is None:
            return None
        heard = max(float(np.quantile(self._ages, _FRESH)), 0.0)
        look = heard if is_woken else median(looks)
        return Timing(
            loop_ms=0.0 if is_woken else idle_ms,
            cancel_ms=look + float(np.quantile(ways, _BARE_WAY)),
            place_ms=look + median(moves),
            pause_ms=heard + median(pauses),
            aim_ms=heard + median(ways) if is_fresh else median(aims),
            known_ms=median(knowns),
        )

    def _plan(self, coin: str, line: Mapping[str, Any]) -> None:
        made_ms, book_ms = float(line["now_ms"]), float(line["market"]["time_ms"])
        self._plans[line["sequence"]] = made_ms, book_ms
        self._planned[coin] = made_ms
        self._ages.append(made_ms - book_ms)
        if coin in self._filled:
            # The loop that has found the fill began before it said so.
            self._filled[coin] = min(self._filled[coin], made_ms)

    def _placed(self, coin: str, line: Mapping[str, Any], time_ms: float) -> None:
        placed_ms = float(line["placed_ms"])
        asked_ms, plan = self._places[line["place"]]
        self._ways.append(placed_ms - asked_ms)
        named_ms = min(time_ms, self._named.pop(line["order_id"], time_ms))
        self._knowns.append(max(named_ms - placed_ms, 0.0))  # the exchange's clock may be ahead
        if plan in self._plans:
            made_ms, book_ms = self._plans[plan]
            self._aims.append(placed_ms - book_ms)
            self._idle.placed(time_ms - made_ms)
        for since, samples in ((self._cancelled, self._moves), (self._filled, self._pauses)):
            if coin in since and placed_ms > since[coin]:
                samples.append(placed_ms - since.pop(coin))


class _IdleLoops:
    """How long a loop takes that places no order: the rest of minutes, less the loops that placed one."""

    def __init__(self) -> None:
        self._all_ms, self._all = 0.0, 0
        self._placing_ms, self._placing = 0.0, 0
        self._minute_ms, self._minute = 0.0, 0

    def placed(self, loop_ms: float) -> None:
        """A loop of this length has placed an order, in the minute that is not over yet."""
        self._minute_ms, self._minute = self._minute_ms + loop_ms, self._minute + 1

    def minute(self, elapsed_ms: float, loops: int) -> None:
        """A minute is over."""
        self._all_ms, self._all = self._all_ms + elapsed_ms, self._all + loops
        self._placing_ms, self._placing = self._placing_ms + self._minute_ms, self._placing + self._minute
        self._minute_ms, self._minute = 0.0, 0

    @property
    def mean_ms(self) -> float | None:
        """Mean [ms]: that of all loops where nearly all place orders; None where no minute is over."""
        idle = self._all - self._placing
        if idle < _FEWEST:
            return self._all_ms / self._all if self._all else None
        return max(self._all_ms - self._placing_ms, 0.0) / idle


def _usable(samples: list[float]) -> list[float]:
    return [each for each in samples if 0 <= each <= _LONGEST_MS]


def _tail(path: Path) -> list[dict[str, Any]]:
    """The last lines of a log; one that is torn is left out."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
        found = []
        for line in file.read().splitlines():
            with suppress(orjson.JSONDecodeError):
                found.append(orjson.loads(line))
        return found
