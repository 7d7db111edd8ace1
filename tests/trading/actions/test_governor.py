"""A day without fills fits into what an address has left, an earning bot is not held back, and nobody is stuck."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.hyperliquid.address_limit import AddressLimit
from market_making.market.reasons import Reason
from market_making.trading.actions.budget import ActionBudget, Patience
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.holding import Holding, RestingOrder
from tests.length import only_long

PAIR = "ETH/USDC:USDC"
HOUR_MS = 3_600_000


def governor(left=10_000, *, reserve=500, per_minute=60.0):
    made = ActionGovernor(per_minute, entry_actions=1, reserve=reserve)
    made.read(AddressLimit(0, left, 0), 0)
    return made


def day_without_fills(planner, budget, hours, *, sigma_bps=1.2, seed=1):
    """Quote a random walk once a second on a desk; return how many actions were sent and how long orders rested [s]."""
    desk, walk, mid = Desk(budget, 10**9, None), random.Random(seed), 3000.0
    resting, sent, number, rested_s = None, 0, 0, 0
    for second in range(int(hours * 3600)):
        now_ms = second * 1000
        mid *= 1 + walk.gauss(0, sigma_bps / 1e4)
        bid = round(mid, 1)
        market = planner.market._replace(bid_price=bid, ask_price=round(bid + 0.1, 1), time_ms=now_ms)
        desk.clear()
        holding = Holding(0.0, resting)
        desk.open(PAIR, PairInputs(replace(planner, market=market, now_ms=now_ms), "c"), holding)
        if resting is not None and desk.must_cancel(PAIR, holding, resting, now_ms):
            budget.sent(1, now_ms)
            resting, sent = None, sent + 1
        plan = desk.plan(PAIR, Holding(0.0, resting))
        if resting is None and plan is not None and plan.order is not None:
            desk.placing(PAIR, plan.order, now_ms)
            budget.sent(1, now_ms)
            number, sent = number + 1, sent + 1
            resting = RestingOrder(str(number), plan.order.side, plan.order.price, plan.order.size, 0.0, now_ms)
        rested_s += resting is not None
    return sent, rested_s


def test_hours_without_a_fill_fit_into_what_is_left(planner):
    """Two of them: a bot that would send 3,000 stays on its way to its reserve, and quotes most of the time."""
    budget = governor()
    sent, rested_s = day_without_fills(planner, budget, 2)
    assert sent < 2 / 12 * 9_500 + 400  # and the burst it begins with
    assert budget.left_of_limit == 10_000 - sent
    assert rested_s > 0.7 * 7200
    free, _ = day_without_fills(planner, ActionGovernor(60.0, entry_actions=1, reserve=0), 0.05)
    assert free > 0.05 / 12 * 9_500


@only_long
def test_a_day_without_a_fill_fits_into_ten_thousand_actions(planner):
    """The whole day, at a volatility of 1.2 bps in a second and quotes 3 bps from mid."""
    budget = governor()
    sent, rested_s = day_without_fills(planner, budget, 24, sigma_bps=1.2)
    assert sent <= 9_500
    assert budget.left_of_limit >= 500
    assert rested_s > 0.65 * 86_400


def test_a_bot_that_earns_its_actions_is_not_held_back():
    """Twelve actions a fill of 100 USDC, four fills a minute: no wider, no longer, after an hour and from the start."""
    budget, now_ms = governor(per_minute=600.0), 0
    for _ in range(240):
        for _ in range(12):
            now_ms += 1_250
            assert budget.standing(now_ms, flat=False).patience.tolerance_factor == 1.0
            budget.sent(1, now_ms)
        budget.earned(100.0, now_ms)
    assert budget.left_of_limit > 10_000
    assert budget.hours_left(now_ms) is None


@given(st.lists(st.tuples(st.integers(0, 120_000), st.integers(1, 5)), min_size=1, max_size=200))
def test_patience_only_ever_grows_as_the_bucket_empties(steps):
    """Within bounds, both factors alike; and what is allowed never eats the reserve."""
    budget, now_ms = governor(600), 0
    for pause_ms, wanted in steps:
        now_ms += pause_ms
        stands = budget.standing(now_ms, flat=True)
        assert 1.0 <= stands.patience.tolerance_factor == stands.patience.life_factor <= 12.0
        if stands.opening is None and budget.left_of_limit > 500:
            budget.sent(min(wanted, 2), now_ms)
    assert budget.left_of_limit > 500 - 2 - len(steps)  # beyond it only what recovers, one in an hour


def test_the_reserve_is_for_cancelling_and_leaving():
    """Nothing is opened with a position; leaving and moving a position go on until nothing is left at all."""
    budget = governor(500)
    stands = budget.standing(1000, flat=False)
    assert stands.opening.reason is Reason.ACTIONS_RESERVED
    assert stands.saving
    assert stands.placing is None
    budget.sent(500, 1000)
    assert budget.standing(2000, flat=False).placing.reason is Reason.ACTIONS_SPENT
    assert budget.standing(11_000, flat=False).placing is None


@pytest.mark.parametrize(("left", "pause_ms"), [(400, HOUR_MS), (0, 60_000), (-50, 60_000)])
def test_flat_it_tries_an_entry_now_and_then_because_only_fills_earn(left, pause_ms):
    """From the reserve once an hour, beyond the limit every minute; a fill ends the shortage."""
    budget = governor(1000)
    budget.sent(1000 - left, 0)
    assert budget.standing(0, flat=True).opening is not None
    assert budget.standing(pause_ms - 1, flat=True).opening is not None
    assert budget.standing(pause_ms, flat=False).opening is not None
    assert budget.standing(pause_ms, flat=True).opening is None
    budget.sent(1, pause_ms)
    assert budget.standing(pause_ms + 1, flat=True).opening is not None
    budget.earned(1000.0, pause_ms + 1)
    assert budget.standing(pause_ms + 2, flat=True).opening is None


def test_a_bot_that_starts_with_its_reserve_opens_nothing_for_an_hour():
    """It has sent nothing yet; what it finds left is not its to spend."""
    budget = governor(500)
    for second in range(3600):
        assert budget.standing(second * 1000, flat=True).opening.reason is Reason.ACTIONS_RESERVED
    assert budget.standing(HOUR_MS, flat=True).opening is None


def test_the_exchanges_word_is_final():
    """Counted and told may differ: what is told holds, and a refusal means that nothing is left."""
    budget = governor(10_000)
    budget.sent(100, 0)
    budget.read(AddressLimit(5_000, 10_000, 200), 1)
    assert (budget.left_of_limit, budget.used, budget.limit) == (5_200, 5_000, 10_200)
    budget.refused(2)
    assert budget.left_of_limit == 0
    assert not budget.may_open(3)
    assert budget.may_open(10_002)


def test_hours_left_are_those_of_the_last_hours_pace():
    """Net of what fills have earned; none where nothing shrinks."""
    budget = governor(10_500)
    assert budget.hours_left(0) is None
    for minute in range(60):
        budget.sent(10, minute * 60_000)
    assert budget.hours_left(HOUR_MS - 1) == pytest.approx((10_500 - 600 - 500) / 600, rel=0.02)
    budget.earned(600.0, HOUR_MS - 1)
    assert budget.hours_left(HOUR_MS - 1) is None


def test_an_address_of_which_nothing_is_known_is_taken_for_a_poor_one():
    """Half of a new address's actions, and nothing to report."""
    budget = ActionGovernor(60.0, entry_actions=1)
    assert budget.left_of_limit == 5_000
    assert (budget.used, budget.limit, budget.hours_left(0)) == (None, None, None)


def test_a_minutes_bucket_alone_asks_for_no_patience():
    """A backtest, and a bot with this switched off."""
    budget = ActionBudget(60)
    assert budget.standing(0, flat=True) == (False, None, None, Patience())
    budget.spend(60, 0)
    assert budget.standing(0, flat=True).opening.reason is Reason.ACTIONS_SPENT
