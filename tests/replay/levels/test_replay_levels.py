"""Ladders in full over simulated tapes: money adds up, the bound holds, nothing is known of the future."""

import numpy as np
import pytest

from market_making.market.errors import ConfigurationError
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.bot.run import ReplaySetup
from market_making.replay.engines.exchange import ExchangeEngine, WholeFillExchange
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.levels.run import has_levels, replay_levels
from market_making.replay.result import Outcome
from market_making.replay.tape.cache import TapeCache
from market_making.replay.tape.sessions import Span
from market_making.trading.freqtrade.strategy_model import load_model
from tests.replay.levels.ladders_of_tests import ETH, LADDERS, USER_DATA, settings_of
from tests.replay.markets import START_MS, by_second

ENGINES = {kind.name: kind for kind in (ExchangeEngine, WholeFillExchange, HftbacktestEngine)}
CLOSE = {"LadderSpot": {"step_bps": 1.5}, "LadderCurve": {"step_bps": 1.5}, "DepthAware": {"tiers": 8}}


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param == "hftbacktest":
        pytest.importorskip("hftbacktest")
    return ENGINES[request.param]


@pytest.fixture
def setup_of(simulated_store, simulated_history):
    """A setup of a strategy by name."""

    def made(name, engine, **section):
        model = load_model(name, settings_of(simulated_store, **section), CLOSE.get(name, {}), USER_DATA)
        return ReplaySetup(model, ETH, simulated_history, engine)

    return made


def columns(session):
    return [column.tolist() for part in (session.orders, session.fills) for column in part]


def reached(session, sign):
    """The position if all orders of a side were filled that rest at a time, at every placement [coins]."""
    fills, orders = session.fills, session.orders
    found = []
    for time_ms in np.unique(orders.placed_ms):
        held = float(np.sum((fills.sign * fills.size)[fills.time_ms <= time_ms]))
        rests = (orders.placed_ms <= time_ms) & (orders.ended_ms > time_ms) & (orders.sign == sign)
        rests &= orders.outcome != Outcome.REFUSED
        before = fills.time_ms <= time_ms
        filled = np.bincount(fills.order[before], fills.size[before], len(orders.size))
        found.append(sign * held + float(np.sum((orders.size - filled)[rests])))
    return np.array(found)


@pytest.mark.parametrize("name", ["LadderSpot", "LadderCurve", "DepthAware"])
def test_money_adds_up_and_no_side_can_pass_the_bound(setup_of, simulated_tape, engine, name):
    setup = setup_of(name, engine)
    result = replay_levels(setup, [simulated_tape])
    (session,) = result.sessions
    assert result.strategy == f"{name}:all-levels"
    assert len(session.fills.price) > 5
    accounts = Accounts(result)  # refuses money that does not add up
    assert accounts.money(1.0).net == pytest.approx(session.net, abs=1e-9)
    mids = np.asarray(setup.history.column("mid"), dtype=float)
    bound = 3 * ETH.size(100.0 / mids.min())
    for sign in (1, -1):
        assert reached(session, sign).max() <= bound * (1 + 1e-9)
        together = session.orders.placed_ms[session.orders.sign == sign]
        assert np.max(np.unique(together, return_counts=True)[1]) > 2, "several orders of one request"
    assert np.all(session.orders.size * session.orders.price >= ETH.minimum_notional)
    assert columns(replay_levels(setup, [simulated_tape]).sessions[0]) == columns(session)


@pytest.mark.parametrize("name", ["LadderSpot", "DepthAware"])
def test_both_engines_fill_the_same_orders(setup_of, simulated_tape, name):
    """Each drives a maker of its own, and both fill orders whole."""
    pytest.importorskip("hftbacktest")
    runs = [
        replay_levels(setup_of(name, kind), [simulated_tape]).sessions[0]
        for kind in (WholeFillExchange, HftbacktestEngine)
    ]
    seen = [by_second(run.fills) for run in runs]
    assert len(seen[0] & seen[1]) >= 0.97 * max(map(len, seen))
    assert runs[0].net == pytest.approx(runs[1].net, rel=0.02)


def test_nothing_after_a_moment_changes_what_was_asked_for_before(
    setup_of, simulated_tape, simulated_store, tapes, engine
):
    cut_ms = START_MS + 120_000
    setup = setup_of("LadderSpot", engine)
    whole = replay_levels(setup, [simulated_tape]).sessions[0].orders
    shorter = TapeCache(simulated_store, tapes).session(ETH, Span(simulated_tape.span.start_ms, cut_ms))
    part = replay_levels(setup, [shorter]).sessions[0].orders
    before = np.count_nonzero(whole.asked_ms < cut_ms - 100)
    assert before > 20
    for name in ("asked_ms", "placed_ms", "sign", "price", "size", "mid"):
        assert getattr(part, name)[:before].tolist() == getattr(whole, name)[:before].tolist()


def test_the_actions_of_all_orders_keep_to_the_budget(setup_of, simulated_tape):
    """Ten a minute and one minute saved up; what is too close is cancelled all the same, so cancels may go beyond."""
    setup = setup_of("LadderSpot", ExchangeEngine, actions_per_minute=10.0)
    (session,) = replay_levels(setup, [simulated_tape]).sessions
    minutes = (session.end_ms - session.start_ms) / 60_000
    assert 0 < len(session.orders.price) <= 10 * (minutes + 1)


def test_every_ladder_and_the_tiers_have_levels_and_nobody_else(simulated_store, setup_of, simulated_tape):
    settings = settings_of(simulated_store)
    names = [path.stem for path in (USER_DATA / "strategies").glob("[!_]*.py")]
    found = {name for name in names if has_levels(load_model(name, settings, {}, USER_DATA))}
    assert found == {*LADDERS, "DepthAware"}
    with pytest.raises(ConfigurationError, match="must have levels"):
        replay_levels(setup_of("MarketMaking", ExchangeEngine), [simulated_tape])
