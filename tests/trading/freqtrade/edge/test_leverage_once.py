"""Leverage is left out only while the exchange says that it holds."""

from types import SimpleNamespace

import ccxt
import pytest

from market_making.trading.freqtrade.edge.door import Door, Request
from market_making.trading.freqtrade.edge.leverage_once import LeverageOnce
from tests.trading.freqtrade.edge.fakes import Client

PAIR = "ETH/USDC:USDC"


class Exchange:
    """Sends the leverage as Freqtrade does, through the client."""

    def __init__(self, client):
        self.margin_mode = SimpleNamespace(value="isolated")
        self._api = client
        client.markets = {PAIR: {"baseName": "ETH"}, "BTC/USDC:USDC": {"baseName": "BTC"}}
        client.market = client.markets.__getitem__
        client.handle_public_address = lambda method, params: ("0x1", params)
        client.publicPostInfo = lambda question: client.ask(**{"kind": question["type"]} | {"user": question["user"]})

    def _lev_prep(self, pair, leverage, side, accept_fail=False):
        self._api.act("updateLeverage", leverage=int(leverage))


def says(kind, value):
    return {"leverage": {"type": kind, "value": value}}


@pytest.fixture
def client():
    return Client(activeAssetData=says("isolated", 3))


@pytest.fixture
def exchange(client):
    exchange = Exchange(client)
    Door(client, [LeverageOnce(exchange).step])
    return exchange


def sent(client):
    return client.asked.count("updateLeverage")


def test_it_is_sent_once_and_verified(exchange, client):
    """Then left out for the pair, in both directions."""
    for side in ("buy", "sell", "buy"):
        exchange._lev_prep(PAIR, 3.0, side)
    assert client.asked == ["updateLeverage", "activeAssetData"]


def test_each_pair_and_each_leverage_is_sent(exchange, client):
    """What holds for one says nothing of another."""
    exchange._lev_prep(PAIR, 3.0, "buy")
    exchange._lev_prep("BTC/USDC:USDC", 3.0, "buy")
    client.answers["activeAssetData"] = says("isolated", 2)
    exchange._lev_prep(PAIR, 2.0, "buy")
    exchange._lev_prep(PAIR, 2.9, "buy")
    assert sent(client) == 3


@pytest.mark.parametrize(
    "answer",
    [says("cross", 3), says("isolated", 20), {}, [], None, {"leverage": None}, ccxt.RequestTimeout("cut")],
)
def test_what_the_exchange_does_not_confirm_is_sent_with_every_order(exchange, client, answer):
    """As stock Freqtrade does; after three doubts it is no longer asked."""
    client.answers["activeAssetData"] = answer if isinstance(answer, Exception) else lambda: answer
    for _ in range(5):
        exchange._lev_prep(PAIR, 3.0, "buy")
    assert (sent(client), client.asked.count("activeAssetData")) == (5, 3)


def test_who_may_not_ask_now_asks_with_the_next_order(exchange, client):
    """Two bots that start at once have no weight left for the question; that says nothing of the pair."""
    client.answers["activeAssetData"] = ccxt.RateLimitExceeded("activeAssetData would have to wait 2.9 s")
    for _ in range(5):
        exchange._lev_prep(PAIR, 3.0, "buy")
    client.answers["activeAssetData"] = says("isolated", 3)
    for _ in range(5):
        exchange._lev_prep(PAIR, 3.0, "buy")
    assert sent(client) == 6


def test_an_entry_does_not_wait_for_what_the_exchange_says(client, exchange):
    """The first entries of five pairs would wait one after the other, while the orders of the first rest."""
    seen = []

    def forward(request):
        seen.append(request.may_wait)
        return {}

    once = LeverageOnce(exchange)
    for kind in ("activeAssetData", "l2Book"):
        once.step(Request("info", "public", "POST", {"type": kind}, {}), forward)
    assert seen == [False, True]


def test_a_refusal_is_freqtrades_and_the_next_order_sends_again(exchange, client):
    """Nothing was verified."""
    client.answers["updateLeverage"] = ccxt.ExchangeError("no")
    with pytest.raises(ccxt.ExchangeError):
        exchange._lev_prep(PAIR, 3.0, "buy")
    client.answers["updateLeverage"] = {}
    exchange._lev_prep(PAIR, 3.0, "buy")
    assert sent(client) == 2


@pytest.mark.parametrize("kind", ["cross", "isolated"])
def test_a_position_that_says_otherwise_makes_it_sent_again(exchange, client, kind):
    """Somebody has changed it by hand."""
    exchange._lev_prep(PAIR, 3.0, "buy")
    value = 3 if kind == "cross" else 10
    position = {"position": {"coin": "ETH", "leverage": {"type": kind, "value": value}}}
    client.answers["clearinghouseState"] = {"assetPositions": [{"position": {"coin": "BTC"}}, position]}
    client.ask("clearinghouseState")
    exchange._lev_prep(PAIR, 3.0, "buy")
    assert sent(client) == 2


@pytest.mark.parametrize("answer", [None, {}, {"assetPositions": None}, {"assetPositions": [None, {"position": None}]}])
def test_half_an_account_breaks_nothing(exchange, client, answer):
    """It passes to Freqtrade as it came."""
    exchange._lev_prep(PAIR, 3.0, "buy")
    client.answers["clearinghouseState"] = lambda: answer
    assert client.ask("clearinghouseState") == answer
