"""What a decision log says of one run: its orders with their lives and fills, in the exchange's time as far as known.

The log is written by the bot, so a cancellation is noted before it is on its way, and a fill when it is seen. When the
exchange had an order is known, and when it ended it, where its websocket has told. Elsewhere the way of a request, from
its line until the exchange has the order, is taken for the way of a cancellation, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import orjson

from market_making.market.errors import NotEnoughData
from market_making.market.sides import Side
from market_making.replay.tape.footprint import Footprint
from market_making.safety.guard_record import CANCEL, CANCELLED, NAME
from market_making.trading.decision_log import Event, read_decisions

_USUAL_WAY_MS = 60.0


class LoggedFill(NamedTuple):
    """A part of an order, when it was seen [ms]: size [coins], price [price], fee [quote currency]."""

    time_ms: int
    size: float
    price: float
    fee: float


@dataclass
class LoggedOrder:
    """One order of a run.

    Attributes
    ----------
    asked_ms, placed_ms : int
        When the bot asked for it, and when the exchange had it [ms].
    cancel_ms, gone_ms : int or None
        When the bot asked for its cancellation, and when it saw that the order was gone [ms].
    ended_ms : int or None
        When the exchange ended it by its own word [ms].
    """

    order_id: str
    side: Side
    price: float
    size: float
    tag: str
    asked_ms: int
    placed_ms: int
    fills: list[LoggedFill]
    cancel_ms: int | None = None
    gone_ms: int | None = None
    ended_ms: int | None = None
    is_taker: bool = False

    @property
    def filled(self) -> float:
        """What was filled of it [coins]."""
        return sum(fill.size for fill in self.fills)

    @property
    def sign(self) -> int:
        """+1 for a bid, −1 for an ask."""
        return 1 if self.side is Side.BID else -1

    def worth(self, filled: float, mid: float, maker_fee: float) -> float:
        """What `filled` coins of it are worth at a mid [price], less the fee [quote currency]."""
        return self.sign * filled * (mid - self.price) - filled * self.price * maker_fee


@dataclass(frozen=True)
class LoggedRun:
    """One run of a bot, of one coin.

    Parameters
    ----------
    header : Mapping[str, Any]
        Its first line.
    lines : Sequence[Mapping[str, Any]]
        All of its lines.
    coin : str
        The coin.
    guard : Sequence[Mapping[str, Any]]
        Lines of the guard's record, which has cancelled some of its orders.
    """

    header: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    coin: str
    guard: Sequence[Mapping[str, Any]] = ()

    @property
    def start_ms(self) -> int:
        """Its first line [ms]."""
        return int(self.lines[0]["time_ms"])

    @property
    def end_ms(self) -> int:
        """Its last line [ms]."""
        return int(self.lines[-1]["time_ms"])

    @cached_property
    def orders(self) -> tuple[LoggedOrder, ...]:
        """Its orders that rested, as they were placed; those that took are left out."""
        asked = {line["sequence"]: line for line in self.lines if line["event"] is Event.PLACE}
        found: dict[str, LoggedOrder] = {}
        for line in self.lines:
            if line.get("coin") != self.coin or "order_id" not in line:
                continue
            if line["event"] is Event.PLACED:
                found[line["order_id"]] = _placed(line, asked.get(line.get("place"), line))
            elif line["order_id"] in found:
                _happened(found[line["order_id"]], line)
        for line in self.guard:
            if line.get("order_id") in found:
                _guarded(found[line["order_id"]], line)
        return tuple(order for order in found.values() if not order.is_taker)

    @cached_property
    def way_ms(self) -> float:
        """From the line of a request until the exchange has it, in the middle [ms]."""
        ways = [order.placed_ms - order.asked_ms for order in self.orders if order.placed_ms > order.asked_ms]
        return median(ways) if ways else _USUAL_WAY_MS

    def ended_ms(self, order: LoggedOrder) -> int:
        """When the exchange has ended an order, or is thought to have, if nothing filled it before [ms]."""
        if order.ended_ms is not None:
            return order.ended_ms
        seen_ms = self.end_ms if order.gone_ms is None else order.gone_ms
        return seen_ms if order.cancel_ms is None else min(order.cancel_ms + round(self.way_ms), seen_ms)

    def footprint(self) -> Footprint:
        """Its orders as they rested, to be taken out of the recorded books."""
        parts = []
        for order in self.orders:
            begin_ms, left = order.placed_ms, order.size
            for fill in order.fills:
                parts.append((begin_ms, fill.time_ms, order, left))
                begin_ms, left = fill.time_ms, left - fill.size
            if left > order.size * 1e-9:
                parts.append((begin_ms, max(self.ended_ms(order), begin_ms), order, left))
        return Footprint(
            np.array([begin for begin, *_ in parts], dtype=np.int64),
            np.array([end for _, end, *_ in parts], dtype=np.int64),
            np.array([order.sign for *_, order, _ in parts], dtype=np.int64),
            np.array([order.price for *_, order, _ in parts], dtype=np.float64),
            np.array([left for *_, left in parts], dtype=np.float64),
        )


def _placed(line: Mapping[str, Any], request: Mapping[str, Any]) -> LoggedOrder:
    return LoggedOrder(
        order_id=line["order_id"],
        side=Side(line["side"]),
        price=float(line["price"]),
        size=float(line["size"]),
        tag=str(line.get("tag") or request.get("tag") or ""),
        asked_ms=int(request["time_ms"]),
        placed_ms=int(line.get("placed_ms", line["time_ms"])),
        fills=[],
    )


def _happened(order: LoggedOrder, line: Mapping[str, Any]) -> None:
    time_ms = int(line["time_ms"])
    if line["event"] is Event.CANCEL:
        order.cancel_ms = time_ms if order.cancel_ms is None else order.cancel_ms
    elif line["event"] is Event.CANCELLED:
        order.gone_ms, order.ended_ms = time_ms, line.get("ended_ms")
    elif line["event"] is Event.FILL:
        order.is_taker = order.is_taker or bool(line.get("is_taker"))
        fill = LoggedFill(time_ms, float(line["size"]), float(line["price"]), float(line.get("fee", 0.0)))
        order.fills.append(fill)
        if order.filled >= order.size * (1 - 1e-9):
            order.gone_ms = time_ms


def _guarded(order: LoggedOrder, line: Mapping[str, Any]) -> None:
    """The guard is nearer to the exchange than the bot: it knows earlier that an order is gone."""
    time_ms = int(line["time_ms"])
    if line["event"] == CANCEL:
        order.cancel_ms = min(time_ms, order.cancel_ms or time_ms)
    elif line["event"] == CANCELLED:
        order.gone_ms = min(time_ms, order.gone_ms or time_ms)


def find_logs(place: Path) -> list[Path]:
    """The files of a decision log: a file itself, or those of a folder or of ``decisions`` below it.

    Raises
    ------
    NotEnoughData
        If there is none.
    """
    if place.is_file():
        return [place]
    for folder in (place, place / "decisions", place / "logs" / "decisions"):
        found = sorted(path for path in folder.glob("*.jsonl") if not path.name.startswith(f"{NAME}-"))
        if found:
            return found
    raise NotEnoughData(f"{place} must be a decision log or a folder with one, found no *.jsonl in it")


def read_run(files: Iterable[Path], *, run: str | None = None, coin: str | None = None) -> LoggedRun:
    """One run of a log.

    Parameters
    ----------
    files : Iterable[Path]
        The log.
    run : str, optional
        Name of the run; by default the last one that placed an order.
    coin : str, optional
        Of a bot with several pairs; by default the one with most orders.

    Raises
    ------
    NotEnoughData
        If there is no such run, or it has placed no order.
    """
    files = list(files)
    lines = list(read_decisions(*files))
    placed = [line for line in lines if line["event"] is Event.PLACED and coin in (None, line.get("coin"))]
    names = [line["run"] for line in placed]
    chosen = names[-1] if run is None and names else run
    coins = [line["coin"] for line in placed if line["run"] == chosen]
    if not coins:
        known = ", ".join(dict.fromkeys(names)) or "none"
        raise NotEnoughData(f"the log must hold a run that has placed orders, runs with orders are: {known}")
    own = [line for line in lines if line["run"] == chosen]
    records = sorted(path for folder in {file.parent for file in files} for path in folder.glob(f"{NAME}-*.jsonl"))
    guard = [line for line in _lines(records) if own[0]["time_ms"] <= line.get("time_ms", 0) <= own[-1]["time_ms"]]
    return LoggedRun(own[0], own, coin or max(set(coins), key=coins.count), guard)


def footprint_of(files: Iterable[Path], run: LoggedRun) -> Footprint:
    """Orders of a run and of all that the same logs hold beside it, such as the other leg's: the market had neither.

    Parameters
    ----------
    files : Iterable[Path]
        The logs of all bots of the account, or of both accounts.
    run : LoggedRun
        One of their runs.
    """
    files = list(files)
    runs = {
        line["run"]
        for line in read_decisions(*files)
        if line["event"] is Event.PLACED
        and line.get("coin") == run.coin
        and run.start_ms <= line["time_ms"] <= run.end_ms
    }
    parts = [read_run(files, run=name, coin=run.coin).footprint() for name in sorted(runs)]
    return Footprint(*map(np.concatenate, zip(*parts, strict=True)))


def _lines(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Whole lines of files."""
    for file in files:
        for line in file.read_bytes().splitlines():
            with suppress(orjson.JSONDecodeError):
                yield orjson.loads(line)
