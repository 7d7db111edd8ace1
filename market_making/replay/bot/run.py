"""A whole replay: every session of a recording, one bot or two legs, and what came of it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import NamedTuple, Protocol

import numpy as np

from calibration.publication.history import History
from market_making.guard.quote_guard import QuoteGuardRules
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.replay.bot.access import VenueAccess
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.bot import Bot, Loop, Wake
from market_making.replay.bot.guarded_loop import beside_guard
from market_making.replay.bot.guarding import ReplayGuard
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.record import OrderRecord
from market_making.replay.bot.stale import StaleWatch
from market_making.replay.engines.engine import Engine, EngineSettings
from market_making.replay.result import ReplayResult, Session, Touch, fills_of, fundings_of
from market_making.replay.tape.cache import SessionTape
from market_making.trading.decision_log import DecisionLog
from market_making.trading.legs.leg_file import LegState
from market_making.trading.strategy_model import StrategyModel

EngineKind = Callable[[SessionTape, EngineSettings], Engine]
LEGS = ("long_leg", "short_leg")


@dataclass(frozen=True)
class ReplaySetup:
    """What is replayed.

    Parameters
    ----------
    model : StrategyModel
        The strategy; of two legs, the long and the short one are made from it.
    instrument : Instrument
        The coin.
    history : History
        The calibrations that the bot reads, each from when it was published.
    engine : EngineKind
        Makes the engine of a session.
    lags : Callable[[], LagProfile]
        Makes the latencies of a bot.
    two_sided : bool
        Two bots on two accounts, one for each side.
    funding_rate : float
        Fraction of the value that longs pay at each full hour.
    guard : QuoteGuardRules or None
        A quote guard beside each bot; None has none.
    log : DecisionLog or None
        Where the decisions of a bot on its own are written, as they are live.
    phase_ms : int
        How long after the start of a session the first loop begins [ms].
    """

    model: StrategyModel
    instrument: Instrument
    history: History
    engine: EngineKind
    lags: Callable[[], LagProfile] = lambda: LagProfile(Lags())
    two_sided: bool = False
    funding_rate: float = 0.0
    guard: QuoteGuardRules | None = None
    log: DecisionLog | None = None
    phase_ms: int = 0

    @property
    def models(self) -> tuple[StrategyModel, ...]:
        """The model of each leg."""
        return tuple(self.model.on_side(leg) for leg in LEGS) if self.two_sided else (self.model,)


def replay(setup: ReplaySetup, tapes: Sequence[SessionTape]) -> ReplayResult:
    """Replay the sessions one after the other; each begins flat and with a bot that remembers nothing.

    Parameters
    ----------
    setup : ReplaySetup
        Strategy, calibrations, engine, latencies.
    tapes : Sequence[SessionTape]
        The sessions.

    Raises
    ------
    EngineFault
        If an engine fails, or its money is not that of its fills.
    MarketMakingError
        If nothing can be quoted at all: no calibration, an order below the exchange's smallest.
    """
    calibrations = [CalibrationsAsOf(setup.history, model, setup.instrument) for model in setup.models]
    return replay_sessions(setup.model.name, setup, tapes, partial(_session, setup, calibrations))


def replay_sessions(
    strategy: str, setup: ReplaySetup, tapes: Sequence[SessionTape], session: Callable[[SessionTape, Engine], Session]
) -> ReplayResult:
    """Run each session on an engine of its own.

    Parameters
    ----------
    strategy : str
        For the result.
    setup : ReplaySetup
        Settings, coin, engine.
    tapes : Sequence[SessionTape]
        The sessions.
    session : Callable
        Drives the engine of a session to its end.
    """
    began, sessions, name = time.perf_counter(), [], ""
    for tape in tapes:
        engine = setup.engine(tape, _engine_settings(setup))
        name = engine.name
        sessions.append(session(tape, engine))
    return ReplayResult(
        strategy=strategy,
        coin=setup.instrument.coin,
        engine=name,
        maker_fee=setup.model.settings.model.maker_fee,
        sessions=tuple(sessions),
        wall_s=time.perf_counter() - began,
        parameters=dict(setup.model.parameters),
    )


def _engine_settings(setup: ReplaySetup) -> EngineSettings:
    """What the engine of each session is set up with."""
    settings = EngineSettings(setup.instrument, setup.model.settings.model.maker_fee)
    return replace(settings, funding_rate=setup.funding_rate, legs=len(setup.models))


def _session(
    setup: ReplaySetup, calibrations: Sequence[CalibrationsAsOf], tape: SessionTape, engine: Engine
) -> Session:
    touch, record = tape.touch(), OrderRecord()
    start_ms, end_ms = int(touch.time_ms[0]), tape.span.end_ms
    stale, board = StaleWatch(touch), dict[str, LegState]()
    venues = [VenueAccess(engine, record, stale, leg, board) for leg in range(len(setup.models))]
    log = None if setup.two_sided else setup.log
    bots = [
        Bot(model, setup.instrument, known, venue, lags=setup.lags(), log=log)
        for model, known, venue in zip(setup.models, calibrations, venues, strict=True)
    ]
    # The second leg is a program of its own: it does not begin at the same moment.
    first_ms = start_ms + setup.phase_ms
    loops = [bot.run(first_ms + leg * _apart_ms(setup, len(bots)), end_ms) for leg, bot in enumerate(bots)]
    if setup.guard is not None:
        guard = ReplayGuard(touch, setup.guard)
        loops = [beside_guard(bot, loop, guard) for bot, loop in zip(bots, loops, strict=True)]
    drive(loops, engine, record, end_ms)
    return session_of(bots, engine, record, (touch, start_ms, end_ms, tape.rows))


def _apart_ms(setup: ReplaySetup, legs: int) -> int:
    return setup.lags().draw().period_ms // legs


class Counting(Protocol):
    """What a loop has counted: decisions, plans that had to be made, and why no order was wanted."""

    decisions: int
    plans: int
    withheld: Counter[Reason]


_AT_ONCE = Wake(0, on_fill=True)  # before whatever else is due


class _Waiting(NamedTuple):
    wake: Wake
    turn: int
    leg: int
    loop: Loop


def drive(loops: Sequence[Loop], engine: Engine, record: OrderRecord, end_ms: int) -> None:
    """Run the loops of all legs over one exchange, each woken when it wants, or by a fill of its own order.

    Parameters
    ----------
    loops : Sequence[Loop]
        One a leg.
    engine : Engine
        Is advanced up to and with `end_ms`.
    record : OrderRecord
        Knows whose an order is.
    end_ms : int
        End of the session [ms].
    """
    if len(loops) == 1:
        _drive_alone(loops[0], engine, end_ms)
    else:
        _drive_together(loops, engine, record, end_ms)
    engine.advance(end_ms)


def _drive_alone(loop: Loop, engine: Engine, end_ms: int) -> None:
    """Run the only loop there is: every fill is of an order of its own."""
    wake = next(loop)
    while True:
        reached_ms = engine.advance(min(wake.time_ms, end_ms), until_fill=wake.on_fill)
        try:
            wake = loop.send(reached_ms)
        except StopIteration:
            return


def _drive_together(loops: Sequence[Loop], engine: Engine, record: OrderRecord, end_ms: int) -> None:
    """Run loops of which each hears of its own fills only."""
    turns = count()
    waiting = [_Waiting(next(loop), next(turns), leg, loop) for leg, loop in enumerate(loops)]
    while waiting:
        chosen = min(waiting)
        until_ms, known = min(chosen.wake.time_ms, end_ms), len(engine.fills)
        hearing = [each for each in waiting if each.wake.on_fill]
        reached_ms = engine.advance(until_ms, until_fill=bool(hearing))
        filled = {record.leg_of(fill.number) for fill in engine.fills[known:]}
        woken = [each for each in hearing if each.leg in filled]
        if not woken and reached_ms < until_ms:
            continue
        for each in woken:
            waiting[waiting.index(each)] = each._replace(wake=_AT_ONCE)
        chosen = min(waiting) if woken else chosen
        waiting.remove(chosen)
        try:
            wake = chosen.loop.send(reached_ms)
        except StopIteration:
            continue
        waiting.append(_Waiting(wake, next(turns), chosen.leg, chosen.loop))


def session_of(
    bots: Sequence[Counting], engine: Engine, record: OrderRecord, about: tuple[Touch, int, int, int]
) -> Session:
    """What came of a session that was driven to its end.

    Parameters
    ----------
    bots : Sequence[Counting]
        Whose loops they were.
    engine : Engine
        Is closed.
    record : OrderRecord
        Of all orders.
    about : tuple
        The market's touch, start and end of the quoting [ms], rows of the tape.

    Raises
    ------
    EngineFault
        If the engine's money is not that of its fills.
    """
    touch, start_ms, end_ms, rows = about
    account, withheld = engine.close(), sum((bot.withheld for bot in bots), Counter[Reason]())
    times = np.array([fill.time_ms for fill in engine.fills], dtype=np.int64)
    sizes: dict[int, float] = {}
    fills = []
    for fill, mid in zip(engine.fills, touch.mid_before(times).tolist(), strict=True):
        sizes[fill.number] = sizes.get(fill.number, 0.0) + fill.size
        record.filled_part(fill.number, fill.time_ms, sizes[fill.number])
        sign = 1 if record.sides[fill.number] is Side.BID else -1
        place = fill.number - 1, record.leg_of(fill.number), sign
        fills.append((fill.time_ms, *place, fill.price, fill.size, fill.fee, fill.is_maker, mid))
    return Session(
        start_ms=start_ms,
        end_ms=end_ms,
        fills=fills_of(fills),
        orders=record.orders(end_ms),
        touch=touch,
        fundings=fundings_of([tuple(funding) for funding in engine.fundings]),
        decisions=sum(bot.decisions for bot in bots),
        plans=sum(bot.plans for bot in bots),
        quoting_s=record.resting_s(end_ms),
        events=rows,
        position=round(account.position, 12),
        cash=account.cash,
        withheld=tuple((str(why), times) for why, times in withheld.most_common() if times),
    )
