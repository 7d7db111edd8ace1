"""Laws that every quoting model keeps, so that strategy and replay need not know which one runs."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.market.sides import Directions, Side
from market_making.quoting.models import avellaneda_stoikov, depth_aware, glft, ladders, trend_skew
from market_making.quoting.models.avellaneda_stoikov import AvellanedaStoikovSettings
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.models.depth_aware import DepthAwareSettings
from market_making.quoting.models.glft import GlftSettings
from market_making.quoting.models.ladder_shape import LadderShape
from market_making.quoting.models.ladders import LadderSettings
from market_making.quoting.models.trend_skew import TrendSkewSettings
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Quoter, Withheld
from market_making.quoting.readings.observations import Observations, RiskLevel
from market_making.quoting.value.quote_table import CarteaJaimungalSettings

QUOTERS: dict[str, Quoter] = {
    "cartea_jaimungal": cartea_jaimungal_quoter(CarteaJaimungalSettings()),
    "avellaneda_stoikov": avellaneda_stoikov.quoter(AvellanedaStoikovSettings()),
    "glft": glft.quoter(GlftSettings()),
    **{shape: ladders.quoter(LadderSettings(shape=shape)) for shape in LadderShape},
    "trend_skew": trend_skew.quoter(TrendSkewSettings()),
    "depth_aware": depth_aware.quoter(DepthAwareSettings(least_notional=1.0)),
}
every_quoter = pytest.mark.parametrize("name", QUOTERS)

FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 0.8),
    fill_intensity=Directions(0.5, 0.4),
    fill_decay=Directions(8.0, 6.0),
    adverse_selection=Directions(0.02, 0.02),
    adverse_selection_on_fill=Directions(0.05, 0.05),
    adverse_selection_slope=Directions(0.1, 0.1),
    volatility=0.03,
    half_spread=0.01,
)
VIEW = MarketView(99.99, 300.0, 100.01, 200.0, 0)

observations = st.builds(
    Observations,
    bids=st.just(()),
    asks=st.just(()),
    bias=st.floats(-1, 1),
    volatility=st.one_of(st.none(), st.floats(0, 1)),
    usual_volatility=st.one_of(st.none(), st.floats(0.001, 0.1)),
    index_price=st.one_of(st.none(), st.floats(90, 110)),
    balances=st.none(),
    ladder_shape=st.sampled_from([None, *LadderShape]),
    recent_capture_bps=st.one_of(st.none(), st.floats(-10, 10)),
    losing_fills=st.integers(0, 10),
    risk_level=st.sampled_from(RiskLevel),
    margin_used=st.floats(0, 1),
)


@every_quoter
@given(flow=st.from_type(OrderFlow), market=st.from_type(MarketView), inventory=st.floats(-4, 4), seen=observations)
@settings(max_examples=40)
def test_what_is_quoted_may_be_shown(name, flow, market, inventory, seen):
    """Finite prices on their side of mid, terms and price in agreement, sizes positive, the inventory bound kept."""
    quotes = QUOTERS[name](market._replace(observations=seen), inventory, flow, 0)
    for side, sign in ((Side.BID, -1), (Side.ASK, 1)):
        quote = quotes.of(side)
        if quote is None:
            assert isinstance(quotes.sides.of(side), Withheld)
            assert quotes.sides.of(side).detail
            continue
        assert math.isfinite(quote.price)
        assert sign * (quote.price - market.mid) == pytest.approx(quote.depth)
        assert quote.depth == sum(quote.terms) >= 0
        assert 0 < quote.size <= max(3.0, abs(inventory))
        assert abs(inventory - sign * quote.size) <= max(3.0, abs(inventory)) + 1e-9


@every_quoter
def test_a_model_is_a_function(name):
    """Asked twice, in whatever order, it answers the same."""
    first = [QUOTERS[name](VIEW, inventory, FLOW, 1_000) for inventory in (0.0, 1.0, -1.0)]
    again = [QUOTERS[name](VIEW, inventory, FLOW, 1_000) for inventory in (-1.0, 1.0, 0.0)]
    assert first == again[::-1]


@every_quoter
def test_what_makes_no_sense_is_not_quoted(name):
    """Crossed, empty or broken books, no inventory, a broken flow: both sides withheld for one reason."""
    broken: list[tuple[MarketView, float, OrderFlow]] = [
        (VIEW._replace(bid_price=100.02), 0.0, FLOW),
        (VIEW._replace(ask_price=math.inf), 0.0, FLOW),
        (VIEW._replace(bid_price=0.0), 0.0, FLOW),
        (VIEW, math.nan, FLOW),
        (VIEW, 0.0, dataclasses.replace(FLOW, fill_decay=Directions(0.0, 1.0))),
        (VIEW, 0.0, dataclasses.replace(FLOW, fill_intensity=Directions(math.nan, 1.0))),
        (VIEW, 0.0, dataclasses.replace(FLOW, adverse_selection_on_fill=Directions(0.05, math.nan))),
        (VIEW, 0.0, dataclasses.replace(FLOW, adverse_selection_slope=Directions(math.inf, 0.0))),
        (VIEW, 0.0, dataclasses.replace(FLOW, volatility=-0.01)),
        (VIEW, 0.0, dataclasses.replace(FLOW, volatility=math.nan)),
        (VIEW, 0.0, dataclasses.replace(FLOW, half_spread=math.nan)),
        (VIEW._replace(observations=Observations(bias=math.nan)), 0.0, FLOW),
        (VIEW._replace(observations=Observations(volatility=-0.01)), 0.0, FLOW),
        (VIEW._replace(observations=Observations(usual_volatility=math.nan)), 0.0, FLOW),
    ]
    for market, inventory, flow in broken:
        quotes = QUOTERS[name](market, inventory, flow, 0)
        assert quotes.bid is quotes.ask is None
        assert quotes.sides.bid == quotes.sides.ask


@every_quoter
def test_a_maker_at_its_bound_only_reduces(name):
    """Long: an ask and no bid; short: a bid and no ask."""
    long, short = (QUOTERS[name](VIEW, inventory, FLOW, 0) for inventory in (3.0, -3.0))
    assert (long.bid, short.ask) == (None, None)
    assert long.ask is not None
    assert short.bid is not None


Make = Callable[..., Quoter]
CHANGES: list[tuple[Make, Any, dict[str, Any]]] = [
    (cartea_jaimungal_quoter, CarteaJaimungalSettings(), {"maximum_inventory": 9}),
    (cartea_jaimungal_quoter, CarteaJaimungalSettings(), {"running_penalty": 1e-3}),
    (cartea_jaimungal_quoter, CarteaJaimungalSettings(session_s=60.0), {"terminal_penalty": 0.5}),
    (cartea_jaimungal_quoter, CarteaJaimungalSettings(), {"maker_fee": 0.0}),
    (cartea_jaimungal_quoter, CarteaJaimungalSettings(), {"drift_weight": 0.5}),
    (cartea_jaimungal_quoter, CarteaJaimungalSettings(), {"session_s": 60.0}),
    (cartea_jaimungal_quoter, CarteaJaimungalSettings(), {"widen_toxicity": 0.1}),
    (cartea_jaimungal_quoter, CarteaJaimungalSettings(), {"widen_toxicity": 0.1, "pause_toxicity": 0.1}),
    (avellaneda_stoikov.quoter, AvellanedaStoikovSettings(), {"risk_aversion": 5.0}),
    (avellaneda_stoikov.quoter, AvellanedaStoikovSettings(), {"order_notional": 1_000.0}),
    (avellaneda_stoikov.quoter, AvellanedaStoikovSettings(), {"horizon_s": 3_600.0}),
    (avellaneda_stoikov.quoter, AvellanedaStoikovSettings(), {"until_midnight": True}),
    (avellaneda_stoikov.quoter, AvellanedaStoikovSettings(), {"maker_fee": 0.003}),
    (avellaneda_stoikov.quoter, AvellanedaStoikovSettings(), {"minimum_edge_bps": 30.0}),
    (avellaneda_stoikov.quoter, AvellanedaStoikovSettings(), {"minimum_spread_bps": 60.0}),
    (avellaneda_stoikov.quoter, AvellanedaStoikovSettings(), {"tilt_bps": 1.0}),
    (avellaneda_stoikov.quoter, AvellanedaStoikovSettings(tilt_bps=1.0), {"soft_inventory": 0.2}),
    (glft.quoter, GlftSettings(), {"risk_aversion": 5.0}),
    (glft.quoter, GlftSettings(), {"order_notional": 1_000.0}),
    (glft.quoter, GlftSettings(), {"objective": "exponential"}),
    (glft.quoter, GlftSettings(), {"maker_fee": 0.0}),
    (ladders.quoter, LadderSettings(), {"shape": LadderShape.BID_ASK}),
    (ladders.quoter, LadderSettings(), {"start": ladders.Balances(4.0, 4.0)}),
    (ladders.quoter, LadderSettings(), {"up_range": 0.0005}),
    (ladders.quoter, LadderSettings(), {"down_range": 0.0005}),
    (ladders.quoter, LadderSettings(), {"step_bps": 7.0}),
    (ladders.quoter, LadderSettings(), {"live_orders": 4}),
    (ladders.quoter, LadderSettings(shape=LadderShape.CURVE), {"ratio": 0.5}),
    (ladders.quoter, LadderSettings(), {"smallest_size": 0.9}),
    (ladders.quoter, LadderSettings(), {"largest_size": 0.2}),
    (trend_skew.quoter, TrendSkewSettings(), {"base_bps": 9.0}),
    (trend_skew.quoter, TrendSkewSettings(), {"minimum_bps": 19.0}),
    (trend_skew.quoter, TrendSkewSettings(), {"maximum_bps": 5.0}),
    (trend_skew.quoter, TrendSkewSettings(), {"volatility_factor": 0.1}),
    (trend_skew.quoter, TrendSkewSettings(), {"skew_factor": 0.1}),
    (trend_skew.quoter, TrendSkewSettings(), {"holding_s": 5.0}),
    (depth_aware.quoter, DepthAwareSettings(), {"tiers": 20}),
    (depth_aware.quoter, DepthAwareSettings(), {"near_share": 0.9}),
    (depth_aware.quoter, DepthAwareSettings(), {"side_size": 1.0}),
    (depth_aware.quoter, DepthAwareSettings(), {"smallest_size": 0.5}),
    (depth_aware.quoter, DepthAwareSettings(), {"skew_from": 0.29}),
    (depth_aware.quoter, DepthAwareSettings(), {"widen_from": 0.15}),
    (depth_aware.quoter, DepthAwareSettings(), {"one_sided_from": 0.3}),
    (depth_aware.quoter, DepthAwareSettings(), {"skew_strength": 0.5}),
    (depth_aware.quoter, DepthAwareSettings(), {"least_notional": 10_000.0}),
    (depth_aware.quoter, DepthAwareSettings(), {"funding_holding_s": 36_000.0}),
    (depth_aware.quoter, DepthAwareSettings(), {"maker_fee": 0.002}),
    (depth_aware.quoter, DepthAwareSettings(), {"minimum_edge_bps": 20.0}),
]


def named(value: Any) -> str:
    """A name without an address in memory, so that it is the same in every process."""
    if callable(value):
        return value.__module__
    return type(value).__name__ if dataclasses.is_dataclass(value) else str(value)


@pytest.mark.parametrize(("make", "usual", "change"), CHANGES, ids=named)
def test_every_setting_reaches_the_quotes(make, usual, change):
    """A knob that changes nothing would make a parameter search lie."""
    paying = dataclasses.replace(FLOW, funding_rate=1e-7)
    inventories = (0.0, 0.6, 1.2, -1.2)
    quotes = [
        [make(choice)(VIEW, inventory, paying, 45_000) for inventory in inventories]
        for choice in (usual, dataclasses.replace(usual, **change))
    ]
    assert quotes[0] != quotes[1]
