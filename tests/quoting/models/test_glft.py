"""The closed form of Guéant, Lehalle and Fernandez-Tapia."""

from dataclasses import replace
from math import e

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.market.errors import ConfigurationError
from market_making.market.reasons import Reason
from market_making.market.sides import Directions, Sides
from market_making.quoting.models.glft import GlftSettings, base_depth, elasticity, quoter, skew
from market_making.quoting.order_flow import OrderFlow
from market_making.quoting.quote import MarketView
from market_making.quoting.value.cartea_jaimungal import Fills, ValueProblem
from market_making.quoting.value.stationary import stationary

VIEW = MarketView(99.99, 1.0, 100.01, 1.0, 0)


@pytest.mark.parametrize(
    ("volatility", "intensity", "decay", "risk_aversion", "utility", "expected"),
    [
        (0.3, 0.9, 0.3, 0.01, 0.01, (3.2789822823, 0.2262194418, 3.3129151986, 0.0678658325)),
        (2.0, 140.0, 1.5, 0.1, 0.1, (0.6453852114, 0.0258586081, 0.6712438194, 0.0517172161)),
        (0.44, 0.3, 2.7, 0.05, 0.05, (0.3669827734, 0.2909866474, 0.4309998358, 0.1280341249)),
        (0.44, 0.3, 2.7, 0.05, 0.0, (0.3703703704, 0.2896508023, 0.4340935469, 0.1274463530)),
    ],
)
def test_published_form(volatility, intensity, decay, risk_aversion, utility, expected):
    """c₁, c₂, half-spread and skew of the paper's formulas, computed apart."""
    base = base_depth(decay, utility)
    answer = elasticity(intensity, decay, utility)
    step = skew(volatility, risk_aversion, Sides(answer, answer))
    assert (base, step / volatility, base + step / 2, step) == pytest.approx(expected, abs=1e-9)


def test_it_approximates_the_exact_solution():
    """For a small penalty the closed form agrees with the stationary value function near zero inventory."""
    volatility, intensity, decay, aversion, cost = 0.44, 0.3, 2.7, 1e-3, 0.1
    fills = Fills(intensity, decay, cost)
    exact = stationary(ValueProblem(fills, fills, 30, aversion * volatility**2 / 2)).depths.bid[0, 30:33]
    answer = elasticity(intensity, decay, 0.0, cost)
    step = skew(volatility, aversion, Sides(answer, answer))
    depths = base_depth(decay, 0.0) + cost + step * (0.5 + np.arange(3))
    np.testing.assert_allclose(depths, exact, atol=2e-3)


@given(decay=st.floats(0.01, 100), intensity=st.floats(0.01, 10))
def test_exponential_utility_tends_to_the_penalised_mean(decay, intensity):
    """ξ → 0: c₁ → 1/κ and the factor e appears, continuously across the switch to the limit."""
    assert base_depth(decay, 0.0) == 1 / decay
    assert elasticity(intensity, decay, 0.0) == pytest.approx(intensity * decay / e)
    assert elasticity(intensity, decay, 1e-6 * decay) == pytest.approx(intensity * decay / e, rel=1e-5)


@given(
    flow=st.from_type(OrderFlow), inventory=st.floats(-2, 2), objective=st.sampled_from(["exponential", "penalised"])
)
def test_swapping_the_sides_mirrors_the_quotes(flow, inventory, objective):
    """Ask depth at q equals bid depth at −q when buyers and sellers change roles."""
    swapped = replace(
        flow,
        **{
            name: Directions(*reversed(getattr(flow, name)))
            for name in ("fill_intensity", "fill_decay", "adverse_selection_on_fill")
        },
    )
    model = quoter(GlftSettings(objective=objective))
    here, there = model(VIEW, inventory, flow, 0), model(VIEW, -inventory, swapped, 0)
    assert here.ask.depth == pytest.approx(there.bid.depth)
    assert here.bid.depth == pytest.approx(there.ask.depth)


@given(flow=st.from_type(OrderFlow))
def test_inventory_moves_both_quotes_down(flow):
    """Longer: ask nearer, bid further."""
    model = quoter(GlftSettings(risk_aversion=1.0))
    depths = [model(VIEW, inventory, flow, 0) for inventory in (-1.0, 0.0, 1.0)]
    assert depths[0].ask.depth >= depths[1].ask.depth >= depths[2].ask.depth
    assert depths[0].bid.depth <= depths[1].bid.depth <= depths[2].bid.depth


@given(flow=st.from_type(OrderFlow), inventory=st.floats(-2, 2))
def test_the_terms_are_the_parts_of_the_formula(flow, inventory):
    """1/κ, ε, the fee, half a skew for volatility, q skews for inventory."""
    quotes = quoter(GlftSettings(risk_aversion=1.0))(VIEW, inventory, flow, 0)
    decays, impacts = flow.fill_decay.on_quotes(), flow.adverse_selection_on_fill.on_quotes()
    for quote, decay, impact, sign in zip(quotes.sides, decays, impacts, (1, -1), strict=True):
        terms = quote.terms
        assert terms[:3] == pytest.approx((1 / decay, impact, 1.5e-4 * VIEW.mid))
        assert terms.inventory == pytest.approx(2 * sign * inventory * terms.volatility)
        assert terms.floor >= 0


@given(flow=st.from_type(OrderFlow), inventory=st.floats(-3, 3))
def test_no_quote_is_nearer_than_the_fee(flow, inventory):
    """However toxic the flow and however large the skew that the approximation then gives."""
    toxic = replace(flow, adverse_selection_on_fill=Directions(*(20 / decay for decay in flow.fill_decay)))
    for asked in (flow, toxic):
        quotes = quoter(GlftSettings(maker_fee=0.0002))(VIEW, inventory, asked, 0)
        for quote in (quotes.bid, quotes.ask):
            assert quote is None or quote.depth >= 0.0002 * VIEW.mid * (1 - 1e-9)


def test_no_flow_gives_no_quote():
    """Without fills on a side the closed form has no skew, and says so."""
    flow = OrderFlow(*(Directions(1.0, 1.0) for _ in range(6)), volatility=0.05, half_spread=0.0)
    quotes = quoter(GlftSettings())(VIEW, 0.0, replace(flow, fill_intensity=Directions(0.0, 1.0)), 0)
    assert quotes.bid is quotes.ask is None
    assert "fill intensities" in quotes.sides.bid.detail
    underflow = replace(flow, adverse_selection_on_fill=Directions(1e4, 1e4))
    assert quoter(GlftSettings())(VIEW, 0.0, underflow, 0).sides.bid.reason is Reason.NO_SOLUTION
    with pytest.raises(ConfigurationError, match="order_notional"):
        GlftSettings(order_notional=-1.0)
