"""Each measure is what its name says, with an interval where there is enough to tell one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.intervals import LEAST_BLOCKS, TOO_SHORT
from market_making.replay.accounts.metrics import METRICS, verdict
from market_making.replay.accounts.money_metrics import Drawdown, Markout, MoneyBps, MoneyPerHour, Sharpe, sharpe_error
from market_making.replay.accounts.quoting_metrics import (
    LargestInventory,
    MakerRatio,
    MeanInventory,
    QueueWait,
    TimeAtTouch,
    Turnover,
    Uptime,
)
from market_making.replay.accounts.summary import document
from market_making.replay.result import Outcome
from tests.replay.accounts.sessions import result, session, several

seeds = st.integers(0, 10_000)


@pytest.fixture(scope="module")
def hours():
    """Two hours in four sessions."""
    return Accounts(several(4, seconds=1800, fills=200))


def test_every_measure_has_a_value_its_interval_and_what_it_is_made_from(hours):
    """Names are different, and no interval leaves its value out."""
    found = {metric.name: metric.compute(hours) for metric in METRICS}
    assert len(found) == len(METRICS)
    for name, each in found.items():
        assert each.n > 0, name
        if each.value is not None and each.low is not None:
            assert each.low <= each.value <= each.high, name
    without = {name for name, each in found.items() if each.low is None}
    assert without == {"inventory, largest [coins]", "drawdown"}


def test_parts_of_the_money_add_up_per_hour_and_in_bps(hours):
    for kind in (MoneyPerHour, MoneyBps):
        parts = {name: kind(name).compute(hours).value for name in
                 ("net", "spread captured", "adverse selection", "inventory", "funding", "fees")}  # fmt: skip
        assert parts["net"] == pytest.approx(
            parts["spread captured"]
            + parts["adverse selection"]
            + parts["inventory"]
            + parts["funding"]
            - parts["fees"],
            abs=1e-9,
        )
    assert MoneyBps("fees").compute(hours).value == pytest.approx(1.5)
    assert Markout(1.0).compute(hours).value == pytest.approx(MoneyBps("adverse selection", 1.0).compute(hours).value)


def slow_times(run):
    """Uptime, time at touch and inventory, looked at every 10 ms."""
    times = np.arange(run.start_ms, run.end_ms, 10)
    orders = run.orders
    up = np.zeros(len(times), bool)
    near = np.zeros(len(times), bool)
    entry = run.touch.time_ms.searchsorted(times, side="right") - 1
    for n in np.flatnonzero(orders.outcome != Outcome.REFUSED):
        rests = (times >= orders.placed_ms[n]) & (times < orders.ended_ms[n])
        best = (run.touch.bid if orders.sign[n] > 0 else run.touch.ask)[entry]
        up |= rests
        near |= rests & (orders.sign[n] * (orders.price[n] - best) >= 0)
    held = np.array([abs(np.sum((run.fills.sign * run.fills.size)[run.fills.time_ms <= t])) for t in times[::50]])
    return up.mean(), near.sum() / up.sum(), held.mean(), held.max()


@given(seeds)
@settings(max_examples=6, deadline=None)
def test_times_and_inventory_are_those_of_a_slow_look(seed):
    run = session(seed, seconds=120, fills=30, edge_bps=0.3)
    accounts = Accounts(result(run))
    up, near, held, most = slow_times(run)
    assert Uptime().compute(accounts).value == pytest.approx(up, abs=0.005)
    assert TimeAtTouch().compute(accounts).value == pytest.approx(near, abs=0.01)
    assert MeanInventory().compute(accounts).value == pytest.approx(held, rel=0.05)
    assert LargestInventory().compute(accounts).value >= most - 1e-9
    turnover = Turnover().compute(accounts)
    assert turnover.value == pytest.approx(accounts.volume * 30 / (held * 3000), rel=0.06)


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_the_wait_is_from_the_arrival_to_the_first_part(seed):
    run = session(seed)
    waits = sorted(
        (run.fills.time_ms[run.fills.order == n].min() - run.orders.placed_ms[n]) / 1e3 for n in set(run.fills.order)
    )
    found = QueueWait().compute(Accounts(result(run)))
    assert found.value == pytest.approx(np.median(waits))
    assert found.n == len(waits)
    assert found.low in waits
    assert found.high in waits


def test_the_maker_ratio_counts_fills(hours):
    made = sum(int(each.fills.is_maker.sum()) for each in hours.sessions)
    assert MakerRatio().compute(hours).value == made / hours.fill_count


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_the_drawdown_is_the_largest_fall(seed):
    run = result(session(seed), session(seed + 1, start_ms=10**13))
    _, worth = Accounts(run).equity()
    highest, fall = 0.0, 0.0
    for earned in worth:
        highest = max(highest, earned)
        fall = max(fall, highest - earned)
    assert Drawdown().compute(Accounts(run)).value == pytest.approx(fall)
    assert worth[-1] == pytest.approx(run.net)


def test_a_short_run_tells_nothing_but_its_sums():
    """Eleven whole blocks are one too few, and so are few fills in many."""
    for few in (several(1, seconds=300 * (LEAST_BLOCKS - 1) + 200, fills=100), several(1, seconds=7200, fills=14)):
        accounts = Accounts(few)
        net = MoneyPerHour().compute(accounts)
        assert (net.low, net.high, net.note) == (None, None, TOO_SHORT)
        assert net.value == pytest.approx(few.net / few.seconds * 3600)
        assert Sharpe().compute(accounts).value is None
        assert verdict(accounts) == TOO_SHORT


def test_a_sharpe_ratio_has_a_standard_error_or_is_too_short_to_tell():
    """That of normal blocks is known; a run of noise has none."""
    blocks = np.random.default_rng(3).normal(0.1, 1.0, 100_000)
    assert sharpe_error(0.1, blocks) == pytest.approx(np.sqrt((1 + 0.1**2 / 2) / len(blocks)), rel=0.02)
    noise = Accounts(several(4, seconds=1800, fills=200, edge_bps=1.5))
    assert Sharpe().compute(noise).value is None
    assert Sharpe().compute(noise).note.startswith(TOO_SHORT)
    kind = Accounts(several(4, seconds=1800, fills=200, edge_bps=6.0))
    found = Sharpe().compute(kind)
    assert found.value > 0
    assert found.low > 0
    assert "standard error" in found.note
    assert verdict(kind) == "earns"
    assert verdict(Accounts(several(4, seconds=1800, fills=200, edge_bps=-4.0))) == "loses"


def test_the_document_holds_what_other_programs_read(hours):
    """The money of it adds up to 1e-6, as the contract says."""
    found = document(hours)
    assert found["net_pnl"] == pytest.approx(
        found["spread_captured"]
        + found["adverse_selection"]
        + found["inventory_pnl"]
        + found["funding"]
        - found["fees"],
        abs=1e-6,
    )
    assert found["net_pnl"] == pytest.approx(hours.result.net)
    assert set(found["markout_bps"]) == {"0.1", "1", "5", "30"}
    assert found["net_bps_low"] < found["net_pnl"] / found["volume"] * 1e4 < found["net_bps_high"]
    assert found["events_per_second"] == 4 * 1000 / 2.0
    assert 0 < found["fill_rate"] < 2


def test_a_run_without_fills_has_its_document_too():
    found = document(Accounts(result(session(1, fills=0))))
    assert (found["fills"], found["maker_ratio"], found["capture_bps"], found["verdict"]) == (0, None, None, TOO_SHORT)
