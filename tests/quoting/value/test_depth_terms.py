"""The terms of a depth from a table: those of the formula at whole lots, and of the interpolation between them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.market.sides import Directions, Side, Sides
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.terms import Terms
from market_making.quoting.value.depth_terms import depth_terms
from market_making.quoting.value.fill_costs import fill_costs
from market_making.quoting.value.quote_table import CarteaJaimungalSettings, solve_table

MID, FEE = 100.0, 0.0003
MODEL = CarteaJaimungalSettings(maker_fee=FEE)
FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 0.8),
    fill_intensity=Directions(0.5, 0.4),
    fill_decay=Directions(8.0, 6.0),
    adverse_selection=Directions(0.02, 0.02),
    adverse_selection_on_fill=Directions(0.09, 0.05),
    adverse_selection_slope=Directions(0.7, 0.4),
    volatility=0.03,
    half_spread=0.05,
)
DIRECTION, SIGN = {Side.BID: "sell", Side.ASK: "buy"}, {Side.BID: 1, Side.ASK: -1}


def expected(flow: OrderFlow, table, side: Side, lots: int) -> Terms:
    """1/κ, (ε − θ·d_min)/s, f·S/s, −p/s and what is missing to d_min, written down once more."""
    of = lambda name: getattr(getattr(flow, name), DIRECTION[side])  # noqa: E731
    share = 1 + SIGN[side] * FEE - of("adverse_selection_slope")
    value, column = table.value[0], lots + 3
    gain = value[column + SIGN[side]] - value[column]
    impact = of("adverse_selection_on_fill") - of("adverse_selection_slope") * flow.half_spread
    parts = (1 / of("fill_decay"), impact / share, FEE * MID / share, -gain / share)
    return Terms(*parts, floor=max(0.0, flow.half_spread - sum(parts)))


def at(flow: OrderFlow, table, inventory: float, time_left_s: float = 0.0) -> Sides[Terms]:
    """Terms of both sides."""
    return depth_terms(table, inventory, time_left_s, fill_costs(flow, MID, FEE))


@pytest.mark.parametrize("half_spread", [0.0, 0.05, 0.5])
def test_at_whole_lots_they_are_those_of_the_formula(half_spread):
    """Whether the floor binds nowhere, at some inventories or at all; adverse selection and fee divided by s."""
    flow = replace(FLOW, half_spread=half_spread)
    table = solve_table(flow, MID, MODEL)
    for side in Side:
        for lots in range(-3, 4):
            if not math.isfinite(table.depths.of(side)[0, lots + 3]):
                continue
            assert tuple(at(flow, table, lots).of(side)) == pytest.approx(
                tuple(expected(flow, table, side, lots)), rel=1e-6, abs=1e-9
            )


@given(
    inventory=st.floats(-4, 4),
    half_spread=st.floats(0.0, 0.5),
    session_s=st.sampled_from([None, 60.0]),
    time_left_s=st.floats(0, 70),
    slope=st.floats(0, 0.8),
)
@settings(max_examples=60, deadline=None)
def test_they_sum_to_the_depth_everywhere(inventory, half_spread, session_s, time_left_s, slope):
    """Between lots, between times, beyond the bounds, at the floor and above it, with and without a slope."""
    flow = replace(FLOW, half_spread=half_spread, adverse_selection_slope=Directions(slope, slope / 2))
    table = solve_table(flow, MID, replace(MODEL, session_s=session_s, terminal_penalty=0.01))
    depths, terms = table.at(inventory, time_left_s), at(flow, table, inventory, time_left_s)
    for side in Side:
        assert terms.of(side).depth == pytest.approx(depths.of(side), rel=1e-9)
        assert terms.of(side).floor >= 0


def test_between_lots_they_are_between_those_of_the_lots():
    """Half a lot has half the inventory term of either neighbour, also where only one of them is at the floor."""
    flow = replace(FLOW, half_spread=0.3)
    table = solve_table(flow, MID, MODEL)
    for side in Side:
        for left in range(-2, 2):
            here, there, between = (at(flow, table, lots).of(side) for lots in (left, left + 1, left + 0.5))
            assert tuple(between) == pytest.approx(tuple((np.array(here) + np.array(there)) / 2), abs=1e-9)
    floors = [at(flow, table, lots).ask.floor for lots in range(-2, 4)]
    assert min(floors) == 0 < max(floors)


def test_a_depth_changed_by_hand_is_told_as_inventory():
    """What cannot come from costs or the floor is what somebody wants for holding so much."""
    flow = replace(FLOW, half_spread=0.0)
    table = solve_table(flow, MID, MODEL)
    usual = at(flow, table, -1.0).ask
    depths = table.depths.ask.copy()
    depths[0, 2] += 0.25
    changed = at(flow, replace(table, depths=table.depths._replace(ask=depths)), -1.0).ask
    assert changed.inventory == pytest.approx(usual.inventory + 0.25)
    assert changed._replace(inventory=0.0) == pytest.approx(usual._replace(inventory=0.0))
