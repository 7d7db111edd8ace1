"""A remembered plan is the one that would be made now, and it is remembered where it may be."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.market.instrument import Instrument
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side, Sides
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.quote import Quotes
from market_making.quoting.risk.toxicity import Regime
from market_making.quoting.value.quote_table import CarteaJaimungalSettings, solve_table
from market_making.trading.actions.budget import Patience
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.plan import Planner
from market_making.trading.plan_memo import PlanMemo
from market_making.trading.rules import Restraints

from .conftest import FLOW, MARKET, RULES

ETH = Instrument.hyperliquid("ETH", 4)
MODEL = CarteaJaimungalSettings(pause_toxicity=10.0, widen_toxicity=10.0)
MID = (MARKET.bid_price + MARKET.ask_price) / 2
QUOTERS = tuple(
    cartea_jaimungal_quoter(model).over(solve_table(FLOW, MID, model), MID)
    for model in (MODEL, replace(MODEL, session_s=600.0))
)
ANCHORED = replace(FLOW, imbalance_response=0.3)
LOCKED = Because(Reason.PAIR_LOCKED, "locked")

resting = st.builds(
    RestingOrder,
    order_id=st.just("1"),
    side=st.sampled_from(Side),
    price=st.sampled_from([MID - 3.0, MID - 0.5, MID + 0.5, MID + 3.0]),
    remaining=st.sampled_from([0.0333, 0.05]),
    filled=st.just(0.0),
    placed_ms=st.just(995_000),
)
holdings = st.builds(Holding, coins=st.sampled_from([0.0, 0.0333, -0.0333]), resting=st.none() | resting)
restraints = st.builds(
    Restraints,
    closed=st.sampled_from([Sides(None, None), Sides(LOCKED, None)]),
    leaving=st.booleans(),
    saving=st.booleans(),
    depth_factor=st.sampled_from([1.0, 1.5]),
    patience=st.sampled_from([Patience(), Patience(2.0, 2.0, 1e-4), Patience(1.0, 1.0, 1e-7)]),
)
planners = st.builds(
    Planner,
    instrument=st.just(ETH),
    market=st.sampled_from([MARKET, MARKET._replace(bid_price=MARKET.bid_price - 0.1), MARKET._replace(bid_size=9.0)]),
    flow=st.sampled_from([FLOW, ANCHORED]),
    quoter=st.sampled_from(QUOTERS),
    lot=st.just(0.0333),
    rules=st.just(RULES),
    now_ms=st.sampled_from([995_500, 997_000, 999_000, 1_015_000]),
    regime=st.sampled_from([Regime.QUOTE, Regime.QUOTE, Regime.WIDEN, Regime.PAUSE]),
)
steps = st.lists(st.tuples(planners, holdings, restraints), min_size=2, max_size=4)


@given(steps=steps, repeats=st.lists(st.integers(0, 3), min_size=12, max_size=12))
@settings(max_examples=150, deadline=None)
def test_it_says_what_the_planner_says(steps, repeats):
    memo = PlanMemo()
    for place in repeats:
        planner, holding, held = steps[place % len(steps)]
        assert memo.plan(planner, holding, held) == planner.plan(holding, held)


@pytest.fixture
def counted():
    """A planner, and how often its model has been asked."""
    asked = []

    class Counted:
        def __call__(self, *arguments):
            asked.append(arguments)
            return QUOTERS[0](*arguments)

        def reads(self, market, now_ms):
            return QUOTERS[0].reads(market, now_ms)

    return Planner(ETH, MARKET, FLOW, Counted(), 0.0333, RULES, now_ms=1_000_000), asked


def test_while_nothing_changes_the_model_is_asked_once(counted):
    planner, asked = counted
    memo, order = PlanMemo(), RestingOrder("1", Side.BID, MID - 3.0, 0.0333, 0.0, 990_000)
    for later_ms in range(0, 10_000, 1_000):
        memo.plan(replace(planner, now_ms=planner.now_ms + later_ms), Holding(resting=order), Restraints())
    assert len(asked) == 1
    memo.plan(replace(planner, market=MARKET._replace(ask_price=MARKET.ask_price + 0.1)), Holding(), Restraints())
    assert len(asked) == 2


@pytest.mark.parametrize(("anchors", "times"), [(True, 2), (False, 1)])
def test_sizes_are_a_change_only_where_quotes_follow_them(counted, anchors, times):
    planner, asked = counted
    flow, rules = replace(FLOW, imbalance_response=0.5), replace(RULES, anchors=anchors)
    memo, planner = PlanMemo(), replace(planner, flow=flow, rules=rules)
    for size in (1.0, 5.0):
        memo.plan(replace(planner, market=MARKET._replace(bid_size=size)), Holding(), Restraints())
    assert len(asked) == times


def test_a_model_that_does_not_say_what_it_reads_is_asked_every_time():
    asked = []

    def model(market, inventory, flow, now_ms):
        asked.append(now_ms)
        return Quotes.none(Because(Reason.MODEL_WITHHOLDS, "nothing"))

    planner, memo = Planner(ETH, MARKET, FLOW, model, 0.0333, RULES, now_ms=0), PlanMemo()
    for _ in range(3):
        memo.plan(planner, Holding(), Restraints())
    assert len(asked) == 3
