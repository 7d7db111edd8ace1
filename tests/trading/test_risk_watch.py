"""The risk rules in the bot: a loss stops opening and makes the bot leave, also after a restart."""

from dataclasses import replace

import pytest

from market_making.market.errors import SafetyError
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.quoting.readings.observations import RiskLevel
from market_making.quoting.risk.rules import Reading, RiskLimits
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.decision_log import Event
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.holding import Holding
from market_making.trading.journal import Journal
from market_making.trading.risk_watch import RiskWatch
from tests.trading.conftest import MemoryLog

PAIR = "ETH/USDC:USDC"
LOT = 0.0333
LIMITS = RiskLimits(largest_position=450.0, daily_loss=50.0, drawdown=100.0)


@pytest.fixture
def desk_of(tmp_path):
    """A desk as a fresh start of the bot makes it, over the same folder."""
    return lambda log: Desk(ActionBudget(600), 400, Journal(log), risk=RiskWatch(LIMITS, tmp_path / "risk", "bot"))


def loop(desk, planner, cash, holding=None, *, minute=0, lost=()):
    """One loop with this much cash, after these judgements of fills."""
    now_ms = planner.now_ms + minute * 60_000
    market = planner.market._replace(time_ms=now_ms)
    desk.clear()
    later = replace(planner, now_ms=now_ms, market=market)
    return desk.open(PAIR, PairInputs(later, "c", cash=cash, open_rate=3000.0, lost=lost), holding or Holding())


def test_an_undisturbed_bot_may_open_up_to_its_bound(desk_of, planner):
    """An inventory at its bound is no reason to leave: the rules watch for more than that."""
    desk = desk_of(MemoryLog())
    assert loop(desk, planner, 1000.0).order.grows
    assert not loop(desk, planner, 1000.0, Holding(3 * LOT), minute=1).order.closes


def test_a_daily_loss_stops_opening_and_leaves_at_the_touch(desk_of, planner):
    """The reason is in the log, and what is held is offered whole."""
    log = MemoryLog()
    desk = desk_of(log)
    loop(desk, planner, 1000.0)
    plan = loop(desk, planner, 940.0, minute=1)
    assert plan.order is None
    assert log.lines[-1]["event"] is Event.WITHHOLD
    assert log.lines[-1]["reason"] == Reason.DAILY_LOSS
    assert "loss limit of the day" in log.lines[-1]["detail"]
    order = loop(desk, planner, 940.0, Holding(2 * LOT), minute=2).order
    assert (order.side, order.closes, order.price) == (Side.ASK, True, planner.market.ask_price)


def test_a_spike_of_the_observed_volatility_stops_opening(desk_of, planner):
    """The calibrated one, which stays as it was, counts only where nothing is observed."""
    log = MemoryLog()
    desk, usual = desk_of(log), planner.flow.volatility

    def seen(volatility, minute):
        observations = replace(planner.market.observations, volatility=volatility)
        market = planner.market._replace(observations=observations)
        return loop(desk, replace(planner, market=market), 1000.0, minute=minute).order

    assert all(seen(usual, minute) for minute in range(15))
    assert seen(4 * usual, 15) is None
    assert log.lines[-1]["reason"] == Reason.VOLATILITY_SPIKE
    assert seen(None, 16).grows


def test_a_loss_is_remembered_across_a_restart(desk_of, planner):
    """A crash is no way around a limit."""
    first = desk_of(MemoryLog())
    loop(first, planner, 1000.0)
    loop(first, planner, 940.0, minute=1)
    assert loop(desk_of(MemoryLog()), planner, 940.0, minute=2).order is None


def test_the_open_result_of_the_position_counts(desk_of, planner):
    """Mid far below the opening price is a loss before it is realised."""
    desk = desk_of(MemoryLog())
    loop(desk, planner, 1000.0)
    market = planner.market._replace(bid_price=2000.0, ask_price=2000.1)
    desk.clear()
    fallen = PairInputs(replace(planner, market=market), "c", cash=1000.0, open_rate=3000.0)
    assert desk.open(PAIR, fallen, Holding(3 * LOT)).order.closes


def test_errors_of_the_exchange_pause_opening(desk_of, planner):
    """An interface that fails again and again is given time."""
    desk = desk_of(MemoryLog())
    loop(desk, planner, 1000.0)
    for _ in range(6):
        desk.withhold(PAIR, Because(Reason.EXCHANGE_ERROR, "no answer"), planner.now_ms, failed=True)
    assert loop(desk, planner, 1000.0).order is None
    assert loop(desk, planner, 1000.0, minute=3).order is not None


def test_a_torn_state_stops_the_pair(tmp_path, desk_of, planner):
    """A limit may have been reached in what cannot be read: a person decides."""
    (tmp_path / "risk").mkdir()
    (tmp_path / "risk" / "bot-ETH.json").write_text("{")
    with pytest.raises(SafetyError, match="remove it to start afresh"):
        loop(desk_of(MemoryLog()), planner, 1000.0)


def test_losing_fills_fade_the_quotes_and_then_pause_opening(desk_of, planner):
    """Three in a row move the quote away, five stop opening for a minute, a winning one ends the series."""
    usual, desk = loop(desk_of(MemoryLog()), planner, 1000.0).order, desk_of(MemoryLog())
    assert loop(desk, planner, 1000.0, lost=(True,) * 2).order.terms.model_depth == usual.terms.model_depth
    assert loop(desk, planner, 1000.0, lost=(True,)).order.terms.model_depth == pytest.approx(
        1.5 * usual.terms.model_depth
    )
    assert loop(desk, planner, 1000.0, lost=(False,)).order.terms.model_depth == usual.terms.model_depth
    assert loop(desk, planner, 1000.0, lost=(True,) * 5).order is None
    assert not loop(desk, planner, 1000.0, Holding(LOT)).order.grows
    assert loop(desk, planner, 1000.0, minute=2).order.terms.model_depth == pytest.approx(1.5 * usual.terms.model_depth)


def test_the_model_is_told_how_worried_the_rules_are(desk_of, planner):
    """Level and losing fills reach the readings of the very loop in which they are judged."""
    seen = []

    def watching(market, inventory, flow, now_ms):
        seen.append((market.observations.risk_level, market.observations.losing_fills))
        return planner.quoter(market, inventory, flow, now_ms)

    desk = desk_of(MemoryLog())
    loop(desk, replace(planner, quoter=watching), 1000.0)
    loop(desk, replace(planner, quoter=watching), 1000.0, minute=1, lost=(True, True, True))
    assert seen == [(RiskLevel.NORMAL, 0), (RiskLevel.MEDIUM, 3)]


def test_nothing_is_opened_while_the_state_cannot_be_saved(desk_of, planner, disk):
    """Else a restart would forget a loss: a state that was never saved looks like a first start. Reducing goes on."""
    log = MemoryLog()
    disk.fill()
    desk = desk_of(log)
    assert loop(desk, planner, 1000.0).order is None
    assert log.lines[-1]["reason"] == Reason.RISK_UNSAVED
    assert log.lines[-1]["detail"] == "the risk state cannot be saved: No space left on device"
    order = loop(desk, planner, 1000.0, Holding(LOT)).order
    assert (order.side, order.grows) == (Side.ASK, False)
    order = loop(desk, planner, 1000.0, Holding(-LOT)).order
    assert (order.side, order.grows) == (Side.BID, False)
    disk.free()
    assert loop(desk, planner, 1000.0).order.grows


def test_a_loss_that_could_not_be_saved_is_saved_as_soon_as_it_can_be(desk_of, planner, disk):
    """The next loop tries again, not the next minute: the loss outlives a restart right after."""
    first = desk_of(MemoryLog())
    loop(first, planner, 1000.0)
    disk.fill()
    loop(first, planner, 940.0)
    disk.free()
    loop(first, planner, 940.0)
    assert loop(desk_of(MemoryLog()), planner, 940.0).order is None


def test_without_a_folder_it_judges_the_same_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept, forgetful = RiskWatch(LIMITS, tmp_path / "risk", "bot"), RiskWatch(LIMITS, None, "bot")
    before = set(tmp_path.rglob("*"))
    for step in range(200):
        seen = Reading(step * 1_000, 3000.0, 100.0, 1000.0 - step, 0.2, step * 1_000)
        assert forgetful.judge("ETH", seen) == kept.judge("ETH", seen)
    assert {path.name for path in set(tmp_path.rglob("*")) - before} <= {"risk", "bot-ETH.json"}
