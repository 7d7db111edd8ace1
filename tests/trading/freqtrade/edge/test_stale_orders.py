"""Stale orders are found at a best quote, told of once in a second, and cancelled in one action."""

import ccxt
import pytest

from market_making.market.sides import Side
from market_making.trading.freqtrade.edge.door import Request
from market_making.trading.freqtrade.edge.known_orders import OpenOrder
from market_making.trading.freqtrade.edge.stale_orders import CancelFirst, StaleOrders
from market_making.trading.holding import RestingOrder
from market_making.trading.wanted import WantedOrder


class Known:
    """Books and orders that a test sets."""

    def __init__(self):
        self.mids = {"ETH": 3000.0, "BTC": 60000.0}
        self.orders = [order(1, "ETH", Side.BID, 2998.0), order(2, "BTC", Side.ASK, 60040.0)]
        self.now_s = self.told_s = 0.0
        self.own = []
        self.coming = []

    def mid(self, coin, own):
        self.own.append((coin, list(own)))
        return self.mids[coin]

    def sleep(self, seconds):
        self.now_s += seconds
        if self.coming:
            self.mids |= self.coming.pop(0)
            self.told_s = self.now_s

    def open_orders(self):
        return iter(self.orders)


def order(oid, coin, side, price):
    return OpenOrder(oid, coin, side, price, 0.5, 0.25, 17)


@pytest.fixture
def known():
    return Known()


@pytest.fixture
def stale(known):
    stale = StaleOrders(known, known, lambda: known.now_s, known.sleep)
    stale.want(
        {
            "ETH": WantedOrder("ETH/USDC:USDC", Side.BID, 2998.0, 3000.0, 0.3),
            "BTC": WantedOrder("BTC/USDC:USDC", Side.ASK, 60040.0, 60000.0, 5.0),
        }
    )
    return stale


def oids(found):
    return [order.oid for _, order in found]


def test_an_order_is_stale_when_mid_has_come_closer_than_allowed(stale, known):
    """Of each coin by its own mid, without own orders; a move away is not."""
    assert stale.found() == []
    known.mids |= {"ETH": 2999.6, "BTC": 59990.0}
    assert oids(stale.found()) == [1]
    known.mids["BTC"] = 60006.0
    assert oids(stale.found()) == [1, 2]
    assert oids(stale.found(("BTC",))) == [2]
    assert known.own[-1] == ("BTC", [(Side.ASK, 60040.0, 0.5)])


@pytest.mark.parametrize("doubt", ["no plan", "no mid", "other side", "no order"])
def test_what_is_doubtful_is_not_stale(stale, known, doubt):
    """The loop decides as always."""
    known.mids["ETH"] = 2990.0
    if doubt == "no plan":
        stale.want({})
    elif doubt == "no mid":
        known.mids["ETH"] = None
    elif doubt == "other side":
        known.orders = [order(1, "ETH", Side.ASK, 2998.0)]
    else:
        known.orders = []
    assert stale.found(("ETH",)) == []


def test_it_rings_once_a_second_for_the_same_order(stale, known):
    """Its cancellation may be under way; another order, or another plan, rings at once."""
    known.mids["ETH"] = 2990.0
    assert [stale.rings("ETH") for _ in range(3)] == [True, False, False]
    known.now_s = 1.1
    assert stale.rings("ETH")
    known.orders.append(order(3, "ETH", Side.BID, 2998.5))
    assert stale.rings("ETH")
    assert not stale.rings("SOL")


class Client:
    """Notes what it is asked to cancel."""

    def __init__(self):
        self.sent = []

    def cancel_orders_for_symbols(self, orders):
        self.sent.append(orders)


def first(client, stale, told=lambda *_: None, here=lambda: True, refresh=lambda: None):
    return CancelFirst(client, stale, told, here, refresh)


def test_all_go_in_one_action_and_are_told_first(stale, known):
    """Of both pairs, by their numbers."""
    known.mids |= {"ETH": 2990.0, "BTC": 60100.0}
    client, told = Client(), []
    first(client, stale, lambda pair, order: told.append((pair, order))).cancel()
    assert client.sent == [[{"id": "1", "symbol": "ETH/USDC:USDC"}, {"id": "2", "symbol": "BTC/USDC:USDC"}]]
    assert told[0] == ("ETH/USDC:USDC", RestingOrder("1", Side.BID, 2998.0, 0.5, 0.25, 17))


def test_coins_that_move_together_are_waited_for(stale, known):
    """Their best quotes come one after the other; once none has come for 4 ms nobody waits, nor ever for long."""
    known.mids["ETH"] = 2990.0
    known.coming = [{}, {}, {"BTC": 60100.0}]
    client = Client()
    first(client, stale).cancel()
    assert [len(orders) for orders in client.sent] == [2]
    assert known.now_s <= 0.01
    known.coming = [{}] * 1000
    first(client, stale).cancel()
    assert known.now_s <= 0.04


def test_what_becomes_stale_within_a_loop_goes_before_its_next_request(stale, known):
    """It is judged by the plans of that loop, and looked for only when a best quote has rung."""
    client, refreshed, passed = Client(), [], []
    step = first(client, stale, refresh=lambda: refreshed.append(1)).step
    known.mids["ETH"] = 2990.0
    assert step(request("order"), lambda each: passed.append(each) or "sent") == "sent"
    assert not client.sent
    stale.rings("ETH")
    step(request("order"), passed.append)
    assert (len(client.sent), len(refreshed), len(passed)) == (1, 1, 2)
    step(request("order"), passed.append)
    assert len(client.sent) == 1


def test_requests_of_other_threads_and_own_cancellations_are_left_alone(stale, known):
    """Freqtrade's interface has threads of its own; an order is not cancelled twice."""
    client = Client()
    known.mids["ETH"] = 2990.0
    stale.rings("ETH")
    first(client, stale, here=lambda: False).step(request("order"), lambda _: None)
    assert not client.sent
    first(client, stale).step(request("cancel", cancels=[{"a": 1, "o": 1}]), lambda _: None)
    assert not client.sent


def test_its_own_action_passes(stale, known):
    """It goes through the same door."""

    class Sending(Client):
        def cancel_orders_for_symbols(self, orders):
            super().cancel_orders_for_symbols(orders)
            stale.rings("ETH")
            cancelling.step(request("cancel", cancels=[{"a": 1, "o": 9}]), lambda _: None)

    client = Sending()
    cancelling = first(client, stale)
    known.mids["ETH"] = 2990.0
    stale.rings("ETH")
    cancelling.step(request("orderStatus"), lambda _: None)
    assert len(client.sent) == 1


def test_nothing_stale_sends_nothing_and_a_refusal_stops_no_loop(stale, known):
    """The exchange says of one that it is filled: Freqtrade will meet it."""
    client = Client()
    first(client, stale, None).cancel()
    assert not client.sent

    def refuse(_):
        raise ccxt.OrderNotFound("Order was never placed, already canceled, or filled.")

    known.mids["ETH"] = 2990.0
    client.cancel_orders_for_symbols = refuse
    first(client, stale).cancel()


def request(kind, **body):
    return Request("exchange", ("private",), "POST", {"action": {"type": kind, **body}}, {})
