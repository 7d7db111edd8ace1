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
from market_making.trading.plain import to_plain
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


class MemoryLog:
    """A decision log in memory."""

    def __init__(self):
        self.lines, self.fault = [], ""

    def write(self, event, time_ms, values):
        """Keep a line as it would be written."""
        sequence = len(self.lines) + 1
        shown = {name: to_plain(value) for name, value in values.items() if value is not None}
        self.lines.append({"sequence": sequence, "time_ms": time_ms, "event": event, **shown})
        return sequence

    def of(self, *events):
        """Lines of these kinds."""
        return [line for line in self.lines if line["event"] in events]


def eth_planner() -> Planner:
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
def planner() -> Planner:
    """A planner whose lot is about 100 USDC."""
    return eth_planner()


@pytest.fixture
def with_role(planner):
    """The same planner in another role."""
    return lambda role, **changes: replace(planner, rules=replace(planner.rules, role=role), **changes)
