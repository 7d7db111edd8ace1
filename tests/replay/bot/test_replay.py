"""A replayed bot does what the live loop does, knows nothing of the future, and its money adds up on both engines."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from market_making.guard.quote_guard import QuoteGuardRules
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.instrument import Instrument
from market_making.market.sides import Direction, Side, Sides
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.quote import Quote, Quotes
from market_making.quoting.terms import Terms
from market_making.recording.store.tick_store import TickStore
from market_making.replay.bot.bot import Bot
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import ReplaySetup, replay
from market_making.replay.engines.exchange import ExchangeEngine, WholeFillExchange
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.result import Outcome
from market_making.replay.tape.cache import TapeCache
from market_making.replay.tape.sessions import Span
from market_making.settings.settings import Settings
from market_making.trading.freqtrade.strategy_model import load_model
from market_making.trading.strategy_model import StrategyModel
from tests.replay.markets import START_MS, by_second, record

ETH = Instrument.hyperliquid("ETH", 4)
USER_DATA = Path(__file__).resolve().parents[3] / "user_data"
LAGS = Lags(feed_ms=50, decide_ms=30, entry_ms=40, response_ms=60, period_ms=1_000, pause_ms=20)
STOCK_LOOP = {"wake": False, "cancel_first": False, "fresh": False}


def two_away(market, inventory, flow, now_ms):
    """Quotes 2 USDC from mid, whatever happens."""
    return Quotes(Sides(*(Quote.at(side, market.mid, Terms(room=2.0), size=1.0) for side in Side)))


@pytest.fixture
def market_making(simulated_settings):
    """`MarketMaking`'s own model."""
    return StrategyModel(
        "MarketMaking", cartea_jaimungal_quoter(simulated_settings.model.cartea_jaimungal()), simulated_settings
    )


@pytest.fixture(params=["exchange", "hftbacktest"])
def engine(request):
    if request.param == "hftbacktest":
        pytest.importorskip("hftbacktest")
        return HftbacktestEngine
    return ExchangeEngine


def columns(result):
    """Everything a run says but how long it took."""
    return [
        (
            session._replace(fills=(), orders=(), touch=(), fundings=()),
            [c.tolist() for c in (*session.fills, *session.orders)],
        )
        for session in result.sessions
    ]


@pytest.mark.parametrize("two_sided", [False, True])
def test_money_is_that_of_the_fills_and_a_second_run_is_the_same(
    market_making, simulated_history, simulated_tape, engine, two_sided
):
    setup = ReplaySetup(market_making, ETH, simulated_history, engine, two_sided=two_sided)
    result = replay(setup, [simulated_tape])
    (session,) = result.sessions
    fills = session.fills
    assert len(fills.price) > 3
    assert session.decisions > 150
    value = (fills.sign * fills.size * (session.last_mid - fills.price)).sum() - fills.fee.sum()
    assert result.net == pytest.approx(value, abs=1e-9)
    assert session.position == pytest.approx((fills.sign * fills.size).sum(), abs=1e-9)
    by_order = np.bincount(fills.order, fills.size, len(session.orders.size))
    whole = session.orders.outcome == Outcome.FILLED
    assert by_order[whole] == pytest.approx(session.orders.size[whole])
    assert np.all(by_order[~whole] < session.orders.size[~whole])
    assert np.all(session.orders.placed_ms >= session.orders.asked_ms + Lags().entry_ms)
    bound = market_making.settings.model.maximum_inventory * 20.0 * 1.01
    assert np.all(np.abs(np.cumsum(fills.sign * fills.size)) * fills.price <= bound * (2 if two_sided else 1))
    if two_sided:
        assert set(session.orders.leg.tolist()) == {0, 1}
        first = [session.orders.sign[session.orders.leg == leg][0] for leg in (0, 1)]
        assert first == [1, -1], "the long leg begins with a bid, the short one with an ask"
    assert columns(replay(setup, [simulated_tape])) == columns(result)


@pytest.mark.parametrize("wakes", [True, False])
def test_the_end_of_an_own_order_begins_the_next_loop_at_once(
    market_making, simulated_history, simulated_tape, monkeypatch, wakes
):
    """The websocket tells of it while the loop runs, so that its pause is over when it begins, as live."""
    begun = []
    monkeypatch.setattr(Bot, "_plan", spied(Bot._plan, begun))
    edge = {"edge": market_making.settings.edge.model_copy(update={"wake": wakes})}
    model = replace(market_making, settings=market_making.settings.model_copy(update=edge))
    setup = ReplaySetup(model, ETH, simulated_history, ExchangeEngine, lambda: LagProfile(LAGS))
    (session,) = replay(setup, [simulated_tape]).sessions
    orders = session.orders
    answered_ms = LAGS.response_ms + LAGS.pause_ms
    moved = orders.outcome[:-1] == Outcome.CANCELLED
    moved &= orders.asked_ms[1:] - orders.ended_ms[:-1] <= LAGS.response_ms + LAGS.decide_ms  # in the same loop
    next_ms = orders.placed_ms[1:][moved] + answered_ms
    next_ms = next_ms[next_ms < session.end_ms]
    assert len(next_ms) > 10
    # A loop whose order is too close by then cancels it before it plans.
    at_once = np.isin(next_ms, begun) | np.isin(next_ms + LAGS.entry_ms + LAGS.response_ms, begun)
    assert at_once.all() if wakes else not at_once.any()


def spied(plan, begun):
    """The method, which notes when it was called."""

    def noting(self, now_ms, heard_ms):
        begun.append(now_ms)
        return plan(self, now_ms, heard_ms)

    return noting


@pytest.mark.parametrize("name", ["MarketMaking", "AvellanedaStoikov", "LadderCurve"])
def test_both_engines_fill_the_same_orders(name, simulated_settings, simulated_history, simulated_tape):
    """Each drives a bot of its own, both fill orders whole, and what they pay at the full hour is the same."""
    pytest.importorskip("hftbacktest")
    model = load_model(name, simulated_settings, {}, USER_DATA)
    runs = [
        replay(ReplaySetup(model, ETH, simulated_history, kind, funding_rate=0.001), [simulated_tape]).sessions[0]
        for kind in (WholeFillExchange, HftbacktestEngine)
    ]
    seen = [by_second(run.fills) for run in runs]
    assert len(seen[0] & seen[1]) >= 0.97 * max(map(len, seen))
    assert runs[0].net == pytest.approx(runs[1].net, rel=0.02)
    paid, also_paid = (run.fundings for run in runs)
    assert also_paid.time_ms.tolist() == paid.time_ms.tolist() == [START_MS + 90_000]
    assert also_paid.amount == pytest.approx(paid.amount, rel=1e-3)  # the exchange's price is up to 3 s old


def test_nothing_after_a_moment_changes_a_decision_before_it(
    market_making, simulated_history, simulated_tape, simulated_store, tapes, engine
):
    """The market after the cut is another one; every order asked for before it is the same."""
    cut_ms = START_MS + 120_000
    setup = ReplaySetup(market_making, ETH, simulated_history, engine)
    whole = replay(setup, [simulated_tape]).sessions[0].orders
    shorter = TapeCache(simulated_store, tapes).session(ETH, Span(simulated_tape.span.start_ms, cut_ms))
    part = replay(setup, [shorter]).sessions[0].orders
    before = whole.asked_ms < cut_ms - 100
    assert np.count_nonzero(before) > 5
    for name in ("asked_ms", "placed_ms", "sign", "price", "size", "mid"):
        assert getattr(part, name)[: np.count_nonzero(before)].tolist() == getattr(whole, name)[before].tolist()


def book(after_ms, mid):
    sides = [tuple(Level(round(mid + s * (0.1 + 0.1 * i), 1), 5.0) for i in range(5)) for s in (-1, 1)]
    return BookSnapshot("ETH", START_MS + after_ms, *sides)


@pytest.fixture
def loop_of(simulated_history, tmp_path, tapes, engine):
    """A bot that quotes 2 USDC from mid over a market by hand, with its lags; orders and fills in ms from the start."""
    table = simulated_history.table
    created = table.schema.get_field_index("created_ms")
    history = replace(
        simulated_history, table=table.slice(0, 1).set_column(created, "created_ms", [[START_MS - 1_000]])
    )

    def run(*events, edge=STOCK_LOOP, sides="alternate", end_ms=30_000, guard=None):
        rows = [book(0, 3000.0), *events, Trade("ETH", START_MS + end_ms + 5_000, Direction.BUY, 3000.1, 0.1, "1")]
        root = tmp_path / f"ticks{len(list(tmp_path.iterdir()))}"
        store = TickStore(record(root, "ETH", [*rows, book(end_ms + 5_000, 3000.0)]))
        tape = TapeCache(store, tapes).session(ETH, Span(START_MS, START_MS + end_ms))
        section = {"sides": sides, "edge": edge, "model": {"order_notional": 100.0, "maximum_inventory": 1}}
        model = StrategyModel("TwoAway", two_away, Settings.from_section(section))
        setup = ReplaySetup(model, ETH, history, engine, lags=lambda: LagProfile(LAGS), guard=guard)
        (session,) = replay(setup, [tape]).sessions
        orders = session.orders
        times = (orders.asked_ms - START_MS, orders.placed_ms - START_MS, orders.ended_ms - START_MS)
        return [*zip(*(c.tolist() for c in (*times, orders.sign, orders.price, orders.outcome)), strict=True)]

    return run


def sold(after_ms, price):
    return Trade("ETH", START_MS + after_ms, Direction.SELL, price, 50.0, str(after_ms))


def test_an_order_is_placed_after_its_way_to_the_exchange(loop_of):
    ((asked, placed, ended, sign, price, outcome),) = loop_of(sides="long_only", end_ms=10_000)
    assert (asked, placed) == (30, 70), "decided 30 ms after the loop began, then on its way for 40"
    assert (ended, sign, price, outcome) == (10_000, 1, 2998.0, Outcome.OPEN)


def test_a_fill_is_seen_in_the_next_loop_and_answered_in_it(loop_of):
    first, second, *_ = loop_of(sold(4_100, 2997.0))
    assert first[2:] == (4_100, 1, 2998.0, Outcome.FILLED)
    assert second[:2] == (5_030, 5_070), "the loop of second 5 asks about the order and plans again"
    assert second[3:5] == (-1, 3002.0)


def test_news_of_a_fill_begin_the_next_loop_at_once(loop_of):
    first, second, *_ = loop_of(sold(4_100, 2997.0), edge=STOCK_LOOP | {"wake": True})
    assert first[2] == 4_100
    assert second[:2] == (4_100 + 50 + 30, 4_100 + 50 + 30 + 40), "heard 50 ms later, decided 30 ms after that"


def test_an_order_that_mid_has_left_is_cancelled_and_replaced_a_round_trip_later(loop_of):
    first, second, *_ = loop_of(book(6_500, 3003.0), sides="long_only")
    assert first[2] == 7_030 + 40, "its cancellation arrives 40 ms after the loop of second 7 has decided"
    assert first[5] == Outcome.CANCELLED
    assert second[:2] == (7_130, 7_170), "placed when the answer is back"
    assert second[4] == 3001.0


def test_an_order_is_kept_for_its_minimum_life(loop_of):
    first, second, *_ = loop_of(book(600, 3003.0), sides="long_only")
    assert first[2] >= 70 + 2_000
    assert second[4] == 3001.0


def test_a_stale_order_is_cancelled_when_mid_comes_close(loop_of):
    edge = STOCK_LOOP | {"wake": True, "cancel_first": True}
    first, second, *_ = loop_of(book(6_300, 2998.9), edge=edge, sides="long_only")
    assert first[2] == 6_300 + 50 + 40, "heard 50 ms later, and cancelled before anything is planned"
    assert second[1] > first[2]
    assert second[4] == 2996.9


@pytest.mark.parametrize(("wake", "again_ms"), [(False, 7_030), (True, 6_350 + 30 + 40 + 60)])
def test_the_guard_cancels_between_two_loops(loop_of, wake, again_ms):
    """It hears of the mid 50 ms later, and its cancellation is on its way for 40.

    The bot sees it in its next loop; where it has been woken as well, it decides 30 ms later, and cancels in vain.
    """
    edge, events = STOCK_LOOP | {"wake": wake, "address_budget": False}, (book(6_300, 2998.9), book(25_000, 2998.8))
    guard = QuoteGuardRules(actions=0.0)
    first, second, *_ = loop_of(*events, edge=edge, sides="long_only", guard=guard)
    assert first[2] == 6_300 + 50 + 40
    assert first[5] == Outcome.CANCELLED
    assert (second[0], second[4]) == (again_ms, 2996.9)
    alone, *_ = loop_of(*events, edge=STOCK_LOOP | {"address_budget": False}, sides="long_only")
    assert alone[2] == 7_030 + 40


def test_the_guard_leaves_an_order_whose_actions_cost_more(loop_of):
    edge, event = STOCK_LOOP | {"address_budget": False}, book(6_300, 2998.9)
    first, *_ = loop_of(event, edge=edge, sides="long_only", guard=QuoteGuardRules(action_price=1e3))
    assert first[2] == 7_030 + 40


def test_a_price_follows_the_touch_of_the_book_before_the_order(loop_of):
    """The book moves between the plan and the order, which the plan has not yet heard of."""
    stock = loop_of(sold(500, 2997.0), book(960, 3001.0), end_ms=9_000)
    fresh = loop_of(sold(500, 2997.0), book(960, 3001.0), edge=STOCK_LOOP | {"fresh": True}, end_ms=9_000)
    assert (stock[1][4], fresh[1][4]) == (3002.0, 3003.0)


def test_an_order_that_would_take_when_it_arrives_is_refused_and_placed_again(loop_of):
    first, second, *_ = loop_of(book(45, 2997.0), sides="long_only", end_ms=9_000)
    assert first[3:] == (1, 2998.0, Outcome.REFUSED)
    assert second[:1] == (1_030,)
    assert second[4] == 2995.0
