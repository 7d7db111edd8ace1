"""Stale orders are found at a best quote, told of once in a second, and cancelled in one action."""

from types import SimpleNamespace

import ccxt
import pytest

from market_making.market.sides import Side
from market_making.trading.freqtrade.edge.known_orders import OpenOrder
from market_making.trading.freqtrade.edge.stale_orders import CancelFirst, StaleOrders
from market_making.trading.holding import RestingOrder
from market_making.trading.wanted import WantedOrder


class Known:
    """Books and orders that a test sets."""

    def __init__(self):
        self.mids = {"ETH": 3000.0, "BTC": 60000.0}
        self.orders = [order(1, "ETH", Side.BID, 2998.0), order(2, "BTC", Side.ASK, 60040.0)]
        self.now_s = 0.0
        self.own = []

    def mid(self, coin, own):
        self.own.append((coin, list(own)))
        return self.mids[coin]

    def open_orders(self):
        return iter(self.orders)


def order(oid, coin, side, price):
    return OpenOrder(oid, coin, side, price, 0.5, 0.25, 17)


@pytest.fixture
def known():
    return Known()


@pytest.fixture
def stale(known):
    stale = StaleOrders(known, known, lambda: known.now_s)
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


def test_all_go_in_one_action_and_are_told_first(stale, known):
    """Of both pairs, by their numbers."""
    known.mids |= {"ETH": 2990.0, "BTC": 60100.0}
    sent, told = [], []
    client = SimpleNamespace(cancel_orders_for_symbols=sent.append)
    CancelFirst(client, stale, lambda pair, order: told.append((pair, order))).cancel()
    assert sent == [[{"id": "1", "symbol": "ETH/USDC:USDC"}, {"id": "2", "symbol": "BTC/USDC:USDC"}]]
    assert told[0] == ("ETH/USDC:USDC", RestingOrder("1", Side.BID, 2998.0, 0.5, 0.25, 17))


def test_nothing_stale_sends_nothing_and_a_refusal_stops_no_loop(stale, known):
    """The exchange says of one that it is filled: Freqtrade will meet it."""
    client = SimpleNamespace(cancel_orders_for_symbols=None)
    CancelFirst(client, stale, None).cancel()

    def refuse(_):
        raise ccxt.OrderNotFound("Order was never placed, already canceled, or filled.")

    known.mids["ETH"] = 2990.0
    client.cancel_orders_for_symbols = refuse
    CancelFirst(client, stale, lambda *_: None).cancel()
