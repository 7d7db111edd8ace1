"""How long everything took in a live run, from its own log: a latency profile for replays."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from market_making.market.tape import FloatArray
from market_making.replay.reconciliation.logged import LoggedRun
from market_making.trading.decision_log import Event

_LONGEST_MS = 60_000.0
_FRESH = 0.05  # the youngest books tell how long news take; the others have only not changed for a while
_SAME_LOOP_MS = 1_000  # a cancellation so long before a plan has nothing to do with it


class _Cancellation(NamedTuple):
    """When it was asked for by its line, and when the exchange says that it ended the order [ms]."""

    asked_ms: int
    ended_ms: int | None


def measured_lags(run: LoggedRun) -> dict[str, FloatArray]:
    """Samples of the times of a loop by their name in `Lags` [ms]; one that the log does not tell is not there.

    A loop cancels what is too close, plans, cancels what the plan does not keep, and places. A plan and a cancellation
    for its sake bear the time at which the loop began to plan, so what came between is told by the order after them.
    """
    found: dict[str, list[float]] = defaultdict(list)
    found["entry_ms"] = [float(each.placed_ms - each.asked_ms) for each in run.orders if each.placed_ms > each.asked_ms]
    ends = {order.order_id: order.ended_ms for order in run.orders}
    plans: dict[int, int] = {}
    ages: list[float] = []
    cancelled: _Cancellation | None = None
    for line in run.lines:
        if line.get("coin") != run.coin:
            continue
        sequence, time_ms = int(line["sequence"]), int(line["time_ms"])
        if line["event"] is Event.PLAN:
            plans[sequence] = time_ms
            ages.append(float(line["now_ms"] - line["market"]["time_ms"]))
        elif line["event"] is Event.CANCEL:
            cancelled = _Cancellation(time_ms, ends.get(line["order_id"]))
        elif line["event"] is Event.PLACE and line.get("plan") in plans:
            for name, sample in _told(time_ms, plans[line["plan"]], cancelled, run.way_ms):
                found[name].append(sample)
            cancelled = None
    if ages:
        found["feed_ms"] = [max(float(np.quantile(ages, _FRESH)), 0.0)]
    usable = {name: [each for each in samples if 0 <= each <= _LONGEST_MS] for name, samples in found.items()}
    return {name: np.array(samples, dtype=np.float64) for name, samples in usable.items() if samples}


def _told(
    place_ms: int, planned_ms: int, cancelled: _Cancellation | None, way_ms: float
) -> Iterator[tuple[str, float]]:
    """What an order tells of the loop that placed it: names in `Lags` and times [ms]."""
    if cancelled is not None and cancelled.asked_ms >= planned_ms:
        arrived_ms = cancelled.asked_ms + way_ms if cancelled.ended_ms is None else cancelled.ended_ms
        yield "response_ms", float(place_ms - arrived_ms)
        return
    yield "decide_ms", float(place_ms - planned_ms)
    if cancelled is None or cancelled.ended_ms is None or planned_ms - cancelled.asked_ms > _SAME_LOOP_MS:
        return
    yield "entry_ms", float(cancelled.ended_ms - cancelled.asked_ms)
    yield "response_ms", float(planned_ms - cancelled.ended_ms)
