"""Claim: a plan takes a fraction of a millisecond, as the equation is solved once a calibration, not once a loop."""

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from statistics import median

from market_making.market.instrument import Instrument, SignificantFigures
from market_making.market.sides import Directions, Side
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.pricing import DepthBounds
from market_making.quoting.quote import MarketView, Quotes
from market_making.quoting.value.quote_table import CarteaJaimungalSettings
from market_making.settings.role import Role
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.plan import Planner
from market_making.trading.rules import QuotingRules, Restraints

SETTINGS = CarteaJaimungalSettings(widen_toxicity=10.0, pause_toxicity=10.0)
HOLDING = Holding(0.02, RestingOrder("1", Side.ASK, 3001.0, 0.02, 0.0, 0))


def main() -> None:
    """Print the median time of a plan, with and without a table solved beforehand."""
    flow = OrderFlow(
        arrival_rate=Directions(0.5, 0.5),
        fill_intensity=Directions(0.3, 0.3),
        fill_decay=Directions(1.5, 1.4),
        adverse_selection=Directions(0.05, 0.05),
        adverse_selection_on_fill=Directions(0.06, 0.05),
        adverse_selection_slope=Directions(0.0, 0.0),
        volatility=0.2,
        half_spread=0.05,
    )
    planner = Planner(
        instrument=Instrument("ETH", "ETH/USDC:USDC", SignificantFigures(5, 2), Decimal("0.0001")),
        market=MarketView(3000.0, 5.0, 3000.1, 5.0, 0),
        flow=flow,
        quoter=cartea_jaimungal_quoter(SETTINGS),
        lot=0.0333,
        rules=QuotingRules(Role.ALTERNATE, 3, DepthBounds(), 0.5, 2000.0, 11.8),
        now_ms=10_000,
    )

    def solve_every_loop(market: MarketView, inventory: float, flow: OrderFlow, now_ms: int) -> Quotes:
        return cartea_jaimungal_quoter(SETTINGS)(market, inventory, flow, now_ms)

    fast = _median_ms(lambda: planner.plan(HOLDING, Restraints()), 2000)
    naive = replace(planner, quoter=solve_every_loop)
    slow = _median_ms(lambda: naive.plan(HOLDING, Restraints()), 100)
    print(f"plan: {fast:.3f} ms median; solving in every loop: {slow:.3f} ms; ratio {slow / fast:.0f}")


def _median_ms(work: Callable[[], object], times: int) -> float:
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1e3)
    return median(taken)


if __name__ == "__main__":
    main()
