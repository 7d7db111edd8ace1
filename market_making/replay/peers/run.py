"""A peer over the tapes of a recording, with the engines, latencies and accounts of the bot itself."""

from collections.abc import Sequence

from market_making.market.reasons import Because, Reason
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Quotes
from market_making.replay.bot.as_of import CalibrationsAsOf
from market_making.replay.bot.run import ReplaySetup
from market_making.replay.makers.run import replay_maker
from market_making.replay.peers.maker import PeerMaker
from market_making.replay.peers.market import PeerMarket
from market_making.replay.peers.peer import Peer
from market_making.replay.result import ReplayResult, Touch
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
    settings, instrument = setup.model.settings.model, setup.instrument

    def made(known: CalibrationsAsOf, touch: Touch) -> PeerMaker:
        lot = instrument.size(settings.order_notional / float(touch.mid[0]))
        return PeerMaker(peer, PeerMarket(instrument, known, lot, lot * settings.maximum_inventory))

    return replay_maker(peer.name, made, setup, tapes)


def peer_model(settings: Settings) -> StrategyModel:
    """What stands for a model in the setup of a peer, which prices its orders itself."""
    return StrategyModel("peer", _no_quotes, settings)


def _no_quotes(market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:  # noqa: ARG001 - a Quoter
    """A peer prices its orders itself."""
    return Quotes.none(Because(Reason.NO_PLAN, "a peer has no model"))
