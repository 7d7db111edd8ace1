"""What the guard asks, and how often: more often while nothing else tells it what rests."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace

import pytest

from market_making.guard import inquiry as module
from market_making.guard.account_view import Budget, OpenOrders
from market_making.guard.client import ExchangeRefused, Meter
from market_making.guard.exchange_clock import ExchangeClock
from market_making.guard.inquiry import (
    ORDERS_BLIND_S,
    ORDERS_S,
    SCHEDULE_AHEAD_S,
    SCHEDULE_EVERY_S,
    SCHEDULE_VOLUME,
    STEP_S,
    Inquiry,
)
from market_making.hyperliquid.address_limit import AddressLimit
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.hyperliquid.shared_bucket import BURST, SharedBucket
from market_making.market.sides import Side
from tests.guard.documents import view


@pytest.mark.parametrize(("blind_s", "period_s"), [(0.5, ORDERS_S), (ORDERS_BLIND_S, ORDERS_BLIND_S)])
def test_orders_are_asked_for_every_three_seconds_while_the_websocket_is_silent(blind_s, period_s):
    """Also after an answer: what it said is as old as the question."""
    orders = OpenOrders()
    client = SimpleNamespace(meter=SimpleNamespace(is_limited=False))
    inquiry = Inquiry(client, orders, Budget(), ExchangeClock())
    orders.replace([], 0.0)
    inquiry.notes(view(orders_blind_s=blind_s), is_leaving=False, differs=False)
    assert inquiry._period_s("orders") == period_s


class Client:
    """Notes what is asked; an API wallet signs."""

    def __init__(self, bucket):
        self.meter = Meter(bucket)
        self.identity = SimpleNamespace(signer="0x01", address="0x02", vault=None)
        self.asked = []

    async def ask(self, kind, **_):
        self.asked.append(kind)
        if kind == "userRole":
            return {"role": "agent", "data": {"user": "0x02"}}
        if kind == "userRateLimit":
            return {"cumVlm": "0.0", "nRequestsUsed": 1, "nRequestsCap": 10_000, "nRequestsSurplus": 0}
        return [] if kind == "frontendOpenOrders" else {"assetPositions": [], "time": 1}


@pytest.mark.parametrize(("patience_s", "comes"), [(20.0, False), (0.3, True)])
async def test_a_guard_that_begins_leaves_the_bots_their_weight(tmp_path, monkeypatch, patience_s, comes):
    """A bot that has just begun has none to spare: what rests and is held is asked at once, the rest later."""
    monkeypatch.setattr(module, "UNHURRIED_S", patience_s)
    bucket = SharedBucket(tmp_path / "pace")
    bucket.charge(BURST - 60)
    client = Client(bucket)
    asking = asyncio.create_task(Inquiry(client, OpenOrders(), Budget(), ExchangeClock()).run())
    await asyncio.sleep(1.0)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    bucket.close()
    assert {"frontendOpenOrders", "clearinghouseState"} <= set(client.asked)
    assert ({"userRateLimit", "userRole"} <= set(client.asked)) is comes
    assert comes or not {"userRateLimit", "userRole"} & set(client.asked)


class Switch:
    """Takes the dead man's switch, or does not answer."""

    def __init__(self):
        self.meter = SimpleNamespace(is_limited=False)
        self.identity = SimpleNamespace(signer="0x01", address="0x02", vault=None)
        self.answers, self.set_to, self.role = True, [], None

    async def schedule_cancel(self, time_ms):
        if not self.answers:
            raise ExchangeRefused("no answer: TimeoutError")
        self.set_to.append(time_ms)

    async def ask(self, kind, **_):
        assert kind == "userRole"
        return self.role


@pytest.fixture
def switch():
    return Switch()


@pytest.fixture
def inquiry(switch):
    """Of an account that has traded enough for the switch, and has an order."""
    budget, orders, clock = Budget(), OpenOrders(), SimpleNamespace(exchange_ms=lambda: 1_000_000)
    budget.told(AddressLimit(1, 10_000_000, 0, 2 * SCHEDULE_VOLUME), 0.0)
    orders.replace([OpenOrder(7, "ETH", Side.BID, 100.0, 1.0, 1.0, 0)], 0.0)
    return Inquiry(switch, orders, budget, clock)


async def test_a_switch_that_is_armed_is_renewed_after_an_answer_that_was_lost(inquiry, switch):
    """It would go off and cancel everything of a healthy bot; that the exchange has taken it once is known."""
    await inquiry._schedule()
    switch.answers = False
    await inquiry._schedule()
    switch.answers = True
    await inquiry._schedule()
    assert len(switch.set_to) == 2


async def test_a_switch_that_was_never_taken_is_not_tried_again(inquiry, switch):
    """The exchange does not offer it to this account."""
    switch.answers = False
    await inquiry._schedule()
    switch.answers = True
    await inquiry._schedule()
    assert switch.set_to == []


@pytest.mark.parametrize("is_limited", [False, True])
def test_a_switch_is_renewed_in_time_whatever_the_limit(inquiry, switch, is_limited):
    """Twice lost, it is still renewed before it goes off."""
    switch.meter.is_limited = is_limited
    assert inquiry._period_s("schedule") == SCHEDULE_EVERY_S
    assert 2 * SCHEDULE_EVERY_S + 10 * STEP_S < SCHEDULE_AHEAD_S


@pytest.mark.parametrize(
    "role", [None, "x", {"role": "agent"}, *({"role": "agent", "data": d} for d in (None, {}, "x", 3))]
)
async def test_a_signer_of_which_nothing_is_told_is_an_alarm(inquiry, switch, role):
    """And no end of the guard."""
    switch.role = role
    await inquiry._ask_signer()
    assert [alarm.name for alarm in inquiry.alarms()] == ["signer_refused"]
