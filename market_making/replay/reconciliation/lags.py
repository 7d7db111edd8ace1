"""How long everything took in a live run, from its own log: a latency profile for replays."""

import numpy as np

from market_making.market.tape import FloatArray
from market_making.replay.reconciliation.logged import LoggedRun
from market_making.trading.decision_log import Event

_LONGEST_MS = 60_000.0
_FRESH = 0.05  # the youngest books tell how long news take; the others have only not changed for a while


def measured_lags(run: LoggedRun) -> dict[str, FloatArray]:
    """Samples of the times of a loop by their name in `Lags` [ms]; one that the log does not tell is not there.

    A loop plans, cancels, and places: from its plan to an order without a cancellation between them is the time to
    decide; from a cancellation to the order after it is the way to the exchange and back.
    """
    entry = [float(order.placed_ms - order.asked_ms) for order in run.orders if order.placed_ms > order.asked_ms]
    decide, response, ages = [], [], []
    plans: dict[int, int] = {}
    cancelled_ms: int | None = None
    for line in run.lines:
        if line.get("coin") != run.coin:
            continue
        sequence, time_ms = int(line["sequence"]), int(line["time_ms"])
        if line["event"] is Event.PLAN:
            plans[sequence] = time_ms
            ages.append(float(line["now_ms"] - line["market"]["time_ms"]))
        elif line["event"] is Event.CANCEL:
            cancelled_ms = time_ms
        elif line["event"] is Event.PLACE and line.get("plan") in plans:
            planned_ms = plans[line["plan"]]  # when its loop began, also of a plan made again after a cancellation
            if cancelled_ms is not None and cancelled_ms >= planned_ms:
                response.append(time_ms - cancelled_ms - run.way_ms)
            else:
                decide.append(float(time_ms - planned_ms))
            cancelled_ms = None
    found = {"entry_ms": entry, "decide_ms": decide, "response_ms": response}
    if ages:
        found["feed_ms"] = [max(float(np.quantile(ages, _FRESH)), 0.0)]
    usable = {name: [each for each in samples if 0 <= each <= _LONGEST_MS] for name, samples in found.items()}
    return {name: np.array(samples, dtype=np.float64) for name, samples in usable.items() if samples}
