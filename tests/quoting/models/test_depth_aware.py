"""The depth-aware, tiered quoter."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import ConfigurationError
from market_making.market.events import Level
from market_making.market.sides import Directions, Side, Sides
from market_making.quoting.models.depth_aware import (
    DepthAwareSettings,
    SpreadBand,
    fair_value,
    inventory_skew,
    limited,
    quoter,
    side_levels,
    tier_distances,
    tier_ratio,
    tier_sizes,
    volatility_zone,
    widened,
)
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView, Withheld
from market_making.quoting.readings.book_depth import BookDepth, book_depth, funding_shift
from market_making.quoting.readings.observations import NOTHING_OBSERVED, Observations, RiskLevel

FLOW = OrderFlow(
    arrival_rate=Directions(1.0, 1.0),
    fill_intensity=Directions(0.5, 0.5),
    fill_decay=Directions(5.0, 5.0),
    adverse_selection=Directions(0.0, 0.0),
    adverse_selection_on_fill=Directions(0.01, 0.01),
    adverse_selection_slope=Directions(0.0, 0.0),
    volatility=0.01,
    half_spread=0.01,
)
VIEW = MarketView(99.99, 300.0, 100.01, 300.0, 0)
SETTINGS = DepthAwareSettings()
EVEN = book_depth(VIEW)
YEAR = math.sqrt(365 * 86_400)


def seen(**readings: object) -> MarketView:
    """The view with some observations."""
    return VIEW._replace(observations=Observations(**readings))


def test_the_book_is_read_to_its_tenth_level():
    """Notionals of ten and of five levels, imbalance and pressure from them, microprice from the top."""
    bids = tuple(Level(100.0 - i, 10.0) for i in range(12))
    asks = tuple(Level(101.0 + i, 5.0) for i in range(12))
    book = book_depth(MarketView(100.0, 10.0, 101.0, 5.0, 0, Observations(bids=bids, asks=asks)))
    assert book.bid_notional == sum(10.0 * (100.0 - i) for i in range(10))
    assert book.near_ask_notional == sum(5.0 * (101.0 + i) for i in range(5))
    assert book.microprice == pytest.approx((100.0 * 5 + 101.0 * 10) / 15)
    assert 0 < book.pressure < book.imbalance
    assert book.is_liquid(5_000.0)
    assert not book.is_liquid(6_000.0)
    assert BookDepth(0, 0, 0, 0, 1.0).imbalance == 0


@pytest.mark.parametrize("count", [12, 15])
def test_seventy_percent_of_the_size_stand_in_five_tiers(count):
    """Exactly, for any number of tiers; the ratios are those computed apart."""
    ratio = tier_ratio(count, 0.7)
    assert ratio == pytest.approx({12: 0.815, 15: 0.798}[count], abs=1e-3)
    sizes = tier_sizes(10.0, replace(SETTINGS, tiers=count, smallest_size=0))
    assert sum(sizes) == pytest.approx(10.0)
    assert sum(sizes[:5]) == pytest.approx(7.0)


def test_five_tiers_or_fewer_are_even():
    """They hold everything anyway."""
    assert tier_ratio(6, 0.7) == pytest.approx(1.0)
    assert tier_ratio(4, 0.7) <= 1.0


def test_tiers_stand_in_geometric_progression():
    """From the nearest to the farthest distance; small ones are dropped."""
    distances = tier_distances(SpreadBand(1, 50), 15)
    assert distances[:5] == pytest.approx([1, 1.32, 1.75, 2.31, 3.06], abs=0.01)
    assert distances[-1] == pytest.approx(50)
    assert tier_sizes(1.0, SETTINGS).count(0.0) > 0


@pytest.mark.parametrize(
    ("annual", "band"), [(0.05, (1, 10)), (0.10, (2, 20)), (0.20, (5, 35)), (0.25, (10, 50)), (0.9, (10, 50))]
)
def test_zones_of_volatility(annual, band):
    """By the year, or by multiples of what is usual on this market."""
    assert volatility_zone(annual / YEAR, None) == band
    usual = {(1, 10): 0.4, (2, 20): 0.9, (5, 35): 1.4, (10, 50): 1.6}[band]
    assert volatility_zone(usual * 2e-4, 2e-4) == band


@pytest.mark.parametrize(
    ("readings", "near", "far"),
    [
        ({}, 1.0, 1.0),
        ({"recent_capture_bps": -2.1}, 2.0, 1.5),
        ({"recent_capture_bps": -1.9}, 1.0, 1.0),
        ({"losing_fills": 3}, 2.5, 2.0),
        ({"losing_fills": 2}, 1.0, 1.0),
        ({"risk_level": RiskLevel.MEDIUM}, 1.3, 1.3),
        ({"risk_level": RiskLevel.HIGH}, 1.8, 1.8),
        ({"margin_used": 0.9}, 1.5, 1.5),
        ({"losing_fills": 9, "risk_level": RiskLevel.CRITICAL, "recent_capture_bps": -9.0}, 6.0, 6.0),
    ],
)
def test_reasons_to_widen(readings, near, far):
    """Each has its factors, together they are capped."""
    thin = EVEN._replace(bid_notional=30_000.0, ask_notional=30_000.0)
    zone = SpreadBand(2.0, 8.0)
    band = limited(widened(zone, thin, Observations(**readings), SETTINGS), SETTINGS)
    assert band == pytest.approx((2.0 * near, max(8.0 * far, 4.0 * near)))


def test_a_deep_book_narrows_and_a_thin_one_never_does():
    """Twice the least notional is deep; between, nothing changes; an uneven one widens."""
    zone = SpreadBand(5.0, 20.0)

    def band(bid: float, ask: float) -> SpreadBand:
        book = EVEN._replace(bid_notional=bid, ask_notional=ask)
        return limited(widened(zone, book, NOTHING_OBSERVED, SETTINGS), SETTINGS)

    assert band(50_000, 50_000) == pytest.approx((4.0, 18.0))
    assert band(25_000, 25_000) == zone
    assert band(10, 10) == zone
    assert band(40_000, 20_000) == pytest.approx((7.5, 26.0))


@given(
    nearest=st.floats(0.1, 60),
    farthest=st.floats(1, 100),
    losing=st.integers(0, 9),
    level=st.sampled_from(RiskLevel),
    margin=st.floats(0, 1),
)
def test_the_band_keeps_its_limits(nearest, farthest, losing, level, margin):
    """At least the fee, at most 50 bps, which comes last; the farthest is not nearer than the nearest."""
    observations = Observations(losing_fills=losing, risk_level=level, margin_used=margin)
    band = limited(widened(SpreadBand(nearest, farthest), EVEN, observations, SETTINGS), SETTINGS)
    assert SETTINGS.nearest_bps <= band.nearest <= band.farthest <= 50.0


@pytest.mark.parametrize(
    ("inventory", "bid_tiers", "bid_further"),
    [(0.2, True, False), (1.0, True, True), (1.4, True, True), (1.6, False, False)],
)
def test_inventory_skews_then_widens_then_closes_the_growing_side(inventory, bid_tiers, bid_further):
    """Nothing below 10 % of the bound, the growing side further away from 30 %, withheld beyond 50 %."""
    flat, long = (side_levels(Side.BID, VIEW, q, FLOW, SETTINGS) for q in (0.0, inventory))
    assert isinstance(long, Withheld) != bid_tiers
    if bid_tiers:
        assert (long[0].depth > flat[0].depth * 1.2) == bid_further
    ask = side_levels(Side.ASK, VIEW, inventory, FLOW, SETTINGS)
    assert (ask[0].depth < flat[0].depth - 1e-9) == (inventory >= 0.3)


def test_the_fair_value_leans_on_book_inventory_and_funding():
    """Microprice, down when long, down when longs pay."""
    band = SpreadBand(2.0, 50.0)
    pressing = VIEW._replace(bid_size=900.0)
    assert fair_value(pressing, 0.0, SETTINGS) == pytest.approx(pressing.microprice)
    assert inventory_skew(100.0, 1.0, band, SETTINGS) == pytest.approx(-0.05)
    assert inventory_skew(100.0, -1.0, band, SETTINGS) == pytest.approx(0.05)
    assert inventory_skew(100.0, 0.05, band, SETTINGS) == 0.0
    paid = 1e-4 / 3600
    assert fair_value(VIEW, paid, SETTINGS) == pytest.approx(100.0 + funding_shift(100.0, paid, 600.0))
    assert funding_shift(100.0, 1e-4 / 3600, 3600.0) == pytest.approx(-0.01)


@pytest.mark.parametrize(
    ("market", "inventory", "reason"),
    [
        (VIEW._replace(bid_size=100.0), 0.0, "the book holds 9999"),
        (VIEW, 3.0, "100 % of its bound"),
        (seen(markout_factors=Sides(bid=math.inf, ask=1.0)), 0.0, "adverse moves"),
    ],
)
def test_a_side_is_withheld_with_its_reason(market, inventory, reason):
    """Illiquid book, too much inventory, bad markouts."""
    levels = side_levels(Side.BID, market, inventory, FLOW, SETTINGS)
    assert isinstance(levels, Withheld)
    assert reason in levels.detail


@pytest.mark.parametrize("inventory", [0.01, 1.0, 3.0])
def test_bad_markouts_do_not_withhold_the_side_that_reduces(inventory):
    """What is held can be left: its tiers stand half as far again from the fair value, on both sides alike."""
    for side, signed in ((Side.ASK, inventory), (Side.BID, -inventory)):
        withheld, at_most = (
            side_levels(side, seen(markout_factors=Sides(factor, factor)), signed, FLOW, SETTINGS)
            for factor in (math.inf, 1.5)
        )
        assert withheld == at_most
        assert not isinstance(withheld, Withheld)


def test_the_quoter_collapses_the_tiers():
    """One quote a side, from the tiers, where λ(δ)(δ − ε − fee)·size is largest."""
    quotes = quoter(SETTINGS)(VIEW, 0.0, FLOW, 0)
    prices = [level.price for level in side_levels(Side.BID, VIEW, 0.0, FLOW, SETTINGS)]
    assert any(quotes.bid.price == pytest.approx(price) for price in prices)
    assert quotes.ask.depth == pytest.approx(quotes.bid.depth)


def test_the_terms_of_a_tier_are_its_zone_and_what_changes_it():
    """2 to 20 bps in its zone, half as far again when used margin widens it; skew and growth are the inventory's."""
    market = seen(
        volatility=0.10 / YEAR * 100, margin_used=0.9, bids=(Level(99.99, 300.0),), asks=(Level(100.01, 299.9),)
    )
    careful = replace(SETTINGS, one_sided_from=1.0)
    nearest = side_levels(Side.BID, market, 1.5, FLOW, careful)[0].terms
    assert nearest.level == pytest.approx(0.02)
    assert nearest.risk == pytest.approx(0.01)
    assert nearest.inventory == pytest.approx(2 * 0.5 * 0.03 + 0.5 * 0.1 * 0.30)
    assert nearest.fair_value == pytest.approx(market.mid - market.microprice)
    assert nearest.floor == pytest.approx(0.0)


@pytest.mark.parametrize("wrong", [{"tiers": 1}, {"near_share": 1.0}, {"skew_from": 0.5}])
def test_impossible_settings_are_refused(wrong):
    """One tier, everything in five, thresholds out of order."""
    with pytest.raises(ConfigurationError):
        DepthAwareSettings(**wrong)
