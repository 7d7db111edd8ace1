"""Ladders, their shapes, and their collapse to one level."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import ConfigurationError
from market_making.market.sides import Directions, Side
from market_making.quoting.models.ladder_shape import LadderShape, ShapeState, level_weights, next_shape
from market_making.quoting.models.ladders import (
    DeviationBands,
    LadderSettings,
    collapse,
    deviation,
    expected_value,
    ladder,
    merged_outward,
    quoter,
    stock_share,
)
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Withheld
from market_making.quoting.readings.observations import Balances, Observations

SHAPES = st.sampled_from(LadderShape)
FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 1.0),
    fill_intensity=Directions(0.5, 0.5),
    fill_decay=Directions(10.0, 10.0),
    adverse_selection=Directions(0.0, 0.0),
    adverse_selection_on_fill=Directions(0.02, 0.02),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.05,
    half_spread=0.01,
)
VIEW = MarketView(99.99, 1.0, 100.01, 1.0, 0)
FINE = LadderSettings(smallest_size=1e-6, largest_size=1e6)


def test_share_and_deviation():
    """ρ is stock over the total, m its distance from the reference relative to it."""
    assert stock_share(Balances(40, 10), 2.5) == pytest.approx(100 / 110)
    assert stock_share(Balances(0, 0), 2.5) == 0.0
    assert deviation(Balances(40, 10), 2.5, 0.5) == pytest.approx(2 * 100 / 110 - 1)
    with pytest.raises(ConfigurationError, match="reference must be between 0 and 1, got 0"):
        deviation(Balances(1, 1), 1.0, 0.0)


@pytest.mark.parametrize(
    ("away", "bid", "ask"),
    [(0.0, 1, 1), (0.3, 1, 1), (0.45, 0.5, 1), (0.6, 0, 1), (0.9, 0, 1), (-0.45, 1, 0.5), (-0.6, 1, 0), (-2, 1, 0)],
)
def test_multipliers_are_piecewise_linear(away, bid, ask):
    """Full inside the bands, nothing beyond the stops, halfway between: half."""
    factors = DeviationBands().multipliers(away)
    assert factors.bid == pytest.approx(bid)
    assert factors.ask == pytest.approx(ask)


@given(
    shape=SHAPES,
    stock=st.floats(0, 50),
    money=st.floats(0, 5000),
    mid=st.floats(0.01, 1e5),
    live_orders=st.integers(2, 40),
    down=st.floats(0.001, 0.5),
)
def test_a_ladder_never_overcommits(shape, stock, money, mid, live_orders, down):
    """Bids cost at most the money, asks sell at most the stock, and there are no more orders than allowed."""
    levels = ladder(Balances(stock, money), mid, replace(FINE, live_orders=live_orders, down_range=down), shape)
    assert sum(quote.size * quote.price for quote in levels.bid) <= money * (1 + 1e-9)
    assert sum(quote.size for quote in levels.ask) <= stock * (1 + 1e-9)
    assert len(levels.bid) + len(levels.ask) <= live_orders
    assert all(0 < quote.price < mid for quote in levels.bid)


@given(shape=SHAPES, inventory=st.floats(-0.5, 0.5))
def test_inside_the_bands_everything_is_offered(shape, inventory):
    """The bids together cost exactly the money there is, the asks sell exactly the stock."""
    balances = Balances(3 + inventory, (3 - inventory) * 100.0)
    levels = ladder(balances, 100.0, replace(FINE, step_bps=150.0, down_range=0.3, up_range=0.3), shape)
    assert sum(quote.size * quote.price for quote in levels.bid) == pytest.approx(balances.money)
    assert sum(quote.size for quote in levels.ask) == pytest.approx(balances.stock)


def test_levels_stand_at_equal_steps_within_the_range():
    """20 bps of range at 5 bps a step are four levels, the last exactly at the end."""
    settings = replace(FINE, up_range=0.002, down_range=0.002, step_bps=5.0, live_orders=40)
    levels = ladder(Balances(3, 300), 100.0, settings, LadderShape.SPOT)
    assert [quote.price for quote in levels.ask] == pytest.approx([100.05, 100.10, 100.15, 100.20])
    assert [quote.price for quote in levels.bid] == pytest.approx([99.95, 99.90, 99.85, 99.80])


@given(shape=SHAPES, excess=st.floats(0.6, 1.0))
def test_a_stopped_side_has_no_orders(shape, excess):
    """At the limit the bids are gone; the asks stay. No order of the smallest size is left over."""
    share = 0.5 * (1 + excess)
    levels = ladder(Balances(6 * share, 6 * (1 - share) * 100.0), 100.0, FINE, shape)
    assert levels.bid == ()
    assert len(levels.ask) == 5


@given(levels=st.integers(1, 30), ratio=st.floats(0.5, 0.99))
def test_shapes_mirror_each_other(levels, ratio):
    """Each shape's weights sum to one; bid-ask is the curve in reverse, spot is even."""
    curve, spot, bid_ask = (level_weights(shape, levels, ratio) for shape in LadderShape)
    for weights in (curve, spot, bid_ask):
        assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(curve, bid_ask[::-1])
    np.testing.assert_allclose(curve[1:], ratio * curve[:-1])
    assert np.ptp(spot) == 0


def after(volatilities: list[float], start: ShapeState = ShapeState()) -> ShapeState:  # noqa: B008 - immutable
    """The state after a series of volatilities."""
    state = start
    for volatility in volatilities:
        state = next_shape(state, volatility)
    return state


def test_the_shape_follows_volatility_with_hysteresis():
    """Curve below 5 and bid-ask above 25 bps/√min, after five updates 10 % beyond the threshold."""
    assert after([4.4] * 4).shape is LadderShape.SPOT
    calm = after([4.4] * 5)
    assert calm.shape is LadderShape.CURVE
    assert after([4.6] * 50).shape is LadderShape.SPOT
    assert after([5.4] * 50, calm).shape is LadderShape.CURVE
    assert after([5.6] * 5, calm).shape is LadderShape.SPOT
    wild = after([28.0] * 5)
    assert wild.shape is LadderShape.BID_ASK
    assert after([23.0] * 50, wild).shape is LadderShape.BID_ASK
    assert after([1.0] * 5, wild).shape is LadderShape.CURVE
    assert after([28.0, 28.0, 28.0, 28.0, 20.0] * 10).shape is LadderShape.SPOT
    assert after([float("nan")] * 50, calm) == calm


@given(inventory=st.floats(-2, 2), shape=SHAPES)
def test_the_collapse_takes_the_level_worth_most(inventory, shape):
    """No other level of the same ladder has a higher λ(δ)(δ − ε − fee)·size."""
    levels = ladder(Balances(3 + inventory, (3 - inventory) * 100), 100.0, FINE, shape)
    for side in Side:
        best = collapse(levels.of(side), side, FLOW, 0.015, inventory=0.0)
        values = [expected_value(level, side, FLOW, 0.015) for level in levels.of(side)]
        if isinstance(best, Withheld):
            assert not values or max(values) <= 0
        else:
            assert expected_value(best, side, FLOW, 0.015) == max(values)


def test_what_earns_nothing_is_not_opened_but_may_be_left():
    """With an adverse selection beyond every level, only the side that reduces inventory is quoted."""
    poisoned = replace(FLOW, adverse_selection_on_fill=Directions(9.0, 9.0))
    assert quoter(FINE)(VIEW, 0.0, poisoned, 0).bid is None
    long, short = (quoter(FINE)(VIEW, inventory, poisoned, 0) for inventory in (1.0, -1.0))
    assert (long.bid, short.ask) == (None, None)
    nearest = VIEW.mid * FINE.step_bps * 1e-4
    for way_out in (long.ask, short.bid):
        assert way_out.depth == pytest.approx(nearest)
        assert way_out.size == pytest.approx(1.0)


@given(sizes=st.lists(st.floats(0, 1), max_size=12), smallest=st.floats(0.001, 2))
def test_what_is_too_small_goes_further_out(sizes, smallest):
    """Each level is nothing or an order, nothing comes nearer to mid, and the whole is kept where it is enough."""
    orders = merged_outward(sizes, smallest)
    assert all(size == 0 or size >= smallest for size in orders)
    if sum(sizes) >= smallest * (1 + 1e-9):
        assert sum(orders) == pytest.approx(sum(sizes))
    last = max((place for place, size in enumerate(orders) if size > 0), default=0)
    for place in range(last):
        assert sum(orders[: place + 1]) <= sum(sizes[: place + 1]) + 1e-9


def test_the_quoter_stops_buying_when_it_owns_enough():
    """60 % more than the reference: no bid, with a reason."""
    quotes = quoter(LadderSettings())(VIEW, 1.9, FLOW, 0)
    assert quotes.bid is None
    assert "stopped" in quotes.sides.bid.detail
    assert quotes.ask is not None


def test_observed_balances_and_shapes_are_used():
    """What the ladder really owns counts, not what it would own had it traded at the present mid."""
    automatic = LadderSettings(shape=None, live_orders=4, largest_size=3.0)
    poor = VIEW._replace(observations=Observations(balances=Balances(3.0, 0.0)))
    assert quoter(automatic)(poor, 0.0, FLOW, 0).bid is None
    sizes = [
        quoter(automatic)(VIEW._replace(observations=Observations(ladder_shape=shape)), 0.0, FLOW, 0).ask.size
        for shape in LadderShape
    ]
    assert sizes[1] == pytest.approx(3 / 2)
    assert len(set(sizes)) == 3


def test_a_mid_far_from_the_index_is_not_quoted():
    """2 % away from the underlying the local price is doubted."""
    astray = VIEW._replace(observations=Observations(index_price=102.1))
    assert "index" in quoter(FINE)(astray, 0.0, FLOW, 0).sides.bid.detail


def test_fills_change_stock_and_money():
    """A round trip at one price costs two fees; money is never created."""
    start = Balances(3.0, 300.0)
    end = start.after_fill(1.0, 100.0, 0.001).after_fill(-1.0, 100.0, 0.001)
    assert end.stock == start.stock
    assert end.money == pytest.approx(300.0 - 0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": Balances(0.0, 3.0)},
        {"down_range": 1.0},
        {"step_bps": 0.0},
        {"live_orders": 1},
        {"ratio": 1.0},
        {"smallest_size": 2.0},
        {"start": Balances(8.0, 2.0)},
    ],
)
def test_impossible_settings_are_refused(wrong):
    """Among them a stop that can never be reached: with 80 % stock the deviation cannot exceed 25 %."""
    with pytest.raises(ConfigurationError):
        LadderSettings(**wrong)


def test_bands_must_ascend():
    """A band beyond its stop is refused."""
    with pytest.raises(ConfigurationError, match="bands"):
        DeviationBands(buy_band=0.7)
