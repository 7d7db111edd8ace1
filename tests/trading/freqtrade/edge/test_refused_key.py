"""While the exchange refuses the key, little is sent, and what takes risk away always is."""

import ccxt
import pytest

from market_making.trading.freqtrade.edge.door import Door
from market_making.trading.freqtrade.edge.refused_key import RefusedKey
from tests.trading.freqtrade.edge.fakes import Client

REFUSED = ccxt.InvalidOrder("hyperliquid User or API Wallet 0x1 does not exist.")
OPENING = {"orders": [{"r": False}]}
CLOSING = {"orders": [{"r": True}]}


@pytest.fixture
def client():
    client = Client(order=REFUSED, cancel={"status": "ok"}, updateLeverage=REFUSED)
    client.now_s = 0.0
    Door(client, [RefusedKey(lambda: client.now_s).step])
    return client


def test_what_opens_is_tried_once_in_ten_seconds(client):
    """Freqtrade tries five times a second; the words are the exchange's."""
    for _ in range(5):
        with pytest.raises(ccxt.InvalidOrder, match="User or API Wallet 0x1 does not exist"):
            client.act("order", **OPENING)
        with pytest.raises(ccxt.InvalidOrder):
            client.act("updateLeverage")
    assert client.asked == ["order"]
    client.now_s = 10.0
    client.answers["order"] = {"status": "ok"}
    client.act("order", **OPENING)
    client.act("order", **OPENING)
    assert client.asked == ["order"] * 3


def test_what_cancels_or_reduces_is_always_tried(client):
    """Also right after a refusal; an answer to it shows that the key is good again."""
    for _ in range(2):
        with pytest.raises(ccxt.InvalidOrder):
            client.act("order", **CLOSING)
    client.act("cancel")
    assert client.asked == ["order", "order", "cancel"]
    with pytest.raises(ccxt.InvalidOrder):
        client.act("updateLeverage")
    assert client.asked[-1] == "updateLeverage"


def test_another_refusal_is_no_refusal_of_the_key(client):
    """Too little money may change at once."""
    client.answers["order"] = ccxt.InvalidOrder("Insufficient margin to place order.")
    for _ in range(2):
        with pytest.raises(ccxt.InvalidOrder):
            client.act("order", **OPENING)
    assert client.asked == ["order"] * 2
