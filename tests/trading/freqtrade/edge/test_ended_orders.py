"""Every word with which the exchange ends an order is an end for Freqtrade."""

import inspect

import ccxt
import pytest
from freqtrade.constants import NON_OPEN_EXCHANGE_STATES

from market_making.trading.freqtrade.edge.ended_orders import name_ends
from market_making.venue.order_book.order import Status

OPEN = {Status.OPEN, Status.TRIGGERED}


@pytest.fixture
def client():
    """ccxt's client with the override."""
    client = ccxt.hyperliquid()
    name_ends(client)
    return client


def test_stock_ccxt_passes_two_words_on():
    """An upgrade that mends it makes this override needless."""
    stock = ccxt.hyperliquid()
    assert [stock.parse_order_status(word) for word in ("scheduledCancel", "internalCancel")] == [
        "scheduledCancel", "internalCancel",
    ]  # fmt: skip
    assert list(inspect.signature(ccxt.hyperliquid.parse_order_status).parameters) == ["self", "status"]


@pytest.mark.parametrize("word", sorted({*Status, "internalCancel", "outcomeSettledCanceled", "oracleRejected"} - OPEN))
def test_an_end_is_an_end(client, word):
    """Whatever ccxt knows stays as it reads it."""
    stock = ccxt.hyperliquid().parse_order_status(word)
    assert client.parse_order_status(word) in NON_OPEN_EXCHANGE_STATES
    assert stock == word or client.parse_order_status(word) == stock


@pytest.mark.parametrize("word", sorted(OPEN))
def test_what_rests_rests(client, word):
    """A stop that was triggered rests as well; no word is none."""
    assert client.parse_order_status(word) == "open"
    assert client.parse_order_status(None) is None
