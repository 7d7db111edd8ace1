"""A plan made again from the log is the logged plan, to the last bit."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from market_making.market.errors import MalformedMessage
from market_making.market.events import Level
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.quoting.quote import MarketView
from market_making.quoting.readings.observations import Observations, RiskLevel
from market_making.quoting.risk.rules import Verdict
from market_making.quoting.risk.toxicity import Regime
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.decision_log import DecisionLog, Event, log_files, read_decisions
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.holding import Holding, RestingOrder
from market_making.trading.journal import Journal
from market_making.trading.remade import remade
from tests.trading.conftest import eth_planner

PAIR = "ETH/USDC:USDC"
PLANNER = eth_planner()  # one for all examples: its tables depend on the mids that were seen before
prices = some.floats(2000.0, 4000.0)
sizes = some.floats(0.001, 50.0)


@some.composite
def markets(draw):
    """A book with its readings."""
    bid = draw(prices)
    ask = bid + draw(some.floats(0.01, 5.0))
    levels = [(Level(price, draw(sizes)),) for price in (bid, ask)]
    observed = Observations(
        *levels,
        bias=draw(some.floats(-1, 1)),
        volatility=draw(some.none() | some.floats(0.01, 2.0)),
        risk_level=draw(some.sampled_from(RiskLevel)),
    )
    return MarketView(bid, draw(sizes), ask, draw(sizes), draw(some.integers(10**12, 2 * 10**12)), observed)


@some.composite
def holdings(draw):
    """Flat or not, with an order resting or not."""
    resting = some.builds(
        RestingOrder,
        some.just("1"),
        some.sampled_from(Side),
        prices,
        sizes,
        some.floats(0, 1),
        some.integers(0, 2**40),
        average=some.none() | prices,
    )
    return Holding(draw(some.floats(-0.1, 0.1)), draw(some.none() | resting), draw(some.integers(0, 500)))


@settings(max_examples=200)
@given(
    market=markets(),
    holding=holdings(),
    regime=some.sampled_from(Regime),
    other_leg=some.none() | some.floats(-0.1, 0.1),
    response=some.sampled_from([0.0, 0.3, -2.0]),
    actions=some.integers(0, 60),
    verdict=some.builds(
        Verdict,
        some.sampled_from([(), (Because(Reason.DRAWDOWN, "fallen"),)]),
        leaving=some.booleans(),
        holds=some.booleans(),
        depth_factor=some.floats(1.0, 3.0),
    ),
)
def test_a_plan_made_again_from_its_line_is_the_same(
    tmp_path_factory, market, holding, regime, other_leg, response, actions, verdict
):
    """Whatever was seen, held and allowed: every number of both quotes, of the order and of the reason."""
    folder = tmp_path_factory.mktemp("log")
    planner = replace(PLANNER, flow=replace(PLANNER.flow, imbalance_response=response))
    budget = ActionBudget(60)
    budget.spend(actions, market.time_ms)
    desk = Desk(budget, 400, Journal(DecisionLog(folder, "bot", "run")))
    seen = replace(planner, market=market, now_ms=market.time_ms + 40, regime=regime, other_leg=other_leg)
    desk.open(PAIR, PairInputs(seen, "c", verdict=verdict), holding)
    ((line, made),) = plans = list(remade(read_decisions(*log_files(folder, "bot")), lambda *_: planner.quoter))
    assert plans[0].is_equal
    known = desk.made(PAIR)
    assert known_parts(made) == known_parts(known)
    assert line["budget_left"] == known.budget_left


def known_parts(made):
    """What must come back of a plan; the model is made by the caller."""
    return made.plan, replace(made.planner, quoter=None), made.holding, made.restraints


def test_a_published_table_comes_back_with_the_plan(tmp_path, planner):
    """The caller need not know it: quotes come from the table in the log, whatever the model would solve."""
    mid, table = planner.quoter.table_for(planner.flow, planner.market.mid)
    wider = replace(table, depths=table.depths.map(lambda depths: depths + 0.7))
    published = replace(planner, quoter=planner.quoter.over(wider, mid))
    desk = Desk(ActionBudget(60), 400, Journal(DecisionLog(tmp_path, "bot", "run")))
    for holding in (Holding(), Holding(0.05), Holding(-0.0999)):
        desk.open(PAIR, PairInputs(published, "c"), holding)
    lines = list(read_decisions(*log_files(tmp_path, "bot")))
    plans = list(remade(lines, lambda *_: eth_planner().quoter))
    assert [each.is_equal for each in plans] == [True] * 3
    (basis,) = (line for line in lines if line["event"] is Event.BASIS)
    assert basis["table"]["inventory"] == [-3, -2, -1, 0, 1, 2, 3]
    assert None in basis["table"]["ask_depth"][0]


def test_the_smallest_difference_is_found(tmp_path, planner):
    """One bit of one number of a line, and the plan is another."""
    desk = Desk(ActionBudget(60), 400, Journal(DecisionLog(tmp_path, "bot", "run")))
    desk.open(PAIR, PairInputs(planner, "c"), Holding())
    lines = list(read_decisions(*log_files(tmp_path, "bot")))
    changed = orjson.loads(orjson.dumps(lines[-1]["quotes"]))
    changed["sides"]["ask"]["price"] += 1e-12 * changed["sides"]["ask"]["price"]
    assert [each.is_equal for each in remade(lines, lambda *_: planner.quoter)] == [True]
    lines[-1] = lines[-1] | {"quotes": changed}
    assert [each.is_equal for each in remade(lines, lambda *_: planner.quoter)] == [False]


def test_the_model_is_made_from_the_run_and_the_basis(tmp_path, planner):
    """What the caller needs to make it again: which strategy, and what seldom changes."""
    asked = []
    header = {"strategy": "MarketMaking", "parameters": {"depth_factor": 1.0}}
    desk = Desk(ActionBudget(60), 400, Journal(DecisionLog(tmp_path, "bot", "run", lambda: header)))
    desk.open(PAIR, PairInputs(planner, "c"), Holding())

    def quoter_of(run, basis):
        asked.append((run["strategy"], run["parameters"], basis["calibration_id"]))
        return planner.quoter

    assert all(each.is_equal for each in remade(read_decisions(*log_files(tmp_path, "bot")), quoter_of))
    assert asked == [("MarketMaking", {"depth_factor": 1.0}, "c")]


def test_a_plan_without_its_basis_is_refused(tmp_path, planner):
    """As in a log whose beginning is missing."""
    desk = Desk(ActionBudget(60), 400, Journal(DecisionLog(tmp_path, "bot", "run")))
    desk.open(PAIR, PairInputs(planner, "c"), Holding())
    lines = [line for line in read_decisions(*log_files(tmp_path, "bot")) if line["event"] is not Event.BASIS]
    with pytest.raises(MalformedMessage, match="has no basis"):
        list(remade(lines, lambda *_: planner.quoter))
