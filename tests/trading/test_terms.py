"""The terms of a quote sum to the distance of its price from mid, whatever the variant and the state of the bot."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from market_making.market.instrument import Instrument
from market_making.market.sides import Side, Sides
from market_making.quoting.pricing import Adjustments, DepthBounds, priced
from market_making.quoting.quote import MarketView, Quote, Quotes, Withheld
from market_making.quoting.risk.toxicity import WIDEN_FACTOR, Regime
from market_making.quoting.terms import Terms
from market_making.trading.holding import Holding
from market_making.trading.rules import Restraints

from .price_cases import VARIANTS, cases

CASES = 250
ETH = Instrument.hyperliquid("ETH", 4)
MARKET = MarketView(2999.9, 1.0, 3000.3, 1.0, 0)
MID = MARKET.mid
AS_IT_IS = Adjustments(1.0, 1.0, 1.0, DepthBounds(0.0, 50.0))


@pytest.mark.parametrize("name", VARIANTS)
def test_terms_sum_to_the_distance_from_mid(name):
    """Of both quotes and of the planned order, at every inventory, regime, floor, bound and slope; leaving or not."""
    seen = 0
    for number, case in enumerate(cases(name, CASES)):
        plan = case.planner.plan(case.holding, case.restraints)
        shown = [quote for quote in plan.quotes.sides if isinstance(quote, Quote)]
        for each in [*shown, *([] if plan.order is None else [plan.order])]:
            distance = abs(each.price - case.planner.market.mid)
            assert sum(each.terms) == pytest.approx(distance, rel=1e-9), number
            seen += 1
        if plan.order is not None:
            quote = plan.quotes.of(plan.order.side)
            assert (plan.order.price, plan.order.terms) == (quote.price, quote.terms)
    assert seen > CASES


@pytest.mark.parametrize("name", VARIANTS)
def test_each_step_says_what_it_has_changed(name):
    """The term of a step is what its factor adds to the depth it finds, and zero where the step asks for nothing."""
    for number, case in enumerate(cases(name, CASES)):
        rules = case.planner.rules
        plan = case.planner.plan(case.holding, replace(case.restraints, leaving=False))
        wanted = case.planner.quoter(case.planner.market, plan.inventory, case.planner.flow, case.planner.now_ms)
        widens = Regime.WIDEN in (wanted.regime, case.planner.regime)
        fades = case.restraints.depth_factor > 1 and not wanted.answers_losses
        for raw, quote in zip(wanted.sides, plan.quotes.sides, strict=True):
            assert isinstance(raw, Withheld) == isinstance(quote, Withheld), number
            if isinstance(quote, Withheld) or isinstance(raw, Withheld):
                continue
            terms, depth = quote.terms, raw.depth
            regime = (WIDEN_FACTOR - 1) * depth if widens else 0.0
            risk = (case.restraints.depth_factor - 1) * (depth + regime) if fades else 0.0
            user = (rules.depth_factor - 1) * (depth + regime + risk)
            assert terms.regime == pytest.approx(raw.terms.regime + regime, abs=1e-9 * depth), number
            assert terms.risk == pytest.approx(raw.terms.risk + risk, abs=1e-9 * depth), number
            assert terms.user_factor == pytest.approx(user, abs=1e-9 * depth), number
            assert tuple(terms)[:9] == tuple(raw.terms)[:9], number


def test_every_term_is_met():
    """The cases above reach every step and every part of a formula, so the laws are not laws about zeros."""
    met = {
        name
        for variant in VARIANTS
        for case in cases(variant, CASES)
        for quote in case.planner.plan(case.holding, case.restraints).quotes.sides
        if isinstance(quote, Quote)
        for name in quote.terms.as_dict()
    }
    assert met == set(Terms._fields) - {"fresh", "imbalance"}  # test_fresh, when an order is placed; test_anchor


def steps(depth: float, side: Side = Side.BID, **asked: object) -> dict[str, float]:
    """The terms, but for the model's own, of a quote at this depth."""
    touch = bool(asked.pop("at_touch", False))
    quote = priced(Quote(nan, Terms(level=depth)), side, MARKET, ETH, AS_IT_IS._replace(**asked), at_touch=touch)
    return {name: round(value, 9) for name, value in quote.terms.as_dict().items() if name != "level"}


def test_the_steps_by_hand():
    """Mid 3000.1: each step alone, then all together; a bid is rounded down, an ask up."""
    assert steps(1.0) == {}
    assert steps(1.03) == {"tick": 0.07}
    assert steps(1.03, Side.ASK) == {"tick": 0.07}
    assert steps(1.0, regime_factor=1.5) == {"regime": 0.5}
    assert steps(1.0, risk_factor=1.5) == {"risk": 0.5}
    assert steps(1.0, user_factor=0.7) == {"user_factor": -0.3}
    assert steps(20.0, bounds=DepthBounds(0.0, 50.0)) == {"bounds": -4.9995, "tick": 0.0995}
    assert steps(1.0, at_touch=True) == {"touch": -0.8}
    together = steps(1.0, regime_factor=1.5, risk_factor=2.0, user_factor=0.5, bounds=DepthBounds(0.0, 4.0))
    assert together == {"regime": 0.5, "risk": 1.5, "user_factor": -1.5, "bounds": -0.29996, "tick": 0.09996}


@pytest.mark.parametrize("depth", [nan, float("inf"), -float("inf")])
def test_a_depth_that_is_no_number_is_withheld(depth):
    """It has no price, and no terms that anything could be read from."""
    assert isinstance(priced(Quote(nan, Terms(level=depth)), Side.BID, MARKET, ETH, AS_IT_IS), Withheld)


def test_a_bid_below_zero_is_withheld():
    """Bounds so wide that the price would be none."""
    far = AS_IT_IS._replace(bounds=DepthBounds(0.0, 20_000.0))
    assert isinstance(priced(Quote(nan, Terms(level=4000.0)), Side.BID, MARKET, ETH, far), Withheld)
    assert priced(Quote(nan, Terms(level=4000.0)), Side.ASK, MARKET, ETH, far).price == pytest.approx(7000.1, abs=1)


def test_random_quotes_keep_bounds_up_to_a_tick():
    """Whatever depth and factors: not nearer than the least, further than the greatest by less than a tick."""
    rng = np.random.default_rng(7)
    for _ in range(500):
        low, high = np.sort(rng.uniform(0, 60, 2))
        side = list(Side)[int(rng.integers(2))]
        factors = rng.uniform(0.5, 3.0, 3)
        asked = Adjustments(*factors.tolist(), DepthBounds(float(low), float(high)))
        quote = priced(Quote(nan, Terms(room=float(rng.normal(0, 20)))), side, MARKET, ETH, asked)
        assert ETH.is_valid_price(quote.price)
        assert low * MID / 1e4 - 1e-9 <= quote.depth < high * MID / 1e4 + ETH.tick(quote.price) + 1e-9


def test_a_position_that_leaves_without_a_quote_of_the_model_stands_at_the_touch(planner):
    """There is nothing but the touch to tell of."""
    silent = replace(
        planner, quoter=lambda *_: Quotes(Sides(bid=Quote(nan, Terms(level=1.0)), ask=Quote(nan, Terms(level=nan))))
    )
    order = silent.plan(Holding(0.0333), Restraints(leaving=True)).order
    assert order.terms.as_dict() == pytest.approx({"touch": 0.05})
