"""Where the account's open orders are not known, nothing is opened, and the loop goes on."""

from types import SimpleNamespace

import ccxt
import pytest

from market_making.market.errors import SafetyError
from market_making.market.reasons import Reason
from market_making.trading.freqtrade.account_orders import AccountOrders

PAIR = "ETH/USDC:USDC"


class Exchange:
    """An exchange whose list of open orders is as the test says."""

    def __init__(self):
        self.orders, self.cancelled = [], []
        self.on_dex = {}
        self._api = SimpleNamespace(fetch_open_orders=self._fetch)
        self._config = {"exchange": {"hip3_dexes": ["xyz", "para"]}}

    def _fetch(self, params=None):
        orders = self.on_dex.get(params["dex"], []) if params else self.orders
        if isinstance(orders, Exception):
            raise orders
        return orders

    def cancel_order(self, order_id, pair):
        self.cancelled.append((order_id, pair))


@pytest.mark.parametrize("error", [ccxt.RequestTimeout("no answer"), SafetyError("it would have to wait 7.3 s")])
def test_a_question_that_is_not_answered_or_not_asked_closes_every_pair_until_it_is(error):
    """Also where the pace leaves it out for the limit of requests: the plan of the pairs is made all the same."""
    exchange = Exchange()
    orders = AccountOrders(exchange, None)
    exchange.orders = error
    orders.look([], 0, missing=False)
    because = orders.no_opening(PAIR)
    assert because is not None
    assert because.reason is Reason.ACCOUNT_UNKNOWN
    assert str(error) in because.detail
    exchange.orders = []
    orders.look([], 1_000, missing=False)
    assert orders.no_opening(PAIR) is None


def test_an_unknown_order_closes_its_pair_and_is_cancelled_after_its_grace():
    """Others stay open."""
    exchange = Exchange()
    exchange.orders = [{"symbol": PAIR, "id": "7", "side": "buy", "price": 3000.0, "remaining": 0.1, "amount": 0.1}]
    orders = AccountOrders(exchange, None)
    for now_ms in range(0, 3_001, 500):
        assert exchange.cancelled == []
        orders.look([], now_ms, missing=False)
    assert exchange.cancelled == [("7", PAIR)]
    assert orders.no_opening(PAIR).reason is Reason.ORDER_UNKNOWN
    assert orders.no_opening("BTC/USDC:USDC") is None


def test_orders_on_every_dex_of_the_configuration_are_compared():
    """The exchange lists those of one dex at a time; where one dex does not answer, the account is not known."""
    exchange, pair = Exchange(), "XYZ-NVDA/USDC:USDC"
    exchange.on_dex["para"] = [
        {"symbol": pair, "id": "9", "side": "buy", "price": 200.0, "remaining": 0.1, "amount": 0.1}
    ]
    orders = AccountOrders(exchange, None)
    for now_ms in (0, 3_000):
        orders.look([], now_ms, missing=False)
    assert exchange.cancelled == [("9", pair)]
    assert orders.no_opening(pair).reason is Reason.ORDER_UNKNOWN
    assert orders.no_opening(PAIR) is None
    exchange.on_dex["xyz"] = ccxt.RequestTimeout("no answer")
    orders.look([], 4_000, missing=False)
    assert orders.no_opening(PAIR).reason is Reason.ACCOUNT_UNKNOWN


def test_an_order_that_two_lists_have_is_one():
    """What a websocket has told since is in the list of every dex."""
    exchange = Exchange()
    exchange.orders = [{"symbol": PAIR, "id": "7", "side": "buy", "price": 3000.0, "remaining": 0.1, "amount": 0.1}]
    exchange.on_dex["xyz"] = exchange.orders
    orders = AccountOrders(exchange, None)
    for now_ms in (0, 3_000):
        orders.look([], now_ms, missing=False)
    assert exchange.cancelled == [("7", PAIR)]
