"""The quotes of Avellaneda and Stoikov."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import ConfigurationError
from market_making.market.sides import Directions
from market_making.quoting.models.avellaneda_stoikov import (
    AvellanedaStoikovSettings,
    half_spread,
    quoter,
    reservation_shift,
    tilt,
)
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView

FREE = AvellanedaStoikovSettings(maker_fee=0.0)
VIEW = MarketView(99.99, 1.0, 100.01, 1.0, 0)


@pytest.mark.parametrize(
    ("risk_aversion", "at_start", "mean_over_time"),
    [(0.01, 1.3689085437, 1.3489085437), (0.1, 1.6907704228, 1.4907704228), (0.5, 3.1507282898, 2.1507282898)],
)
def test_spreads_of_the_paper(risk_aversion, at_start, mean_over_time):
    """σ = 2, k = 1.5, T = 1: the spread at the start, and its mean over time, which is the paper's table (1.49)."""
    spreads = [2 * half_spread(1.5, risk_aversion, 2.0, time_left) for time_left in (1.0, 0.5)]
    assert spreads == pytest.approx([at_start, mean_over_time], abs=1e-9)


def test_reservation_price_of_the_paper():
    """One unit long with γ = 0.1, σ = 2, T = 1: 99.6 at a mid of 100."""
    assert 100 + reservation_shift(1, 0.1, 2.0, 1.0) == pytest.approx(99.6)


@given(decay=st.floats(0.01, 100), volatility=st.floats(0, 10))
def test_without_risk_aversion_the_half_spread_is_one_mean_depth(decay, volatility):
    """γ → 0 gives 1/κ, continuously across the switch to the limit."""
    assert half_spread(decay, 1e-15 * decay, volatility, 1.0) == pytest.approx(1 / decay)
    below, above = (half_spread(decay, ratio * decay, 0.0, 1.0) for ratio in (0.99e-8, 1.01e-8))
    assert below == pytest.approx(above, rel=1e-7)


@given(flow=st.from_type(OrderFlow), inventory=st.floats(-2, 2))
def test_the_quotes_shift_once_with_inventory(flow, inventory):
    """Ask and bid move by q γ σ² τ, not twice, and the spread does not depend on inventory."""
    steady = replace(flow, fill_decay=Directions(2.0, 2.0))
    quotes, flat = (quoter(FREE)(VIEW, q, steady, 0) for q in (inventory, 0.0))
    aversion = FREE.risk_aversion * FREE.order_notional / VIEW.mid
    shift = reservation_shift(inventory, aversion, steady.volatility, 60.0)
    assert quotes.ask.price - flat.ask.price == pytest.approx(shift, abs=1e-9)
    assert quotes.bid.price - flat.bid.price == pytest.approx(shift, abs=1e-9)


@given(flow=st.from_type(OrderFlow))
def test_flat_quotes_are_symmetric_in_a_symmetric_market(flow):
    """Equal decays and no inventory: equal depths."""
    symmetric = replace(flow, fill_decay=Directions(flow.fill_decay.buy, flow.fill_decay.buy))
    quotes = quoter(FREE)(VIEW, 0.0, symmetric, 0)
    assert quotes.ask.depth == pytest.approx(quotes.bid.depth)


@given(flow=st.from_type(OrderFlow), inventory=st.floats(-3, 3), edge=st.floats(0, 5))
def test_a_fee_and_an_edge_are_always_kept(flow, inventory, edge):
    """However large the shift, no quote is nearer to mid than fee plus edge."""
    settings = AvellanedaStoikovSettings(risk_aversion=5.0, minimum_edge_bps=edge)
    quotes = quoter(settings)(VIEW, inventory, flow, 0)
    for quote in (quotes.bid, quotes.ask):
        assert quote is None or quote.depth >= (1.5 + edge) * VIEW.mid / 1e4 * (1 - 1e-12)


@given(flow=st.from_type(OrderFlow), inventory=st.floats(-2, 2), tilt_bps=st.floats(0, 5))
def test_the_terms_are_the_parts_of_the_formula(flow, inventory, tilt_bps):
    """The logarithm is the room, ½γσ²τ the volatility, both shifts are the inventory; the fee is the floor."""
    settings = AvellanedaStoikovSettings(risk_aversion=2.0, tilt_bps=tilt_bps)
    aversion = settings.risk_aversion * settings.order_notional / VIEW.mid
    shift = reservation_shift(inventory, aversion, flow.volatility, 60.0)
    shift += tilt(settings, inventory) * VIEW.mid / 1e4
    for quote, decay, sign in zip(
        quoter(settings)(VIEW, inventory, flow, 0).sides, flow.fill_decay.on_quotes(), (-1, 1), strict=True
    ):
        room = math.log(1 + aversion / decay) / aversion
        volatility = aversion * flow.volatility**2 * 60.0 / 2
        assert (quote.terms.room, quote.terms.volatility) == pytest.approx((room, volatility))
        assert quote.terms.inventory == pytest.approx(sign * shift)
        wanted = room + volatility + sign * shift
        assert quote.terms.floor == pytest.approx(max(0.0, 1.5e-4 * VIEW.mid - wanted), abs=1e-12)


def test_a_minimum_spread_is_centred_on_the_reservation_price():
    """Both quotes give way equally."""
    flow = OrderFlow(*(Directions(50.0, 50.0) for _ in range(6)), volatility=0.05, half_spread=0.0)
    narrow, wide = (quoter(replace(FREE, minimum_spread_bps=bps))(VIEW, 1.0, flow, 0) for bps in (0.0, 30.0))
    assert wide.ask.price - wide.bid.price == pytest.approx(0.3)
    assert wide.ask.price + wide.bid.price == pytest.approx(narrow.ask.price + narrow.bid.price)


def test_time_left_counts_down_to_midnight():
    """In that mode the horizon is what is left of the UTC day."""
    settings = replace(FREE, until_midnight=True)
    assert settings.time_left_s(86_400_000 * 7) == 86_400.0
    assert settings.time_left_s(86_400_000 * 8 - 1_000) == 1.0
    assert FREE.time_left_s(12345) == 60.0


@pytest.mark.parametrize(("inventory", "shift"), [(0.0, 0.0), (0.5, -1.0), (3.0, -1.5), (-4.0, 2.0)])
def test_tilt_grows_with_inventory(inventory, shift):
    """At least one step against inventory, more beyond the soft level, none when flat."""
    assert tilt(replace(FREE, tilt_bps=1.0, soft_inventory=2.0), inventory) == shift


def test_bad_books_and_settings_are_refused():
    """A reason instead of a quote, an error instead of a model."""
    flow = OrderFlow(*(Directions(1.0, 1.0) for _ in range(6)), volatility=0.05, half_spread=0.0)
    assert quoter(FREE)(VIEW._replace(ask_price=math.inf), 0.0, flow, 0).ask is None
    with pytest.raises(ConfigurationError, match="risk_aversion must be positive, got 0"):
        AvellanedaStoikovSettings(risk_aversion=0)
