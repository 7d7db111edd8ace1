"""Answers and messages in any order lead to the orders that rest."""

from hypothesis import given
from hypothesis import strategies as st

from market_making.guard.account_view import Budget, OpenOrders
from market_making.hyperliquid.address_limit import AddressLimit
from market_making.hyperliquid.open_orders import OrderUpdate
from tests.guard.documents import order

DELAY_S = 0.3  # of answers and messages alike, at most
changes = st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=40)


@given(changes, st.sets(st.integers(0, 39)), st.randoms(use_true_random=False))
def test_a_late_answer_brings_nothing_back_and_takes_nothing_away(changes, asked_at, random):
    """An exchange where orders open and end, told by websocket and by answers that are on their way for a while."""
    open_now, ended, events = {}, set(), []
    for number, (oid, opens) in enumerate(changes):
        time_s = float(number)
        if opens and oid not in ended:
            open_now[oid] = order(oid)
            events.append((time_s + random.uniform(0, DELAY_S), "update", OrderUpdate(order(oid), "open", 0), time_s))
        elif not opens and oid in open_now:
            del open_now[oid]
            ended.add(oid)
            update = OrderUpdate(order(oid), "canceled", 0)
            events.append((time_s + random.uniform(0, DELAY_S), "update", update, time_s))
        if number in asked_at:
            seen = list(open_now.values())
            events.append((time_s + 0.5 + random.uniform(0, DELAY_S), "answer", seen, time_s + 0.4))
    orders = OpenOrders()
    for heard_s, kind, what, asked_s in sorted(events, key=lambda event: event[0]):
        if kind == "answer":
            orders.replace(what, asked_s)
        else:
            orders.update(what, heard_s)
    assert {found.oid for found in orders} == set(open_now)
    assert orders.is_complete == bool([event for event in events if event[1] == "answer"])


def test_messages_do_not_take_away_what_only_an_answer_tells():
    """Whether it is a trigger order, and whether it may only reduce."""
    orders = OpenOrders()
    orders.replace([order(1, is_trigger=True, reduce_only=True)], 0.0)
    orders.update(OrderUpdate(order(1, is_trigger=None, reduce_only=None, size=0.01), "open", 0), 1.0)
    found = orders.get(1)
    assert (found.is_trigger, found.reduce_only, found.size) == (True, True, 0.01)
    orders.update(OrderUpdate(order(2, is_trigger=None, reduce_only=None), "open", 0), 2.0)
    orders.replace([order(1), order(2, is_trigger=True, reduce_only=True)], 1.9)
    assert orders.get(2).is_trigger


def test_an_order_that_only_the_exchange_still_has_comes_back_later():
    """A cancel that was answered wrongly is not believed for ever."""
    orders = OpenOrders()
    orders.end(1, 10.0)
    orders.replace([order(1)], 11.0)
    assert not len(orders)
    assert not orders.may_rest(1)
    orders.replace([order(1)], 12.5)
    assert len(orders) == 1


def test_actions_last_as_long_as_their_net_rate_says():
    """600 an hour net of what volume earns; an account that earns them has them for ever."""
    budget = Budget()
    assert budget.left is None
    budget.told(AddressLimit(1_000, 10_000, volume=0.0), 0.0)
    budget.spend(3)
    assert (budget.left, budget.hours_left) == (8_997, None)
    budget.told(AddressLimit(1_030, 10_020, volume=20.0), 60.0)
    assert budget.hours_left == 8_990 / 600
    budget.told(AddressLimit(1_100, 11_000, volume=1_000.0), 120.0)
    assert budget.hours_left == float("inf")
