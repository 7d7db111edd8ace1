"""The trend-skewed quoter."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import ConfigurationError
from market_making.market.events import Level
from market_making.market.reasons import Reason
from market_making.market.sides import Directions, Sides
from market_making.quoting.models.trend_skew import TrendSkewSettings, levels, quoter, side_terms, skew_bps, spread_bps
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView
from market_making.quoting.readings.observations import Observations

FREE = TrendSkewSettings(maker_fee=0.0, maximum_inventory=10)
FLOW = OrderFlow(*(Directions(1.0, 1.0) for _ in range(6)), volatility=0.01, half_spread=0.01)
EVEN_BOOK = {"bids": (Level(99.99, 100.01),), "asks": (Level(100.01, 99.99),)}
VIEW = MarketView(99.99, 1.0, 100.01, 1.0, 0)
MOVE = 1e4 * 0.01 * math.sqrt(60) / 100


def seen(**readings: object) -> MarketView:
    """The view with some observations."""
    return VIEW._replace(observations=Observations(**readings))


def depths_bps(settings: TrendSkewSettings, market: MarketView, inventory: float, flow: OrderFlow) -> Sides[float]:
    """Distances from mid [bps]."""
    return side_terms(settings, market, inventory, flow).map(lambda terms: 1e4 * terms.depth / market.mid)


def test_the_formula_by_hand():
    """2 + 0.5 v + 2·0.3 wide, skewed by 0.5·0.3·v."""
    spread, skew = 2 + 0.5 * MOVE + 0.6, 0.5 * 0.3 * MOVE
    assert depths_bps(FREE, seen(**EVEN_BOOK), 3.0, FLOW) == pytest.approx((spread / 2 + skew, spread / 2 - skew))


def test_the_terms_are_the_parts_of_the_formula():
    """Half of base, of k_v v and of 2|r|, the skew, the trend, the imbalance; a markout factor is adverse selection."""
    market = seen(bias=0.5, bids=(Level(99.99, 300.0),), asks=(Level(100.01, 100.0),), markout_factors=Sides(1.5, 1.0))
    terms = side_terms(FREE, market, 3.0, FLOW).ask
    half, unit, imbalance = (2 + 0.5 * MOVE + 0.6) / 2, 0.01, (29997 - 10001) / 39998
    assert terms.level == pytest.approx(1.0 * unit)
    assert terms.volatility == pytest.approx(0.25 * MOVE * unit)
    assert terms.inventory == pytest.approx((0.3 - 0.5 * 0.3 * MOVE) * unit)
    assert terms.trend == pytest.approx(0.25 * MOVE * unit)
    assert terms.fair_value == pytest.approx(0.6 * imbalance * half * unit)
    bid = side_terms(FREE, market, 3.0, FLOW).bid
    assert (bid.trend, bid.fair_value) == pytest.approx((-terms.trend, -terms.fair_value))
    assert bid.adverse_selection == pytest.approx(0.5 * half * unit)
    cut = side_terms(replace(FREE, maximum_bps=2.0), market, 3.0, FLOW).ask
    assert cut.floor == pytest.approx((1.0 - half) * unit)


@given(inventory=st.floats(-10, 10), bias=st.floats(-1, 1), size=st.floats(0.01, 100))
def test_mirrored_inputs_give_mirrored_quotes(inventory, bias, size):
    """Opposite inventory, trend and book: bid and ask change places."""
    here = seen(bias=bias, bids=(Level(99.99, size),), asks=(Level(100.01, 1.0),))
    there = seen(bias=-bias, bids=(Level(100.01, 1.0),), asks=(Level(99.99, size),))
    one, other = depths_bps(FREE, here, inventory, FLOW), depths_bps(FREE, there, -inventory, FLOW)
    assert one == pytest.approx((other.ask, other.bid), abs=1e-9)


@given(share=st.floats(-1, 1), move=st.floats(0, 1000))
def test_the_spread_keeps_its_limits_and_two_fees(share, move):
    """Never under the round trip, never over the maximum (unless the fee is)."""
    spread = spread_bps(TrendSkewSettings(), move, share)
    assert 3.0 * (1 - 1e-12) <= spread <= 20.0
    assert spread_bps(TrendSkewSettings(maker_fee=0.002), move, share) == 40.0


def test_the_skew_steepens_when_crowded():
    """Above 60 % of the bound it grows faster than in proportion."""
    assert skew_bps(FREE, 10.0, 0.6) == pytest.approx(3.0)
    assert skew_bps(FREE, 10.0, 1.0) == pytest.approx(5.0 * 1.6)


@given(bias=st.floats(-1, 1), volatility=st.floats(0.0, 5.0))
def test_a_trend_never_makes_the_quotes_cross(bias, volatility):
    """However strong, it shifts by at most half the spread, and the quote keeps its fee."""
    quotes = quoter(TrendSkewSettings())(seen(bias=bias, volatility=volatility), 0.0, FLOW, 0)
    assert quotes.bid.price < VIEW.mid < quotes.ask.price
    assert min(quotes.bid.depth, quotes.ask.depth) >= 1.5e-4 * VIEW.mid * (1 - 1e-12)


@pytest.mark.parametrize(
    ("readings", "bid_is_nearer"),
    [
        ({"bias": 0.8}, True),
        ({"bias": -0.8}, False),
        ({"bids": (Level(99.99, 5.0),)}, True),
        ({"asks": (Level(100.01, 5.0),)}, False),
        ({"markout_factors": Sides(bid=1.5, ask=1.0)}, False),
    ],
)
def test_the_quotes_follow_trend_book_and_markouts(readings, bid_is_nearer):
    """Rising trend or pressing bids move both quotes up; a side with bad markouts moves away."""
    depths = depths_bps(FREE, seen(**readings), 0.0, FLOW)
    assert (depths.bid < depths.ask) == bid_is_nearer


def test_a_side_that_is_always_picked_off_is_withheld():
    """An infinite factor leaves the other side alone, and a side that reduces the inventory."""
    picked_off = seen(markout_factors=Sides(bid=math.inf, ask=1.0))
    for inventory in (0.0, 1.0):
        quotes = quoter(FREE)(picked_off, inventory, FLOW, 0)
        assert quotes.sides.bid.reason is Reason.TOXIC_FLOW
        assert quotes.ask is not None
    at_most = seen(markout_factors=Sides(bid=1.5, ask=1.0))
    assert quoter(FREE)(picked_off, -1.0, FLOW, 0) == quoter(FREE)(at_most, -1.0, FLOW, 0)


def test_bias_does_not_overrule_the_inventory_bound():
    """At the maximum there is no bid, whatever the trend."""
    assert quoter(FREE)(seen(bias=1.0), 10.0, FLOW, 0).bid is None


def test_the_observed_volatility_comes_before_the_calibrated_one():
    """Twice the volatility, a wider spread."""
    usual, wild = (depths_bps(FREE, seen(volatility=x, **EVEN_BOOK), 0.0, FLOW) for x in (None, 0.02))
    assert wild.ask - usual.ask == pytest.approx(0.25 * MOVE)


def test_levels_share_the_size():
    """Spaced evenly outwards, together as large as the nearest quote was; a withheld side has none."""
    nearest = quoter(replace(FREE, maximum_inventory=1))(VIEW, 1.0, FLOW, 0)
    spread_out = levels(nearest, VIEW.mid, FREE)
    assert spread_out.bid == ()
    assert sum(quote.size for quote in spread_out.ask) == pytest.approx(nearest.ask.size)
    gaps = [later.price - earlier.price for earlier, later in zip(spread_out.ask, spread_out.ask[1:], strict=False)]
    assert gaps == pytest.approx([0.02] * 3)


@pytest.mark.parametrize("wrong", [{"minimum_bps": 30.0}, {"holding_s": 0.0}, {"level_weights": ()}])
def test_impossible_settings_are_refused(wrong):
    """An empty ladder, no holding time, limits out of order."""
    with pytest.raises(ConfigurationError):
        TrendSkewSettings(**wrong)
