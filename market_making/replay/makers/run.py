"""A maker over the tapes of a recording, with the engines, latencies and accounts of the bot itself."""

from collections.abc import Callable, Sequence

from market_making.replay.bot.access import VenueAccess
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.record import OrderRecord
from market_making.replay.bot.run import ReplaySetup, drive, replay_sessions, session_of
from market_making.replay.bot.stale import StaleWatch
from market_making.replay.engines.engine import Engine
from market_making.replay.makers.loop import MakerLoop
from market_making.replay.makers.maker import Maker
from market_making.replay.result import ReplayResult, Session, Touch
from market_making.replay.tape.cache import SessionTape


def replay_maker(
    name: str, made: Callable[[CalibrationsAsOf, Touch], Maker], setup: ReplaySetup, tapes: Sequence[SessionTape]
) -> ReplayResult:
    """Replay a maker over the sessions, each from a flat start and with a maker that remembers nothing.

    It quotes both sides from one account, from the first calibration on, as the strategies do.

    Parameters
    ----------
    name : str
        For the result.
    made : Callable
        Makes the maker of a session from the calibrations and the session's touch.
    setup : ReplaySetup
        Settings, coin, calibrations, engine, latencies.
    tapes : Sequence[SessionTape]
        The sessions.

    Raises
    ------
    EngineFault
        If an engine fails, or its money is not that of its fills.
    NotEnoughData
        If there is no calibration.
    """
    known = CalibrationsAsOf(setup.history, setup.model, setup.instrument)

    def session(tape: SessionTape, engine: Engine) -> Session:
        touch, record = tape.touch(), OrderRecord()
        start_ms, end_ms = int(touch.time_ms[0]), tape.span.end_ms
        venue = VenueAccess(engine, record, StaleWatch(touch), 0, {})
        loop = MakerLoop(made(known, touch), venue, setup.lags())
        first_ms = max(start_ms + setup.phase_ms, int(setup.history.column("created_ms")[0]))
        if first_ms < end_ms:
            drive([loop.run(first_ms, end_ms)], engine, record, end_ms)
        else:
            engine.advance(end_ms)
        return session_of([loop], engine, record, (touch, start_ms, end_ms, tape.rows))

    return replay_sessions(name, setup, tapes, session)
