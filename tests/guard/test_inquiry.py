"""What the guard asks, and how often: more often while nothing else tells it what rests."""

from types import SimpleNamespace

import pytest

from market_making.guard.account_view import Budget, OpenOrders
from market_making.guard.exchange_clock import ExchangeClock
from market_making.guard.inquiry import ORDERS_BLIND_S, ORDERS_S, Inquiry
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
