"""A question is given up sooner than ccxt would; an action keeps its time."""

import threading

import pytest
from freqtrade import worker

from market_making.safety.order_names import OrderNames
from market_making.trading.freqtrade.edge import patience
from market_making.trading.freqtrade.edge.door import Door, Request
from market_making.trading.freqtrade.edge.named_orders import NamedOrders
from market_making.trading.freqtrade.edge.patience import Patience
from tests.trading.freqtrade.edge.fakes import TOO_MANY, Client


@pytest.fixture
def client():
    client = Client(l2Book=lambda: client.timeout, order=lambda: client.timeout)
    client.timeout = 10_000
    Door(client, [Patience(client).step])
    yield client
    patience.restore()


def test_a_question_has_four_seconds_and_an_action_ccxts_time(client):
    """Whatever comes of it, the client is as before."""
    assert client.ask("l2Book") == 4_000
    assert client.act() == 10_000
    client.answers["l2Book"] = TOO_MANY
    with pytest.raises(type(TOO_MANY)):
        client.ask("l2Book")
    assert client.timeout == 10_000


def test_who_waits_less_by_configuration_still_does(client):
    """The configuration's own time holds where it is shorter."""
    client.timeout = 1_500
    assert client.ask("l2Book") == 1_500


def test_freqtrades_interface_keeps_ccxts_time(client):
    """Its threads ask beside the loop."""
    seen = []
    thread = threading.Thread(target=lambda: seen.append(client.ask("l2Book")))
    thread.start()
    thread.join()
    assert seen == [10_000]


def test_an_order_of_the_interface_leaves_the_client_its_time(client, tmp_path):
    """`/forceexit` creates an order in a thread of its own while the loop asks with less patience."""
    entered, leave = threading.Event(), threading.Event()

    def create(*_):
        entered.set()
        assert leave.wait(5)
        return {"id": "1"}

    def forward(_):
        exiting.start()
        assert entered.wait(5)
        return {}

    client.create_order = create
    named, order = NamedOrders(client, OrderNames(tmp_path, "bot")), ("ETH/USDC:USDC", "limit", "sell", 1.0, 1.0)
    exiting = threading.Thread(target=named.create, args=(*order, {"reduceOnly": True}))
    Patience(client).step(Request("info", "public", "POST", {"type": "clearinghouseState"}, {}), forward)
    leave.set()
    exiting.join(5)
    assert client.timeout == 10_000


def test_restored_freqtrade_sleeps_as_long_as_it_ships(client):
    """A bot before this one in the same process may have had the override."""
    assert worker.RETRY_TIMEOUT == patience.RETRY_S
    patience.restore()
    assert worker.RETRY_TIMEOUT == 30
