"""What the guard takes for a cancel, and what it does with an answer that makes no sense."""

from types import SimpleNamespace

import pytest

from market_making.guard.account_view import Budget, OpenOrders
from market_making.guard.canceller import Canceller
from market_making.guard.client import ExchangeClient, Identity, Reduction
from market_making.guard.exchange_clock import ExchangeClock
from market_making.guard.record import GuardRecord
from market_making.guard.watch import Cancellation
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side

ORDER = OpenOrder(7, "ETH", Side.BID, 100.0, 1.0, 1.0, 0)
USER, KEY = "0x" + "a" * 40, "0x" + "1" * 64


class Exchange(ExchangeClient):
    """The client itself; only the way to the exchange is cut short."""

    def __init__(self, statuses):
        meter = SimpleNamespace(is_limited=False, spend=lambda weight: None, limited=lambda: None)
        super().__init__(None, "http://localhost", Identity(USER, KEY), meter, ExchangeClock())
        self._answer = {"status": "ok", "response": {"type": "cancel", "data": {"statuses": statuses}}}
        self.posts = 0

    async def _post(self, path, body, weight):
        self.posts += 1
        return self._answer


@pytest.fixture
def orders():
    resting = OpenOrders()
    resting.replace([ORDER], 0.0)
    return resting


def canceller(client, orders, folder):
    return Canceller("bot", client, lambda _: 1, orders, Budget(), GuardRecord(folder))


@pytest.mark.parametrize("status", [None, {}, "x", 0, {"error": "no"}])
async def test_only_success_is_a_cancel(orders, tmp_path, status):
    """An order of which the exchange says nothing intelligible rests on, for all that is known."""
    told = []
    cancelling = canceller(Exchange([status]), orders, tmp_path)
    cancelling.send([Cancellation(ORDER, Because(Reason.GUARD, ""))], told.append)
    await cancelling.settle()
    assert orders.get(7) is not None
    assert told == []


async def test_success_is_a_cancel(orders, tmp_path):
    """It is told, and the order is known to be gone."""
    told = []
    cancelling = canceller(Exchange(["success"]), orders, tmp_path)
    cancelling.send([Cancellation(ORDER, Because(Reason.GUARD, ""))], told.append)
    await cancelling.settle()
    assert orders.get(7) is None
    assert len(told) == 1


@pytest.mark.parametrize("statuses", [None, 3, "x"])
async def test_statuses_that_are_none_are_a_refusal_like_any_other(orders, tmp_path, statuses):
    """Told in words, and tried again after a while, not at every look."""
    client = Exchange(statuses)
    cancelling = canceller(client, orders, tmp_path)
    for _ in range(10):
        cancelling.send([Cancellation(ORDER, Because(Reason.GUARD, ""))])
        await cancelling.settle()
    assert client.posts <= 3
    assert cancelling.words


@pytest.mark.parametrize(
    ("status", "is_done"),
    [({"filled": {"oid": 1}}, True), ({"resting": {"oid": 1}}, False), (None, False), ({"error": "no"}, False)],
)
async def test_only_what_was_filled_is_left(status, is_done):
    """A reduction of which nothing is told is not taken for one that was filled."""
    (said,) = await Exchange([status]).reduce([Reduction(1, Side.ASK, 99.0, 1.0)])
    assert (said is None) is is_done
