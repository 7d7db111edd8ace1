"""A peer over the tapes of a recording, with the engines, latencies and accounts of the bot itself."""

import time
from collections.abc import Sequence

from market_making.market.reasons import Because, Reason
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Quotes
from market_making.replay.bot.access import VenueAccess
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.record import OrderRecord
from market_making.replay.bot.run import ReplaySetup, drive, engine_settings, session_of
from market_making.replay.bot.stale import StaleWatch
from market_making.replay.peers.loop import PeerBot
from market_making.replay.peers.market import PeerMarket
from market_making.replay.peers.peer import Peer
from market_making.replay.result import ReplayResult, Session
from market_making.replay.tape.cache import SessionTape
from market_making.settings.settings import Settings
from market_making.trading.strategy_model import StrategyModel


def replay_peer(peer: Peer, setup: ReplaySetup, tapes: Sequence[SessionTape]) -> ReplayResult:
    """Replay a peer over the sessions, each from a flat start.

    It quotes both sides from one account, from the first calibration on, as the strategies do. Order value, bound and
    fee are those of the setup's model.

    Parameters
    ----------
    peer : Peer
        Who.
    setup : ReplaySetup
        Coin, calibrations, engine, latencies; see `peer_model`.
    tapes : Sequence[SessionTape]
        The sessions.

    Raises
    ------
    EngineFault
        If an engine fails, or its money is not that of its fills.
    NotEnoughData
        If there is no calibration.
    """
    began = time.perf_counter()
    settings = setup.model.settings
    known = CalibrationsAsOf(setup.history, setup.model, setup.instrument)
    sessions, name = [], ""
    for tape in tapes:
        engine = setup.engine(tape, engine_settings(setup))
        name = engine.name
        touch, record = tape.touch(), OrderRecord()
        start_ms, end_ms = int(touch.time_ms[0]), tape.span.end_ms
        lot = setup.instrument.size(settings.model.order_notional / float(touch.mid[0]))
        market = PeerMarket(setup.instrument, known, lot, lot * settings.model.maximum_inventory)
        venue = VenueAccess(engine, record, StaleWatch(touch), 0, {})
        bot = PeerBot(peer, market, venue, setup.lags())
        first_ms = max(start_ms + setup.phase_ms, int(setup.history.column("created_ms")[0]))
        if first_ms < end_ms:
            drive([bot.run(first_ms, end_ms)], engine, record, end_ms)
        else:
            engine.advance(end_ms)
        session: Session = session_of([bot], engine, record, (touch, start_ms, end_ms, tape.rows))
        sessions.append(session)
    return ReplayResult(
        strategy=peer.name,
        coin=setup.instrument.coin,
        engine=name,
        maker_fee=settings.model.maker_fee,
        sessions=tuple(sessions),
        wall_s=time.perf_counter() - began,
    )


def peer_model(settings: Settings) -> StrategyModel:
    """What stands for a model in the setup of a peer, which prices its orders itself."""
    return StrategyModel("peer", _no_quotes, settings)


def _no_quotes(market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:  # noqa: ARG001 - a Quoter
    """A peer prices its orders itself."""
    return Quotes.none(Because(Reason.NO_PLAN, "a peer has no model"))
