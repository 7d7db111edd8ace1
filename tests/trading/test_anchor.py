"""Quotes anchored where the best sizes say that mid goes: both move alike, stay within bounds, and never take."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.pricing import LARGEST_SHIFT, Adjustments, DepthBounds
from market_making.quoting.quote import MarketView, Quote, Quotes, Withheld
from market_making.quoting.terms import Terms
from market_making.trading.made_plan import MadePlan
from market_making.trading.plan import Plan

from .price_cases import VARIANTS, Case, cases

CASES = 150
OWN_ANCHOR = {"TrendSkew", "DepthAware"}
ETH = Instrument.hyperliquid("ETH", 4)
MARKET = MarketView(2999.9, 3.0, 3000.1, 1.0, 0)  # an imbalance of 0.5
AS_IT_IS = Adjustments(1.0, 1.0, 1.0, DepthBounds(0.0, 50.0))


def anchored(case: Case, response: float) -> Case:
    """The same with β, in basis points of mid."""
    planner = case.planner
    flow = replace(planner.flow, imbalance_response=response * planner.market.mid / 1e4)
    return case._replace(planner=replace(planner, flow=flow))


def planned(case: Case) -> Plan:
    """What comes of it."""
    return case.planner.plan(case.holding, case.restraints)


def shifts(plan: Plan) -> dict[Side, float]:
    """How far above mid each quote is anchored that does not leave at the touch."""
    shown = {side: plan.quotes.of(side) for side in Side}
    return {
        side: -quote.terms.imbalance if side is Side.BID else quote.terms.imbalance
        for side, quote in shown.items()
        if quote is not None
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_without_imbalance_or_response_plans_are_what_they_were(name):
    """Bit for bit: no β, sizes that are equal, unknown or on one side only, switched off, or an anchor of its own."""
    for case in cases(name, CASES):
        for sizes in ((2.0, 2.0), (0.0, 2.0), (2.0, 0.0), (nan, 2.0), (2.0, np.inf)):
            market = case.planner.market._replace(bid_size=sizes[0], ask_size=sizes[1])
            quiet = case._replace(planner=replace(case.planner, market=market))
            assert repr(planned(anchored(quiet, 1.0))) == repr(planned(quiet))
        assert repr(planned(anchored(case, 0.0))) == repr(planned(case))
        at_mid = case._replace(planner=replace(case.planner, rules=replace(case.planner.rules, anchors=False)))
        assert repr(planned(anchored(at_mid, 1.0))) == repr(planned(at_mid))
        if name in OWN_ANCHOR:
            assert repr(planned(anchored(case, 1.0))) == repr(planned(case))


@pytest.mark.parametrize("name", sorted(set(VARIANTS) - OWN_ANCHOR))
def test_both_quotes_move_alike_and_within_their_bounds(name):
    """With the sign of the imbalance, by β times it or half the nearer depth at most; terms sum to the price."""
    moved = 0
    for number, as_it_is in enumerate(cases(name, CASES)):
        response = (0.05, 0.5, 5.0)[number % 3]
        case = anchored(as_it_is, response)
        market, bounds = case.planner.market, case.planner.rules.bounds
        plan, bps = planned(case), market.mid / 1e4
        found = shifts(plan)
        if len(found) == 2:
            assert found[Side.BID] == pytest.approx(found[Side.ASK], abs=1e-9 * market.mid)
        for side, shift in found.items():
            quote = plan.quotes.of(side)
            assert abs(shift) <= abs(response * bps * market.imbalance) * (1 + 1e-9)
            assert shift * market.imbalance >= 0
            assert quote.price < market.ask_price if side is Side.BID else quote.price > market.bid_price
            assert sum(quote.terms) == pytest.approx(abs(quote.price - market.mid), rel=1e-9)
            if quote.terms.touch == 0:
                own = sum(quote.terms) - quote.terms.tick
                assert own >= (own - quote.terms.imbalance) * (1 - LARGEST_SHIFT) - 1e-9 * market.mid
                unmoved = own - quote.terms.imbalance
                assert (bounds.minimum_bps - 1e-6) * bps <= unmoved <= (bounds.maximum_bps + 1e-6) * bps
            moved += shift != 0
    assert moved > CASES / 2


def test_the_preferred_side_is_the_models_own():
    """Both quotes keep their distance from where mid goes, so neither is worth more for it."""
    for case in cases("MarketMaking", CASES):
        one, other = planned(case).order, planned(anchored(case, 0.3)).order
        if one is not None and other is not None:
            assert one.side is other.side
            assert one.terms.model_depth == other.terms.model_depth


def test_a_bid_follows_a_heavy_bid_up_by_hand():
    """β 0.4 at an imbalance of 0.5: both quotes stand 0.2 higher; at a depth of 0.3 by no more than 0.15."""
    wide = Quotes(Sides(*(Quote(nan, Terms(room=depth)) for depth in (1.0, 2.0))))
    assert AS_IT_IS.anchored(wide, MARKET, 0.4).shift == pytest.approx(0.2)
    assert AS_IT_IS.anchored(wide, MARKET, -0.4).shift == pytest.approx(-0.2)
    near = Quotes(Sides(Quote(nan, Terms(room=2.0)), Quote(nan, Terms(room=0.3))))
    assert AS_IT_IS.anchored(near, MARKET, 0.4).shift == pytest.approx(0.15)
    one_side = Quotes(Sides(Quote(nan, Terms(room=2.0)), Withheld(Reason.AT_BOUND, "full")))
    assert AS_IT_IS.anchored(one_side, MARKET, 4.0).shift == pytest.approx(1.0)
    bounded = AS_IT_IS._replace(bounds=DepthBounds(0.5, 1.0))
    assert bounded.anchored(wide, MARKET, 4.0).shift == pytest.approx(0.15)  # half of the greatest depth, 0.3
    assert AS_IT_IS.anchored(replace(wide, anchored=True), MARKET, 0.4).shift == 0.0


def test_the_fair_value_that_is_told_holds_the_anchor():
    """Mid and how far above it both quotes are anchored."""
    for as_it_is in cases("MarketMaking", CASES):
        case = anchored(as_it_is, 0.3)
        plan = planned(case)
        told = MadePlan(case.planner, case.holding, case.restraints, plan).fair_value
        for shift in shifts(plan).values():
            assert told - plan.mid == pytest.approx(shift, abs=1e-9 * plan.mid)
