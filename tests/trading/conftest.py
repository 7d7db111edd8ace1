"""A pair to plan for: Hyperliquid's ETH with a flow the model can quote."""

from dataclasses import replace

import pytest

from market_making.market.instrument import Instrument
from market_making.market.sides import Directions
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.pricing import DepthBounds
from market_making.quoting.quote import MarketView
from market_making.quoting.value.quote_table import CarteaJaimungalSettings
from market_making.settings.role import Role
from market_making.trading.plan import Planner
from market_making.trading.rules import QuotingRules

FLOW = OrderFlow(
    arrival_rate=Directions(0.5, 0.5),
    fill_intensity=Directions(0.3, 0.3),
    fill_decay=Directions(1.5, 1.5),
    adverse_selection=Directions(0.05, 0.05),
    adverse_selection_on_fill=Directions(0.06, 0.06),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.2,
    half_spread=0.05,
)
MARKET = MarketView(bid_price=3000.0, bid_size=5.0, ask_price=3000.1, ask_size=5.0, time_ms=1_000_000)
RULES = QuotingRules(
    role=Role.ALTERNATE,
    maximum_inventory=3,
    bounds=DepthBounds(0.0, 50.0),
    tolerance_bps=0.5,
    minimum_life_ms=2000.0,
    smallest_notional=11.8,
)


@pytest.fixture
def planner() -> Planner:
    """A planner whose lot is about 100 USDC."""
    return Planner(
        instrument=Instrument.hyperliquid("ETH", 4),
        market=MARKET,
        flow=FLOW,
        quoter=cartea_jaimungal_quoter(CarteaJaimungalSettings(pause_toxicity=10.0, widen_toxicity=10.0)),
        lot=0.0333,
        rules=RULES,
        now_ms=1_000_000,
    )


@pytest.fixture
def with_role(planner):
    """The same planner in another role."""
    return lambda role, **changes: replace(planner, rules=replace(planner.rules, role=role), **changes)
