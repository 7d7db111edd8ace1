"""What the tests of ladders share: a planner at a moment, and strategies that reach something in three minutes."""

from pathlib import Path

from market_making.market.instrument import Instrument
from market_making.market.sides import Directions
from market_making.quoting.models import ladders
from market_making.quoting.models.ladders import LadderSettings
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.pricing import DepthBounds
from market_making.quoting.quote import MarketView
from market_making.settings.role import Role
from market_making.settings.settings import Settings
from market_making.trading.plan import Planner
from market_making.trading.rules import QuotingRules

ETH = Instrument.hyperliquid("ETH", 4)
USER_DATA = Path(__file__).resolve().parents[3] / "user_data"
LADDERS = ("LadderSpot", "LadderCurve", "LadderBidAsk", "LadderAuto")
MARKET = MarketView(2999.9, 5.0, 3000.1, 5.0, 0)
LOT, BOUND = 0.0333, 3
FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 1.0),
    fill_intensity=Directions(0.5, 0.5),
    fill_decay=Directions(0.5, 0.5),
    adverse_selection=Directions(0.1, 0.1),
    adverse_selection_on_fill=Directions(0.1, 0.1),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.2,
    half_spread=0.1,
)


def planner(settings=None, *, role=Role.ALTERNATE, market=MARKET):
    """A planner of a ladder with six levels a side, 5 bps apart."""
    quoter = ladders.quoter(settings or LadderSettings(live_orders=12, smallest_size=0.12))
    rules = QuotingRules(role, BOUND, DepthBounds(0.0, 50.0), 0.5, 2000.0, 11.8)
    return Planner(ETH, market, FLOW, quoter, LOT, rules, now_ms=100_000)


def levels_of(known, coins):
    """What the model of a planner wants on each level with this position [coins]."""
    return known.quoter.levels(known.market, coins / known.lot, known.flow, known.now_ms)


def settings_of(store, **quote):
    """A bot with orders of 100 USDC that quotes whatever the flow, with the actions that a ladder needs."""
    section = {
        "market_data": str(store.root),
        "sides": "alternate",
        "model": {"widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
        "quote": {"actions_per_minute": 600.0} | quote,
        "edge": {"address_budget": False},
    }
    return Settings.from_section(section)
