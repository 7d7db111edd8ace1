"""A tick market in which no resting order earns or loses on average, wherever it rests and whenever it is filled.

An order that reaches K ticks beyond the touch moves mid by exactly K ticks: the touch is then where it stopped, and no
other order was passed. K is geometric with a mean of half the spread and a tick. Hence E[K | K ≥ j] is half the spread
and j ticks: as far from mid as an order at j ticks rests. There are no other moves, and no latency: what arrives late
may rest inside the spread, where it loses. The tick is 0.003 bps, so that nothing depends on who was first at a price.
The bots are told of another market, in which making one pays, and quote.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from calibration.publication.history import History
from market_making.market.instrument import Instrument, Listing
from market_making.market.sides import Direction, Directions
from market_making.market.tape import FloatArray
from market_making.recording.store.tick_store import TickStore
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.levels.run import has_levels, replay_levels
from market_making.replay.peers.catalogue import PEERS
from market_making.replay.peers.run import peer_model, replay_peer
from market_making.replay.result import ReplayResult
from market_making.replay.tape.cache import SessionTape, TapeCache
from market_making.replay.tape.sessions import Span, spans_of
from market_making.settings.settings import Settings
from market_making.simulation.presets import Character
from market_making.simulation.truth import MarketTruth
from market_making.trading.strategy_model import StrategyModel
from tests.replay.markets import events_of, record, told

COIN, PRICE = Listing("COIN", 5), 3_337_000.0
BASIS_POINT = PRICE / 1e4
RULES = Instrument.hyperliquid(COIN.coin, COIN.size_decimals)
BOOK_EVERY_MS, REACH_BPS, SOON_S = 5_000, 1.0, 0.1
SPACING = 12  # ticks: so near each other that an engine finds them fast
AT_ONCE = Lags(feed_ms=0, decide_ms=0, entry_ms=0, response_ms=0)
SECTION = {
    "sides": "alternate",
    "model": {"order_notional": 100.0, "widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
    "quote": {"maximum_half_spread_bps": 3.0},
    "calibration": {"valid_for_s": 1e9},
}

Maker = Callable[[ReplaySetup, SessionTape], ReplayResult]


def truth(edge_bps: float = 0.0) -> MarketTruth:
    """The market; with an edge every fill is followed by so much less of a move."""
    usual = Character(half_spread=REACH_BPS, reach_probability=1.0, reach=REACH_BPS, slope=1.0).truth(COIN, PRICE)
    mean_reach = usual.tick / (1 - usual.continuation(Direction.BUY))
    on_fill = mean_reach - edge_bps * BASIS_POINT
    return replace(
        usual,
        spread_ticks=2 * round(mean_reach / usual.tick - 1),
        adverse_selection_on_fill=Directions(on_fill, on_fill),
        diffusion=0.0,
        move_rate=0.0,
        refresh_rate=0.0,
        impact_delay_ms=0,
        level_spacing=SPACING,
    )


def believed() -> History:
    """What the bots are told: one calibration of a market that pays."""
    flow = Character(half_spread=REACH_BPS).truth(COIN, PRICE).order_flow()
    return told(flow, PRICE, "believed")


def tape(folder: Path, seed: int, seconds: float, edge_bps: float = 0.0) -> SessionTape:
    """One part of the market, independent of those of other seeds."""
    root = folder / f"{seed}-{edge_bps:g}"
    store = TickStore(record(root, COIN.coin, events_of(truth(edge_bps), seconds, seed), book_every_ms=BOOK_EVERY_MS))
    spans = spans_of(store, COIN.coin)
    whole = Span(spans[0].start_ms, spans[-1].end_ms)  # where the market is still for seconds, nothing is missing
    return TapeCache(store, root / "tapes").session(RULES, whole)


def makers(models: dict[str, StrategyModel]) -> dict[str, Maker]:
    """Variants, those with levels also in full, and peers by name, each as what makes a run of a tape."""
    found: dict[str, Maker] = {}
    for name, model in models.items():
        found[name] = lambda setup, tape, model=model: replay(replace(setup, model=model), [tape])
        if has_levels(model):
            full = f"{name}:all-levels"
            found[full] = lambda setup, tape, model=model: replay_levels(replace(setup, model=model), [tape])
    for name, peer in PEERS.items():
        found[name] = lambda setup, tape, peer=peer: replay_peer(peer, setup, [tape])
    return found


def setup() -> ReplaySetup:
    """What all runs share."""
    settings = Settings.from_section(SECTION)
    return ReplaySetup(peer_model(settings), RULES, believed(), HftbacktestEngine, lambda: LagProfile(AT_ONCE))


def edges_of(accounts: Accounts) -> FloatArray:
    """What each fill earned before its fee within a tenth of a second, when mid has moved for good [bps].

    Levels that one market order fills share its move: they are one observation, of what they earned together.
    """
    found = []
    for money, session in zip(accounts.fills, accounts.sessions, strict=True):
        edges = (money.spread + money.adverse[SOON_S]) / (session.fills.price * session.fills.size) * 1e4
        moments = np.unique(session.fills.time_ms, return_inverse=True)[1]
        found.append(np.bincount(moments, weights=edges))
    return np.concatenate(found)
