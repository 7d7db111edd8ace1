"""The whole bot replayed over the recording of its own run, judged by its sums.

Which orders are filled depends on when each loop began, to the millisecond. So single fills cannot be matched: several
phases of the loop, each with its own draws of the latencies, show how far the sums go with chance, and whether the live
run lies among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean

from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.reconciliation.logged import LoggedRun
from market_making.replay.result import ReplayResult
from market_making.replay.tape.cache import SessionTape

PHASES = 8


@dataclass(frozen=True)
class Compared:
    """A sum: of the live run, and of the replays their mean and their extremes."""

    live: float
    replayed: float
    least: float
    most: float


def free_replay(run: LoggedRun, setup: ReplaySetup, tapes: Sequence[SessionTape]) -> dict[str, Compared]:
    """Replay the bot in several phases of its loop, with other draws of its latencies in each, and compare the sums.

    Parameters
    ----------
    run : LoggedRun
        The live run.
    setup : ReplaySetup
        Its strategy, calibrations, latencies.
    tapes : Sequence[SessionTape]
        The recording without its orders.

    Returns
    -------
    dict[str, Compared]
        Filled orders, orders, volume and net [quote currency], of the time that was recorded.
    """
    results = [replay(each, tapes) for each in in_phases(setup)]
    live = _live_sums(run, tapes, setup.model.settings.model.maker_fee)
    sums = [_sums(result) for result in results]
    return {
        name: Compared(live[name], fmean(each[name] for each in sums), *_extremes([each[name] for each in sums]))
        for name in live
    }


def in_phases(setup: ReplaySetup) -> list[ReplaySetup]:
    """The same replay in each phase of its loop, with other draws of its latencies."""
    step_ms = setup.lags().draw().period_ms // PHASES
    return [
        replace(setup, phase_ms=phase * step_ms, lags=partial(setup.lags().drawn_by, phase)) for phase in range(PHASES)
    ]


def _extremes(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)


def _sums(result: ReplayResult) -> dict[str, float]:
    sessions = result.sessions
    return {
        "fills": float(sum(len(set(session.fills.order.tolist())) for session in sessions)),
        "orders": float(sum(len(session.orders.price) for session in sessions)),
        "volume": float(sum((session.fills.price * session.fills.size).sum() for session in sessions)),
        "net": result.net,
    }


def _live_sums(run: LoggedRun, tapes: Sequence[SessionTape], maker_fee: float) -> dict[str, float]:
    sums = dict.fromkeys(("fills", "orders", "volume", "net"), 0.0)
    for tape in tapes:
        mid = tape.touch().mid[-1].item()
        orders = [order for order in run.orders if tape.span.start_ms <= order.placed_ms <= tape.span.end_ms]
        sums["orders"] += len(orders)
        sums["fills"] += sum(order.filled > 0 for order in orders)
        sums["volume"] += sum(order.filled * order.price for order in orders)
        sums["net"] += sum(order.worth(order.filled, mid, maker_fee) for order in orders)
    return sums
