"""Claim: once its table is solved, the Cartea–Jaimungal quoter answers in tens of microseconds.

Baseline: the same quoter without memory, which solves the table (and the default penalty) for every quote. The other
models, which need no table, stand beside it.
"""

import time
from collections.abc import Callable

from market_making.market.sides import Directions
from market_making.quoting.models import avellaneda_stoikov, depth_aware, glft, ladders, trend_skew
from market_making.quoting.models.avellaneda_stoikov import AvellanedaStoikovSettings
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.models.depth_aware import DepthAwareSettings
from market_making.quoting.models.glft import GlftSettings
from market_making.quoting.models.ladders import LadderSettings
from market_making.quoting.models.trend_skew import TrendSkewSettings
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Quoter
from market_making.quoting.value.quote_table import CarteaJaimungalSettings

FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 0.7),
    fill_intensity=Directions(0.31, 0.19),
    fill_decay=Directions(2.7, 2.7),
    adverse_selection=Directions(0.15, 0.14),
    adverse_selection_on_fill=Directions(0.2, 0.2),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.5,
    half_spread=0.05,
)
VIEW = MarketView(3336.95, 30.0, 3337.05, 20.0, 0)
SETTINGS = CarteaJaimungalSettings(pause_toxicity=9.0)


def microseconds(run: Callable[[], object], repetitions: int) -> float:
    """Mean time of one call, after a first one [µs]."""
    run()
    start = time.perf_counter()
    for _ in range(repetitions):
        run()
    return (time.perf_counter() - start) / repetitions * 1e6


def main() -> None:
    solved = cartea_jaimungal_quoter(SETTINGS)
    ours = microseconds(lambda: solved(VIEW, 0.5, FLOW, 0), 5_000)
    baseline = microseconds(lambda: cartea_jaimungal_quoter(SETTINGS)(VIEW, 0.5, FLOW, 0), 30)
    print(f"cartea_jaimungal, table solved        {ours:9.1f} µs")
    print(f"cartea_jaimungal, solved every time   {baseline:9.1f} µs")
    print(f"ratio                                 {baseline / ours:9.0f}")
    others: dict[str, Quoter] = {
        "avellaneda_stoikov": avellaneda_stoikov.quoter(AvellanedaStoikovSettings()),
        "glft": glft.quoter(GlftSettings()),
        "ladders": ladders.quoter(LadderSettings()),
        "trend_skew": trend_skew.quoter(TrendSkewSettings()),
        "depth_aware": depth_aware.quoter(DepthAwareSettings()),
    }
    for name, quoter in others.items():
        print(f"{name:37} {microseconds(lambda quoter=quoter: quoter(VIEW, 0.5, FLOW, 0), 5_000):9.1f} µs")


if __name__ == "__main__":
    main()
