"""The quoter of the Cartea–Jaimungal model."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from market_making.market.errors import ConfigurationError, InvalidFlow
from market_making.market.reasons import Reason
from market_making.market.sides import Directions, Side, Sides
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.pricing import DepthBounds
from market_making.quoting.quote import MarketView, Withheld
from market_making.quoting.risk.toxicity import Regime, toxicity
from market_making.quoting.value.quote_table import (
    CarteaJaimungalSettings,
    QuoteTable,
    solve_table,
    solve_tables,
    value_problem,
)

VIEW = MarketView(3336.9, 3.0, 3337.1, 2.0, 0)
FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 0.7),
    fill_intensity=Directions(0.3, 0.2),
    fill_decay=Directions(2.0, 2.5),
    adverse_selection=Directions(0.1, 0.1),
    adverse_selection_on_fill=Directions(0.1, 0.1),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.5,
    half_spread=0.1,
)
OPEN = CarteaJaimungalSettings(widen_toxicity=50.0, pause_toxicity=50.0)


@given(
    flow=st.from_type(OrderFlow),
    market=st.from_type(MarketView),
    inventory=st.floats(-5, 5),
    now_ms=st.integers(0, 10**12),
    session_s=st.sampled_from([None, None, None, 60.0]),
    fee=st.sampled_from([-1e-4, 0.0, 1.5e-4]),
)
@settings(max_examples=50)
def test_every_quote_may_be_shown(flow, market, inventory, now_ms, session_s, fee):
    """Numbers only, not inside the book, of a size that keeps the inventory bound."""
    configuration = CarteaJaimungalSettings(maker_fee=fee, session_s=session_s)
    quotes = cartea_jaimungal_quoter(configuration)(market, inventory, flow, now_ms)
    for quote, side in ((quotes.bid, -1), (quotes.ask, +1)):
        if quote is None:
            continue
        assert math.isfinite(quote.price)
        assert side * (quote.price - market.mid) == pytest.approx(quote.depth)
        assert quote.depth >= flow.half_spread * (1 - 1e-9)
        assert 0 < quote.size <= 1
        after = inventory - side * quote.size
        assert abs(after) <= max(3.0, abs(inventory)) + 1e-9


@pytest.mark.parametrize("inventory", range(-3, 4))
def test_whole_lots_are_quoted_from_the_table(inventory):
    """Interpolation is exact where the table has a column."""
    table = solve_table(FLOW, VIEW.mid, OPEN)
    quotes = cartea_jaimungal_quoter(OPEN).over(table, VIEW.mid)(VIEW, inventory, FLOW, 0)
    column = inventory + 3
    for side in Side:
        quote, depth = quotes.of(side), table.depths.of(side)[0, column]
        assert (quote is None) == math.isnan(depth)
        assert quote is None or quote.depth == pytest.approx(depth, rel=1e-12)


def test_depths_are_linear_between_whole_lots():
    """Half a lot is quoted halfway; inventory is not rounded."""
    quoter = cartea_jaimungal_quoter(OPEN)
    depths = [quoter(VIEW, inventory, FLOW, 0).ask.depth for inventory in (1.0, 1.5, 2.0)]
    assert depths[1] == pytest.approx((depths[0] + depths[2]) / 2)


def test_beyond_the_bound_only_the_way_back_is_quoted():
    """At and past the maximum the bid says why it is withheld and the ask stands at the bound's depth."""
    quoter = cartea_jaimungal_quoter(OPEN)
    at_bound, beyond = quoter(VIEW, 3, FLOW, 0), quoter(VIEW, 4.7, FLOW, 0)
    assert at_bound.sides.bid == beyond.sides.bid == Withheld(Reason.AT_BOUND, "at maximum inventory")
    assert beyond.ask == at_bound.ask


def test_size_is_cut_to_the_room_that_is_left():
    """At 2.75 of 3 lots a bid is for a quarter of a lot."""
    assert cartea_jaimungal_quoter(OPEN)(VIEW, 2.75, FLOW, 0).bid.size == pytest.approx(0.25)


def test_a_toxic_flow_is_judged_and_left_to_be_widened():
    """Between the thresholds the depths are the model's; the regime says what is to be done to them."""
    toxic = max(toxicity(FLOW, VIEW.mid, OPEN.maker_fee))
    usual, wide = (
        cartea_jaimungal_quoter(choice)(VIEW, 0, FLOW, 0) for choice in (OPEN, replace(OPEN, widen_toxicity=toxic))
    )
    assert (usual.regime, wide.regime) == (Regime.QUOTE, Regime.WIDEN)
    assert wide.sides == usual.sides


def test_a_paused_maker_still_leaves():
    """Flat, nothing is quoted; long, only an ask, of no more than the inventory."""
    toxic = max(toxicity(FLOW, VIEW.mid, OPEN.maker_fee))
    quoter = cartea_jaimungal_quoter(replace(OPEN, widen_toxicity=toxic / 2, pause_toxicity=toxic))
    flat, long, short = (quoter(VIEW, inventory, FLOW, 0) for inventory in (0.0, 0.4, -2.0))
    assert flat.bid is flat.ask is None
    assert flat.sides.bid.reason is Reason.TOXIC_FLOW
    assert long.bid is None
    assert long.ask.size == pytest.approx(0.4)
    assert short.ask is None
    assert short.bid.size == 1.0


@pytest.mark.parametrize(
    ("market", "inventory", "flow", "reason"),
    [
        (VIEW._replace(bid_price=3337.1), 0.0, FLOW, "crossed"),
        (VIEW._replace(ask_price=math.nan), 0.0, FLOW, "empty"),
        (VIEW._replace(bid_price=0.0), 0.0, FLOW, "empty"),
        (VIEW, math.nan, FLOW, "inventory is nan"),
        (VIEW, 0.0, replace(FLOW, fill_decay=Directions(2.0, math.nan)), "fill decay"),
        (VIEW, 0.0, replace(FLOW, fill_intensity=Directions(-1.0, 1.0)), "fill intensity"),
        (VIEW, 0.0, replace(FLOW, adverse_selection_slope=Directions(1.2, 0.0)), "share of the depth"),
    ],
)
def test_what_cannot_be_quoted_is_withheld_with_the_reason(market, inventory, flow, reason):
    """Neither a price of zero nor the touch."""
    quotes = cartea_jaimungal_quoter(OPEN)(market, inventory, flow, 0)
    assert quotes.bid is quotes.ask is None
    assert reason in quotes.sides.bid.detail


def test_a_session_ends_flatter_than_it_starts():
    """With a terminal penalty, inventory is offered nearer to mid as the end comes; a new session starts afresh."""
    session = replace(OPEN, session_s=3600.0, terminal_penalty=1.0, running_penalty=1e-5)
    quoter = cartea_jaimungal_quoter(session)
    early, late, after = (quoter(VIEW, 2, FLOW, now_ms).ask.depth for now_ms in (0, 3_599_000, 3_600_000))
    assert late < early
    assert after == pytest.approx(early)


def test_depths_are_linear_between_the_times_of_the_table():
    """A time left between two rows is quoted between them, beyond the last row like the last row."""
    table = solve_table(FLOW, VIEW.mid, replace(OPEN, session_s=600.0, terminal_penalty=0.5))
    early, late = table.time_left_s[10:12]
    rows = [table.depths.ask[row, 4] for row in (10, 11)]
    assert rows[0] != rows[1]
    assert table.at(1, early).ask == rows[0]
    assert table.at(1, 0.25 * early + 0.75 * late).ask == pytest.approx(0.25 * rows[0] + 0.75 * rows[1])
    assert table.at(1, 1e6).ask == table.depths.ask[-1, 4]


def test_a_long_session_starts_like_no_session():
    """Hours before the end the end does not matter."""
    rolling, session = (
        cartea_jaimungal_quoter(choice)(VIEW, 1, FLOW, 0) for choice in (OPEN, replace(OPEN, session_s=1e5))
    )
    assert session.ask.depth == pytest.approx(rolling.ask.depth, abs=1e-4)


def test_a_table_follows_a_large_move_of_mid():
    """The fee is a share of the price: at twice the price the cost of a fill has grown."""
    quoter = cartea_jaimungal_quoter(replace(OPEN, maker_fee=0.001))
    usual = quoter(VIEW, 0, FLOW, 0)
    double = quoter(VIEW._replace(bid_price=6673.9, ask_price=6674.1), 0, FLOW, 0)
    assert double.ask.depth > usual.ask.depth + 2.0


def test_many_tables_are_the_tables_of_each():
    """Solved in one go or one by one; a coin that cannot be solved gets its error and harms no other."""
    broken = replace(FLOW, fill_decay=Directions(-1.0, 1.0))
    idle = replace(FLOW, fill_intensity=Directions(0.0, 0.2))
    tables = solve_tables([FLOW, broken, idle], [3337.0, 3337.0, 3337.0], OPEN)
    alone = solve_table(FLOW, 3337.0, OPEN)
    np.testing.assert_allclose(tables[0].depths.ask, alone.depths.ask, rtol=1e-9)
    assert tables[0].running_penalty == pytest.approx(alone.running_penalty)
    assert isinstance(tables[1], InvalidFlow)
    assert np.isfinite(tables[2].depths.bid[0, :-1]).all()
    with pytest.raises(InvalidFlow, match="decay"):
        solve_table(broken, 3337.0, OPEN)


def test_the_drift_is_believed_as_far_as_it_is_weighted():
    """More buying pressure than selling moves both quotes up, in proportion to nothing at weight zero."""
    flow = replace(FLOW, arrival_rate=Directions(2.0, 0.5))
    still, moved = (solve_table(flow, 3337.0, replace(OPEN, drift_weight=weight)) for weight in (0.0, 0.1))
    assert moved.at(0).ask > still.at(0).ask
    assert moved.at(0).bid < still.at(0).bid


@given(flow=st.from_type(OrderFlow), mid=st.floats(50, 200), fee=st.floats(-1e-3, 1e-3))
def test_a_fill_at_the_touch_earns_its_depth_less_impact_and_one_fee(flow, mid, fee):
    """d − ε − f·(mid ± d) at d = half-spread, whatever the slope; A and κ of buys belong to the ask."""
    problem = value_problem([flow], [mid], CarteaJaimungalSettings(maker_fee=fee))
    touch = flow.half_spread
    for side, sign, direction in ((problem.ask, 1, "buy"), (problem.bid, -1, "sell")):
        arrays = side.arrays(1)
        impact = getattr(flow.adverse_selection_on_fill, direction)
        earned = arrays.proceeds[0] * touch - arrays.cost[0]
        assert earned == pytest.approx(touch - impact - fee * (mid + sign * touch), abs=1e-9)
        assert arrays.floor[0] == touch
        assert arrays.intensity[0] == getattr(flow.fill_intensity, direction)
        assert arrays.decay[0] == getattr(flow.fill_decay, direction)


def test_a_deeper_fill_costs_what_the_slope_says():
    """One further unit of depth earns 1 − f − θ on the ask and 1 + f − θ on the bid."""
    steep = replace(FLOW, adverse_selection_slope=Directions(0.5, 0.25))
    problem = value_problem([steep], [3337.0], replace(OPEN, maker_fee=0.001))
    assert problem.ask.arrays(1).proceeds[0] == pytest.approx(1 - 0.001 - 0.5)
    assert problem.bid.arrays(1).proceeds[0] == pytest.approx(1 + 0.001 - 0.25)


@pytest.mark.parametrize(
    "wrong",
    [
        {"maximum_inventory": 0},
        {"running_penalty": -1.0},
        {"terminal_penalty": -1.0},
        {"maker_fee": 0.2},
        {"drift_weight": 2.0},
        {"session_s": 0.0},
        {"widen_toxicity": 3.0},
    ],
)
def test_wrong_settings_name_the_key(wrong):
    """The message tells key, value and range."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        CarteaJaimungalSettings(**wrong)


def test_bounds_must_ascend():
    """A minimum above the maximum is refused."""
    with pytest.raises(ConfigurationError, match="half-spread"):
        DepthBounds(5.0, 1.0)


@example(-1.6e-103, [math.nan, math.nan, 2.0, 0.999, math.nan, math.nan, math.nan])
@given(
    inventory=st.one_of(st.integers(-4, 4), st.floats(-4, 4)),
    row=st.lists(st.one_of(st.just(math.nan), st.floats(0.01, 5)), min_size=7, max_size=7),
)
def test_depths_between_lots_are_interpolated_as_numpy_does(inventory, row):
    """The very same number as `np.interp` over what is quoted; beyond it the nearest.

    An inventory that is nearer to a lot than the distance from the first lot can tell is that lot.
    """
    lots, depths = np.arange(-3, 4), np.array([row])
    table = QuoteTable(np.zeros(1), lots, np.zeros((1, 7)), Sides(depths, depths), 0.0)
    quoted, column = np.isfinite(row), inventory - lots[0]
    told = column + lots[0] if column == round(column) else inventory
    expected = np.interp(told, lots[quoted], np.array(row)[quoted]) if quoted.any() else math.nan
    np.testing.assert_array_equal(table.at(inventory).bid, expected)
