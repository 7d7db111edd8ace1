"""What the guard asks, and how often: more often while nothing else tells it what rests."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace

import pytest

from market_making.guard import inquiry as module
from market_making.guard.account_view import Budget, OpenOrders
from market_making.guard.client import Meter
from market_making.guard.exchange_clock import ExchangeClock
from market_making.guard.inquiry import ORDERS_BLIND_S, ORDERS_S, Inquiry
from market_making.hyperliquid.shared_bucket import BURST, SharedBucket
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
