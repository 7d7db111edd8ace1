"""Toxicity of the flow and the regime that follows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.sides import Directions
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.risk.toxicity import Regime, expected_income, regime, toxicity

FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 0.7),
    fill_intensity=Directions(0.3, 0.2),
    fill_decay=Directions(2.0, 4.0),
    adverse_selection=Directions(0.1, 0.1),
    adverse_selection_on_fill=Directions(0.2, 0.1),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.1,
    half_spread=0.01,
)


def test_toxicity_counts_adverse_selection_and_one_fee():
    """κ(ε + f·mid): 2·(0.2 + 0.1) and 4·(0.1 + 0.1)."""
    assert toxicity(FLOW, 1000.0, 1e-4) == pytest.approx((0.6, 0.8))


def test_a_rebate_never_makes_toxicity_negative():
    """The published number has no sign."""
    assert toxicity(FLOW, 1000.0, -1e-2) == Directions(0.0, 0.0)


@pytest.mark.parametrize(
    ("buy", "sell", "state"),
    [(0.5, 0.99, Regime.QUOTE), (1.0, 0.0, Regime.WIDEN), (0.0, 1.99, Regime.WIDEN), (2.0, 0.0, Regime.PAUSE)],
)
def test_the_worse_direction_decides(buy, sell, state):
    """Quote below 1, widen from 1, pause from 2."""
    assert regime(Directions(buy, sell)) is state


@given(flow=st.from_type(OrderFlow))
def test_the_best_depth_keeps_the_share_of_the_toxicity(flow):
    """Where the floor does not bind, income is A/κ exp(−1 − toxicity)."""
    flow = replace(flow, half_spread=0.0)
    income, toxicities = expected_income(flow, 100.0, 1.5e-4), toxicity(flow, 100.0, 1.5e-4)
    for direction in range(2):
        harmless = flow.fill_intensity[direction] / flow.fill_decay[direction] * np.exp(-1)
        assert income[direction] == pytest.approx(harmless * np.exp(-toxicities[direction]))


@given(flow=st.from_type(OrderFlow))
def test_a_wider_book_never_pays_more(flow):
    """The floor only takes choices away."""
    wider = replace(flow, half_spread=flow.half_spread * 2)
    for narrow, wide in zip(expected_income(flow, 100.0, 0.0), expected_income(wider, 100.0, 0.0), strict=True):
        assert wide <= narrow * (1 + 1e-12)
