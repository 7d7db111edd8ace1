"""ccxt — synchronous, asynchronous and by websocket — trades on the local venue as it would on the real one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

pytestmark = pytest.mark.timeout(20)

ETH = "ETH/USDC:USDC"
ALO = {"timeInForce": "ALO"}


def settings(venue: Any, key: Any, **more: Any) -> dict[str, Any]:
    api = {"public": venue.base_url, "private": venue.base_url}
    websocket = {"public": venue.base_url.replace("http", "ws") + "/ws"}
    urls = {"api": {**api, "ws": websocket}}
    return {"walletAddress": venue.key.address, "privateKey": key.key.hex(), "urls": urls, "rateLimit": 1, **more}


@pytest.fixture
def client(venue: Any) -> Iterator[Any]:
    client = ccxt.hyperliquid(settings(venue, venue.key))
    yield client
    client.session.close()


@pytest.fixture
async def asynchronous(venue: Any) -> AsyncIterator[Any]:
    client = ccxt.async_support.hyperliquid(settings(venue, venue.key))
    yield client
    await client.close()


@pytest.fixture
async def streaming(venue: Any) -> AsyncIterator[Any]:
    client = ccxt.pro.hyperliquid(settings(venue, venue.key))
    await client.load_markets()
    yield client
    await client.close()


def test_markets_have_their_rules(client: Any):
    """Precision, minimum, leverage and fees of a market are the exchange's."""
    market = client.load_markets()[ETH]
    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.0001, 0.1)
    assert (market["limits"]["cost"]["min"], market["limits"]["leverage"]["max"]) == (10, 25)
    assert (market["maker"], market["taker"]) == (0.00015, 0.00045)
    assert client.price_to_precision(ETH, 2999.87) == "2999.9"


def test_orders_are_placed_edited_and_cancelled(client: Any):
    """The life of a resting order, as seen by each query ccxt has for it."""
    order = client.create_order(ETH, "limit", "buy", 0.1, 2999.5, ALO)
    shown = client.fetch_order(order["id"], ETH)
    assert (shown["status"], shown["postOnly"], shown["remaining"], shown["price"]) == ("open", True, 0.1, 2999.5)
    edited = client.edit_order(order["id"], ETH, "limit", "buy", 0.2, 2999.4, {"postOnly": True})
    assert client.fetch_order(order["id"], ETH)["status"] == "canceled"
    assert [item["id"] for item in client.fetch_open_orders(ETH)] == [edited["id"]]
    client.cancel_order(edited["id"], ETH)
    assert client.fetch_open_orders(ETH) == []
    assert {"canceled"} == {
        item["status"] for item in client.fetch_orders(ETH) if item["id"] in (order["id"], edited["id"])
    }


@pytest.mark.parametrize(("arguments", "error"), [
    (("limit", "buy", 0.1, 3000.5, ALO), ccxt.InvalidOrder),
    (("limit", "buy", 0.001, 2999.0, ALO), ccxt.InvalidOrder),
    (("limit", "buy", 90.0, 2999.0, ALO), ccxt.InsufficientFunds),
    (("limit", "sell", 0.1, 3001.0, {"reduceOnly": True}), ccxt.InvalidOrder),
])  # fmt: skip
def test_refusals_become_ccxts_errors(client: Any, arguments: tuple[Any, ...], error: type[Exception]):
    """The exchange's words lead ccxt to the right class of error."""
    with pytest.raises(error):
        client.create_order(ETH, *arguments)


def test_an_order_that_is_gone_is_not_found(client: Any):
    """Cancelling or asking for an order that does not exist raises OrderNotFound."""
    for attempt in (client.cancel_order, client.fetch_order):
        with pytest.raises(ccxt.OrderNotFound):
            attempt("77", ETH)


def test_a_position_is_opened_protected_and_closed(client: Any):
    """Market orders, a stop on the exchange, position, balance and fills agree with each other."""
    client.set_margin_mode("isolated", ETH, {"leverage": 4})
    client.create_order(ETH, "market", "buy", 0.1, 3000.1)
    (position,) = client.fetch_positions([ETH])
    assert (position["contracts"], position["side"], position["leverage"]) == (0.1, "long", 4)
    assert position["initialMargin"] == pytest.approx(75.0, abs=0.01)
    stop = client.create_order(ETH, "limit", "sell", 0.1, 2900.0, {"stopLossPrice": 2950.0, "reduceOnly": True})
    assert client.fetch_order(stop["id"], ETH)["stopLossPrice"] == 2950.0
    client.create_order(ETH, "market", "sell", 0.1, 2999.9, {"reduceOnly": True})
    assert client.fetch_positions([ETH]) == []
    assert client.fetch_order(stop["id"], ETH)["status"] == "canceled"
    opened, closed = client.fetch_my_trades(ETH)[-2:]
    assert (opened["side"], closed["side"], opened["takerOrMaker"]) == ("buy", "sell", "taker")
    assert client.fetch_balance()["USDC"]["total"] < 10_000


def test_the_builders_fee_is_asked_for_and_charged(client: Any):
    """With an account's own key ccxt has a builder approved and routes every order through it, at 1 bp on top."""
    client.create_order(ETH, "market", "buy", 0.1, 3000.1)
    client.create_order(ETH, "market", "sell", 0.1, 2999.9, {"reduceOnly": True})
    assert client.options["approvedBuilderFee"] is True
    assert client.fetch_my_trades(ETH)[-1]["info"]["builderFee"] == "0.029999"


def test_an_agents_orders_have_no_builder(venue: Any):
    """An agent cannot approve a builder, so ccxt turns the fee off."""
    agent = ccxt.hyperliquid(settings(venue, venue.agent))
    order = agent.create_order(ETH, "limit", "buy", 0.1, 2999.0, ALO)
    assert agent.options["builderFee"] is False
    agent.cancel_order(order["id"], ETH)
    agent.session.close()


async def test_the_asynchronous_client_trades(asynchronous: Any):
    """Book, candles, funding, order and cancel through the asynchronous client."""
    book = await asynchronous.fetch_order_book(ETH)
    assert (book["bids"][0][0], book["asks"][0][0], len(book["bids"])) == (2999.9, 3000.1, 20)
    assert len(await asynchronous.fetch_ohlcv(ETH, "1m")) >= 2
    assert (await asynchronous.fetch_funding_rate_history(ETH))[-1]["fundingRate"] == 0.0000125
    order = await asynchronous.create_order(ETH, "limit", "buy", 0.1, 2999.0, ALO)
    assert (await asynchronous.fetch_order(order["id"], ETH))["status"] == "open"
    await asynchronous.cancel_order(order["id"], ETH)


async def test_the_market_streams(streaming: Any):
    """Book, trades, ticker and candles arrive by websocket."""
    assert (await streaming.watch_order_book(ETH))["asks"][0][0] == 3000.1
    assert (await streaming.watch_trades(ETH))[-1]["price"] in (2999.9, 3000.1)
    assert (await streaming.watch_ticker(ETH))["info"]["markPx"] == "3000"
    assert (await streaming.watch_ohlcv(ETH, "1m"))[-1][5] > 0
    assert (await streaming.watch_tickers([ETH]))[ETH]["info"]["price"] == 3000.0
    await streaming.un_watch_trades(ETH)


async def test_orders_go_and_come_by_websocket(streaming: Any):
    """Orders, cancels and edits are posted by websocket; orders, fills, balance and positions are pushed."""
    updates, fills = streaming.watch_orders(ETH), streaming.watch_my_trades(ETH)
    updates, fills = asyncio.ensure_future(updates), asyncio.ensure_future(fills)
    balance = asyncio.ensure_future(streaming.watch_balance())
    assert (await balance)["USDC"]["total"] > 9_000
    order = await streaming.create_order_ws(ETH, "limit", "buy", 0.1, 2999.5, ALO)
    assert (await updates)[-1]["id"] == order["id"]
    edited = await streaming.edit_order_ws(order["id"], ETH, "limit", "buy", 0.2, 2999.4, {"postOnly": True})
    assert (await streaming.cancel_order_ws(edited["id"], ETH))["status"] == "success"
    await streaming.create_order_ws(ETH, "market", "buy", 0.1, 3000.1)
    await fills
    assert [position["contracts"] for position in await streaming.watch_positions([ETH])] == [0.1]
    await streaming.create_order_ws(ETH, "market", "sell", 0.1, 2999.9, {"reduceOnly": True})
    with pytest.raises(ccxt.InvalidOrder):
        await streaming.create_order_ws(ETH, "limit", "buy", 0.1, 3000.5, ALO)
