"""A run whose truth is known, held against its log: every order is found again, every plan, and every latency."""

from dataclasses import replace

import numpy as np
import orjson
import pytest

from market_making.market.errors import NotEnoughData
from market_making.market.instrument import Instrument
from market_making.market.sides import Side
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.engines.exchange import ExchangeEngine
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.reconciliation.free import free_replay
from market_making.replay.reconciliation.lags import measured_lags
from market_making.replay.reconciliation.logged import LoggedOrder, LoggedRun, find_logs, footprint_of, read_run
from market_making.replay.reconciliation.quotes import match_quotes
from market_making.replay.result import Outcome
from market_making.trading.decision_log import DecisionLog, Event
from market_making.trading.remade import remade
from market_making.trading.strategy_model import StrategyModel

ETH = Instrument.hyperliquid("ETH", 4)
LAGS = Lags(feed_ms=30, decide_ms=40, entry_ms=60, response_ms=25, period_ms=1_000)


@pytest.fixture(scope="module")
def model(simulated_settings):
    quoter = cartea_jaimungal_quoter(simulated_settings.model.cartea_jaimungal())
    return StrategyModel("MarketMaking", quoter, simulated_settings)


@pytest.fixture(scope="module")
def setup(model, simulated_history):
    return ReplaySetup(model, ETH, simulated_history, ExchangeEngine, lambda: LagProfile(LAGS))


@pytest.fixture(scope="module")
def run(setup, simulated_tape, tmp_path_factory):
    """The log of a run, and the orders as the exchange knows them."""
    folder = tmp_path_factory.mktemp("run")
    log = DecisionLog(folder / "decisions", "bot", "first", lambda: {"strategy": "MarketMaking"})
    (session,) = replay(replace(setup, log=log), [simulated_tape]).sessions
    return folder, session


@pytest.fixture
def logged(run):
    return read_run(find_logs(run[0]))


@pytest.mark.parametrize("engine", [ExchangeEngine, HftbacktestEngine])
def test_the_logged_quotes_are_filled_as_they_were(run, logged, simulated_tape, engine):
    if engine is HftbacktestEngine:
        pytest.importorskip("hftbacktest")
    _, session = run
    found = match_quotes(logged, [simulated_tape], ETH, 0.00015, engine)
    whole = int(np.sum(session.orders.outcome == Outcome.FILLED))
    assert found.fills_live >= whole - 1, "the log ends before the last fill is seen"
    assert found.fills_live > 5
    assert (found.fills_matched, found.fills_extra, found.causes) == (found.fills_live, 0, {})
    assert found.sizes_equal == found.fills_live
    assert found.net_replayed == pytest.approx(found.net_live, rel=0.01)
    assert (found.matched_live, found.matched_replayed) == pytest.approx((found.net_live, found.net_replayed))


def test_every_plan_comes_out_of_the_log_again(run, logged, model):
    plans = list(remade(logged.lines, lambda *_: model.quoter))
    assert len(plans) > 10
    assert all(plan.is_equal for plan in plans)


def test_the_latencies_that_come_out_are_those_that_went_in(logged):
    measured = measured_lags(logged)
    assert set(measured["entry_ms"]) == {LAGS.entry_ms}
    assert np.median(measured["decide_ms"]) == LAGS.decide_ms
    assert np.median(measured["response_ms"]) == LAGS.response_ms
    assert LAGS.response_ms <= measured["feed_ms"].item() <= LAGS.feed_ms, "a book that came with an answer is younger"
    drawn = LagProfile(Lags(), measured).draw()
    assert (drawn.entry_ms, drawn.response_ms) == (LAGS.entry_ms, LAGS.response_ms)


def test_a_live_loop_is_not_counted_twice():
    """Its cancellation bears the time of its plan: what came before the request belongs to the time to decide."""
    begun = {"now_ms": 10_000, "market": {"time_ms": 9_970}}
    lines = [
        *LINES[:3],
        line(4, "plan", 10_000, **begun),
        line(5, "cancel", 10_000, **ORDER),
        line(6, "place", 10_190, side="bid", price=2999.0, size=1.0, plan=4),
        line(7, "cancelled", 10_300, **ORDER, ended_ms=10_150),
        line(8, "placed", 10_300, **ORDER | {"order_id": "8"}, placed_ms=10_260, place=6),
        line(9, "cancel", 20_000, **ORDER | {"order_id": "8"}),
        line(10, "plan", 20_075, **begun),
        line(11, "place", 20_135, side="bid", price=2998.0, size=1.0, plan=10),
        line(12, "cancelled", 20_300, **ORDER | {"order_id": "8"}, ended_ms=20_065),
        line(13, "placed", 20_300, **ORDER | {"order_id": "9"}, placed_ms=20_205, place=11),
    ]
    measured = measured_lags(LoggedRun(lines[0], lines, "ETH"))
    assert measured["response_ms"].tolist() == [40.0, 10.0]
    assert measured["decide_ms"].tolist() == [60.0]
    assert sorted(measured["entry_ms"]) == [40.0, 65.0, 70.0, 70.0]


def test_a_free_replay_with_them_comes_to_the_same_sums(run, logged, setup, simulated_tape):
    measured = measured_lags(logged)
    sums = free_replay(logged, replace(setup, lags=lambda: LagProfile(Lags(), measured)), [simulated_tape])
    for name in ("fills", "orders", "volume"):
        assert sums[name].least <= sums[name].replayed <= sums[name].most
        assert sums[name].replayed == pytest.approx(sums[name].live, rel=0.25)


def test_it_says_how_far_the_sums_go_with_chance(logged, setup, simulated_tape):
    """Woken by its own orders a loop soon forgets when the first began: what the latencies draw is chance, too."""
    lags = {"entry_ms": np.array([20.0, 60.0, 200.0]), "decide_ms": np.array([10.0, 150.0])}
    sums = free_replay(logged, replace(setup, lags=lambda: LagProfile(Lags(), lags)), [simulated_tape])
    assert sums["net"].least < sums["net"].replayed < sums["net"].most
    again = free_replay(logged, replace(setup, lags=lambda: LagProfile(Lags(), lags)), [simulated_tape])
    assert again == sums
    profile = LagProfile(Lags(), lags)
    one, other, once_more = ([made.draw() for _ in range(9)] for made in map(profile.drawn_by, (0, 1, 0)))
    assert once_more == one != other


def test_its_own_orders_are_known_by_their_parts(logged):
    footprint = logged.footprint()
    assert len(footprint.price) >= len(logged.orders)
    assert np.all(footprint.end_ms >= footprint.start_ms)
    assert {order.price for order in logged.orders} == set(footprint.price.tolist())


def line(sequence, event, time_ms, **values):
    return {"sequence": sequence, "time_ms": time_ms, "run": "a", "event": Event(event), "coin": "ETH", **values}


ORDER = {"order_id": "7", "side": "bid", "price": 3000.0, "size": 1.0}
LINES = [
    line(1, "run", 0),
    line(2, "place", 1_000, side="bid", price=3000.0, size=1.0, tag="open"),
    line(3, "placed", 1_200, **ORDER, placed_ms=1_040, place=2),
    line(4, "fill", 3_000, **ORDER | {"size": 0.4}, fee=0.1),
    line(5, "cancel", 5_000, **ORDER),
    line(6, "cancelled", 6_000, **ORDER),
]


def test_the_life_of_an_order_is_told_in_the_exchanges_time():
    run = LoggedRun(LINES[0], LINES, "ETH")
    (order,) = run.orders
    assert (order.side, order.asked_ms, order.placed_ms, order.tag) == (Side.BID, 1_000, 1_040, "open")
    assert run.ended_ms(order) == 5_040, "its cancellation took as long as its placement had"
    footprint = run.footprint()
    assert footprint.start_ms.tolist() == [1_040, 3_000]
    assert footprint.end_ms.tolist() == [3_000, 5_040]
    assert footprint.size.tolist() == pytest.approx([1.0, 0.6])


def test_the_exchanges_own_time_of_an_end_wins():
    lines = [*LINES[:-1], line(6, "cancelled", 6_000, **ORDER, ended_ms=5_013)]
    run = LoggedRun(lines[0], lines, "ETH")
    assert run.ended_ms(run.orders[0]) == 5_013
    assert run.footprint().end_ms.tolist() == [3_000, 5_013]


def test_the_orders_of_the_other_leg_are_taken_out_too(tmp_path):
    """A bot must not follow the other leg's orders either; what rested at another time or of another coin is left."""
    logs = []
    for leg, moved in (("long", {}), ("short", {"side": "ask", "price": 3001.0}), ("other", {"coin": "BTC"})):
        logs.append(tmp_path / f"{leg}.jsonl")
        lines = [{**each, "run": leg, **(moved if "price" in each else {})} for each in LINES]
        logs[-1].write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in lines))
    logs.append(tmp_path / "later.jsonl")
    later = [{**each, "run": "later", "time_ms": each["time_ms"] + 60_000} for each in LINES]
    logs[-1].write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in later))
    run = read_run(logs, run="long", coin="ETH")
    own = footprint_of(logs, run)
    assert own.price.tolist() == [3000.0, 3000.0, 3001.0, 3001.0]
    assert own.sign.tolist() == [1, 1, -1, -1]
    assert own.of(Side.BID).size.tolist() == pytest.approx([1.0, 0.6])


def test_the_guard_knows_earlier_that_an_order_is_gone():
    lines = [each for each in LINES if each["event"] is not Event.CANCEL]
    run = LoggedRun(lines[0], lines, "ETH")
    assert run.ended_ms(run.orders[0]) == 6_000, "without anybody's word, when the bot has seen it"
    guard = [
        {"order_id": "7", "event": "cancel", "time_ms": 4_500},
        {"order_id": "7", "event": "cancelled", "time_ms": 4_520},
    ]
    run = LoggedRun(lines[0], lines, "ETH", guard)
    assert run.ended_ms(run.orders[0]) == 4_520


def test_an_order_that_took_is_none_that_rested():
    lines = [*LINES[:3], line(4, "fill", 3_000, **ORDER, is_taker=True)]
    assert LoggedRun(lines[0], lines, "ETH").orders == ()


def test_why_an_order_was_filled_on_one_side_only_is_said(logged, simulated_tape):
    """Orders far from any print, and one that the log does not know as filled."""
    life = logged.orders[0].placed_ms, logged.orders[0].placed_ms + 20_000
    ways = {"asked_ms": life[0] - 60, "placed_ms": life[0], "cancel_ms": life[1] - 60, "gone_ms": life[1] + 50}
    never = LoggedOrder("1", Side.BID, 1_000.0, 0.01, "open", fills=list(logged.orders[0].fills), **ways)
    never.fills[:] = [fill for order in logged.orders for fill in order.fills][:1]
    near = LoggedOrder("2", Side.BID, simulated_tape.touch().bid.max().item(), 0.01, "open", fills=[], **ways)

    class Doctored(LoggedRun):
        orders = (never, near)

    found = match_quotes(Doctored(logged.header, logged.lines, "ETH"), [simulated_tape], ETH, 0.0, ExchangeEngine)
    assert (found.fills_live, found.fills_matched) == (1, 0)
    assert "filled live only: no print of the recording reached it" in found.causes


def test_what_is_no_log_or_holds_no_orders_is_refused(tmp_path):
    with pytest.raises(NotEnoughData, match="must be a decision log"):
        find_logs(tmp_path)
    log = DecisionLog(tmp_path, "bot", "only", lambda: {})
    log.write(Event.STOP, 1, {})
    with pytest.raises(NotEnoughData, match="has placed orders, runs with orders are: none"):
        read_run(find_logs(tmp_path))
