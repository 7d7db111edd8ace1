"""A tick market in which the assumptions of the Cartea–Jaimungal model hold, and makers that quote from its table.

Market orders come at a constant rate, a second apart on average, and reach geometrically far beyond the touch. Each
moves mid at once and for good, by more the further it reaches; there are no other moves and no latency. The tick is
0.003 bps, so that the grid costs nothing and nothing depends on who was first at a price. A maker looks at every change
of the book and follows it within the millisecond: only an order that comes in the millisecond of another one, which is
one in a thousand, meets quotes that are old.

What a maker is worth per second and lot is its money, what is held valued at mid, less φ times the integral of q². The
solver of the equation states it for the best table (`Promise.growth`), `growth_of` works it out for any table from the
stationary distribution of the inventory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from market_making.market.instrument import Instrument, Listing
from market_making.market.sides import Direction, Sides
from market_making.market.tape import FloatArray
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.value.quote_table import QuoteTable, solve_table, value_problem
from market_making.quoting.value.stationary import StationarySolution, stationary
from market_making.recording.store.tick_store import TickStore
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.ledger import Equity
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import EngineKind, ReplaySetup
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.peers.keeping import EveryLoop
from market_making.replay.peers.peer import Peer, PeerView, Wanted
from market_making.replay.peers.pricing import both
from market_making.replay.peers.run import peer_model, replay_peer
from market_making.replay.tape.cache import SessionTape, TapeCache
from market_making.replay.tape.sessions import Span
from market_making.settings.settings import Settings
from market_making.simulation.presets import Character
from market_making.simulation.truth import MarketTruth
from tests.replay.markets import START_MS, events_of, record, told

COIN, PRICE = Listing("COIN", 5), 3_337_000.0
BASIS_POINT = PRICE / 1e4
RULES = Instrument.hyperliquid(COIN.coin, COIN.size_decimals)
ORDERS_PER_S, HALF_SPREAD_BPS, REACH_BPS, MOVE_BPS, SLOPE_OF_MOVE = 0.5, 0.3, 10.0, 1.0, 0.15  # of each direction
BOOK_EVERY_MS, SPACING = 30_000, 240  # [ms, ticks]
PENALTY_BPS, BOUND = 0.06, 4
SECTION = {
    "model": {
        "order_notional": 334.0,  # of which 0.0001 coins are a lot
        "maximum_inventory": BOUND,
        "running_penalty": PENALTY_BPS * BASIS_POINT,
        "widen_toxicity": 1000.0,
        "pause_toxicity": 1000.0,
    },
    "calibration": {"valid_for_s": 1e9},
}
SETTINGS = Settings.from_section(SECTION)
LOT = RULES.size(SETTINGS.model.order_notional / PRICE)
AT_ONCE = Lags(feed_ms=0, decide_ms=0, entry_ms=0, response_ms=0, pause_ms=0)
WARM_UP_S = 120.0  # until where a maker began no longer shows in its inventory

OPTIMUM, NEARER, FURTHER, NO_SKEW = "optimum", "depths x 0.7", "depths x 1.3", "no skew"


def truth() -> MarketTruth:
    """The market."""
    usual = Character(
        half_spread=HALF_SPREAD_BPS,
        arrival_rate=ORDERS_PER_S,
        reach_probability=1.0,
        reach=REACH_BPS,
        on_fill=MOVE_BPS,
        slope=SLOPE_OF_MOVE,
        diffusion=0.0,
    ).truth(COIN, PRICE)
    return replace(usual, move_rate=0.0, refresh_rate=0.0, impact_delay_ms=0, level_spacing=SPACING)


@dataclass(frozen=True)
class Promise:
    """What the model makes of this market: its solution, and the table from which the makers quote."""

    flow: OrderFlow

    @cached_property
    def solution(self) -> StationarySolution:
        """Stationary value and growth."""
        return stationary(value_problem([self.flow], [PRICE], SETTINGS.model.cartea_jaimungal())).required()

    @cached_property
    def table(self) -> QuoteTable:
        """The table that the product quotes from."""
        return solve_table(self.flow, PRICE, SETTINGS.model.cartea_jaimungal())

    @property
    def growth(self) -> float:
        """What the best maker is worth [price/s per lot]."""
        return self.solution.growth.item(0)

    @cached_property
    def depths(self) -> Mapping[str, Sides[FloatArray]]:
        """Depths of every maker by inventory, NaN where it does not quote [price]."""
        best = self.table.depths.map(lambda depth: depth[0])
        flat = best.map(lambda depth: np.where(np.isnan(depth), np.nan, depth[BOUND]))
        nearer, further = (best.map(lambda depth, factor=factor: depth * factor) for factor in (0.7, 1.3))
        return {OPTIMUM: best, NEARER: nearer, FURTHER: further, NO_SKEW: flat}


def growth_of(flow: OrderFlow, depths: Sides[FloatArray]) -> float:
    """What a table of depths is worth, from the birth–death chain of the inventory that it leads to [price/s per lot].

    An ask at depth d is lifted at the rate A e^(−κ d); what is then sold has moved by ε + θ (d − half-spread) on
    average, and the fee is paid on the price; so for bids. Only numpy, and nothing of the solver.
    """
    model = SETTINGS.model
    inventory = np.arange(-BOUND, BOUND + 1)

    def side(direction: Direction, depth: FloatArray) -> tuple[FloatArray, FloatArray]:
        rate = flow.fill_intensity.of(direction) * np.exp(-flow.fill_decay.of(direction) * depth)
        on_fill, slope = flow.adverse_selection_on_fill.of(direction), flow.adverse_selection_slope.of(direction)
        moved = on_fill + slope * (depth - flow.half_spread)
        return rate, rate * (depth - moved - model.maker_fee * (PRICE + direction.sign * depth))

    down, sold = side(Direction.BUY, depths.ask[1:])
    up, bought = side(Direction.SELL, depths.bid[:-1])
    share = np.concatenate([[1.0], np.cumprod(up / down)])
    share /= share.sum()
    penalty = share @ inventory**2 * (model.running_penalty or 0.0)
    return float(share[1:] @ sold + share[:-1] @ bought - penalty)


@dataclass
class FromDepths:
    """Both sides at the depths of what is held, a lot each, up to the bound."""

    depths: Sides[FloatArray]

    def wanted(self, view: PeerView) -> Sides[Wanted | None]:
        """A lot on each side that is quoted."""
        column = round(view.position / view.lot) + BOUND
        bid, ask = (depth.item(column) for depth in self.depths)
        return both(view, view.mid - bid, view.mid + ask)


def makers(promise: Promise) -> dict[str, Peer]:
    """Every maker by name: all quote both sides from one account and follow mid and inventory in each loop."""

    def maker(name: str, depths: Sides[FloatArray]) -> Peer:
        return Peer(name, name, lambda: FromDepths(depths), EveryLoop)

    return {name: maker(name, depths) for name, depths in promise.depths.items()}


class AtEveryChange(LagProfile):
    """No latency, and a loop at every change of the book: it is told when they come, as a socket would tell it then."""

    def __init__(self, of: SessionTape) -> None:
        super().__init__(AT_ONCE)
        changes = np.unique(of.touch().time_ms)
        self._periods_ms = iter(np.diff(changes, append=of.span.end_ms + 1).tolist())

    def draw(self) -> Lags:
        """From this change to the next."""
        return replace(AT_ONCE, period_ms=next(self._periods_ms))


def setup(of: SessionTape, engine: EngineKind = HftbacktestEngine) -> ReplaySetup:
    """What all runs of a tape share."""
    known = told(truth().order_flow(), PRICE, "truth")
    return ReplaySetup(peer_model(SETTINGS), RULES, known, engine, lambda: AtEveryChange(of))


def tape(folder: Path, seed: int, seconds: float) -> SessionTape:
    """One part of the market, independent of those of other seeds."""
    root = folder / f"{seed}"
    store = TickStore(record(root, COIN.coin, events_of(truth(), seconds, seed), book_every_ms=BOOK_EVERY_MS))
    whole = Span(START_MS, START_MS + round(seconds * 1e3))  # where the market is still for seconds, nothing is missing
    return TapeCache(store, root / "tapes").session(RULES, whole)


def worth(maker: Peer, of: SessionTape, engine: EngineKind = HftbacktestEngine) -> tuple[float, int]:
    """What a maker was worth on a tape after it had warmed up [price/s per lot], and its fills on all of it."""
    session = Accounts(replay_peer(maker, setup(of, engine), [of])).sessions[0]  # whose money adds up, or it is refused
    begin_ms, equity = session.start_ms + round(WARM_UP_S * 1e3), Equity(session)
    earned = np.diff(equity.at(np.array([begin_ms, session.end_ms]))).item() / LOT
    inside = session.fills.time_ms[session.fills.time_ms > begin_ms]
    stamps = np.concatenate([[begin_ms], inside, [session.end_ms]])
    lots = equity.position_at(stamps[:-1]) / LOT
    squares = float(np.sum(lots**2 * np.diff(stamps))) / 1e3
    seconds = (session.end_ms - begin_ms) / 1e3
    return (earned - (SETTINGS.model.running_penalty or 0.0) * squares) / seconds, len(session.fills.time_ms)
