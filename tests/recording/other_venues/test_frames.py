"""Frames as the venues send them, through ccxt's own parsers, become rows of the store."""

from typing import Any

import pytest

from market_making.market.clock import now_ms
from market_making.recording.other_venues.binance import BinanceFutures, BinanceSpot
from market_making.recording.other_venues.bybit import Bybit
from market_making.recording.other_venues.dydx import Dydx
from market_making.recording.other_venues.okx import Okx
from market_making.recording.streams import Stream

pytestmark = pytest.mark.timeout(30)
CLOCK_MS = 250  # what a stamp of this machine's clock may be off by while the machine is busy


def quote(row: dict[str, Any]) -> tuple[float, ...]:
    return tuple(row[name] for name in ("bid_price", "bid_size", "ask_price", "ask_size"))


def prints(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in ("exchange_ms", "side", "price", "size", "trade_id")) for row in rows]


def binance_trade(time_ms: int, identity: int, *, buyer_is_maker: bool, price: str = "100.5", **more: Any) -> dict:
    return {"e": "trade", "E": time_ms + 3, "s": "BTCUSDT", "t": identity, "p": price, "q": "0.25", "T": time_ms,
            "m": buyer_is_maker, "M": True, **more}  # fmt: skip


async def test_binance_spot(record, dialects):
    """Quotes without a time get the receiver's corrected one, m tells the aggressor, differences make the book."""
    now = now_ms()
    async with record(BinanceSpot(), dialects["binance"]()) as recorded:
        venue = recorded.venue
        await venue.subscribed("btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@100ms")
        ticker = {"u": 7, "s": "BTCUSDT", "b": "99.50", "B": "2.0", "a": "100.50", "A": "1.5"}
        await venue.send("btcusdt@bookTicker", ticker)
        await venue.send(
            "btcusdt@trade",
            binance_trade(now, 11, buyer_is_maker=False),
            binance_trade(now + 1, 12, buyer_is_maker=True),
        )
        await recorded.until(Stream.BOOK, 1)
        change = {"e": "depthUpdate", "E": now + 5, "s": "BTCUSDT", "U": 101, "u": 101, "b": [["99.5", "0"]], "a": []}
        await venue.send("btcusdt@depth@100ms", change)
        books = await recorded.until(Stream.BOOK, 2)
        (best,) = await recorded.until(Stream.BBO, 1)
        trades = await recorded.until(Stream.TRADES, 2)
        assert venue.connections <= 3
    assert quote(best) == (99.5, 2.0, 100.5, 1.5)
    assert abs(best["exchange_ms"] - best["local_ms"]) < CLOCK_MS
    assert prints(trades) == [(now, "buy", 100.5, 0.25, "11"), (now + 1, "sell", 100.5, 0.25, "12")]
    changed = next(row for row in books if row["exchange_ms"] == now + 5)
    assert (changed["bid_price_0"], changed["bid_size_0"], changed["bid_price_1"]) == (99.0, 3.0, None)
    assert (changed["ask_price_1"], changed["ask_size_1"]) == (101.0, 4.0)


async def test_binance_futures(record, dialects):
    """Quotes and prints are stamped with the time of the matching engine; what met no book is left out."""
    now = now_ms()
    async with record(BinanceFutures(), dialects["binanceusdm"]()) as recorded:
        venue = recorded.venue
        await venue.subscribed("btcusdt@trade", "btcusdt@bookTicker")
        ticker = {"e": "bookTicker", "u": 7, "s": "BTCUSDT", "b": "99.5", "B": "2", "a": "100.5", "A": "1"}
        await venue.send("btcusdt@bookTicker", ticker | {"T": now, "E": now + 4})
        await venue.send(
            "btcusdt@trade",
            binance_trade(now, 1, buyer_is_maker=True, X="INSURANCE_FUND"),
            binance_trade(now, 2, buyer_is_maker=True, price="0", X="NA"),
            binance_trade(now, 3, buyer_is_maker=True, X="MARKET"),
        )
        (best,) = await recorded.until(Stream.BBO, 1)
        trades = await recorded.until(Stream.TRADES, 1)
    assert best["exchange_ms"] == now
    assert prints(trades) == [(now, "sell", 100.5, 0.25, "3")]
    assert recorded.collector.malformed_messages == 0


async def test_bybit(record, dialects):
    """The book of one level and the book of fifty, which ccxt would keep in one object, do not disturb each other."""
    now = now_ms()
    deep = {"s": "BTCUSDT", "b": [["99", "1"], ["98", "2"]], "a": [["100", "3"], ["101", "4"]], "u": 1, "seq": 1}
    best = {"s": "BTCUSDT", "b": [["99", "1"]], "a": [["100", "3"]], "u": 1, "seq": 1}
    change = {"s": "BTCUSDT", "b": [["98.5", "5"]], "a": [["100", "0"]], "u": 2, "seq": 2}
    printed = {"T": now, "s": "BTCUSDT", "S": "Sell", "v": "0.001", "p": "99", "L": "PlusTick", "i": "a-b", "BT": False}
    async with record(Bybit(), dialects["bybit"]()) as recorded:
        venue = recorded.venue
        topics = fifty, one, trades = "orderbook.50.BTCUSDT", "orderbook.1.BTCUSDT", "publicTrade.BTCUSDT"
        await venue.subscribed(*topics)
        await venue.send(fifty, {"topic": fifty, "type": "snapshot", "ts": now, "data": deep})
        await venue.send(one, {"topic": one, "type": "snapshot", "ts": now + 1, "data": best})
        await recorded.until(Stream.BOOK, 1)
        await venue.send(fifty, {"topic": fifty, "type": "delta", "ts": now + 20, "data": change})
        await venue.send(trades, {"topic": trades, "type": "snapshot", "ts": now + 1, "data": [printed]})
        _, book = await recorded.until(Stream.BOOK, 2)
        (first,) = await recorded.until(Stream.BBO, 1)
        sold = await recorded.until(Stream.TRADES, 1)
    assert [book[f"bid_price_{level}"] for level in range(4)] == [99.0, 98.5, 98.0, None]
    assert (book["ask_price_0"], book["exchange_ms"]) == (101.0, now + 20)
    assert (quote(first), first["exchange_ms"]) == ((99.0, 1.0, 100.0, 3.0), now + 1)
    assert prints(sold) == [(now, "sell", 99.0, 0.001, "a-b")]


async def test_okx(record, dialects):
    """Contracts of 0.01 BTC are recorded as coins, in quotes, books and prints."""
    now = now_ms()
    best = {"asks": [["100", "300", "0", "2"]], "bids": [["99", "100", "0", "1"]], "ts": str(now), "seqId": 1}
    deep = {"asks": [["100", "300", "0", "2"], ["101", "50", "0", "1"]], "bids": [["99", "100", "0", "1"]],
            "ts": str(now + 1), "checksum": 0, "prevSeqId": -1, "seqId": 5}  # fmt: skip
    change = {"asks": [["100", "0", "0", "0"]], "bids": [], "ts": str(now + 2), "prevSeqId": 5, "seqId": 6}
    printed = {"instId": "BTC-USDT-SWAP", "tradeId": "9", "px": "100", "sz": "25", "side": "buy", "ts": str(now + 1)}
    async with record(Okx(), dialects["okx"]()) as recorded:
        venue = recorded.venue
        await venue.subscribed("bbo-tbt", "books", "trades")

        async def send(channel: str, data: dict, **more: Any) -> None:
            arg = {"channel": channel, "instId": "BTC-USDT-SWAP"}
            await venue.send(channel, {"arg": arg, "data": [data], **more})

        await send("bbo-tbt", best)
        await send("books", deep, action="snapshot")
        await send("trades", printed)
        await recorded.until(Stream.BOOK, 1)
        await send("books", change, action="update")
        _, book = await recorded.until(Stream.BOOK, 2)
        (first,) = await recorded.until(Stream.BBO, 1)
        trades = await recorded.until(Stream.TRADES, 1)
    assert (quote(first), first["exchange_ms"]) == ((99.0, 1.0, 100.0, 3.0), now)
    assert (book["ask_price_0"], book["ask_size_0"], book["exchange_ms"]) == (101.0, 0.5, now + 2)
    assert prints(trades) == [(now + 1, "buy", 100.0, 0.25, "9")]


def dydx_frame(channel: str, contents: Any, kind: str = "channel_data") -> dict[str, Any]:
    return {"type": kind, "connection_id": "c", "message_id": 1, "id": "BTC-USD", "channel": channel,
            "contents": contents}  # fmt: skip


def dydx_trade(identity: str, side: str, stamp: str) -> dict[str, Any]:
    return {"id": identity, "side": side, "size": "0.5", "price": "100", "type": "LIMIT", "createdAt": stamp,
            "createdAtHeight": "1"}  # fmt: skip


async def test_dydx(record, dialects):
    """The top of the book is the quote, in seconds as the indexer tells the time; the back-log of prints is marked."""
    async with record(Dydx(), dialects["dydx"]()) as recorded:
        venue = recorded.venue
        await venue.subscribed("v4_trades", "v4_orderbook")
        old = [
            dydx_trade("02", "SELL", "2025-08-04T00:42:07.119Z"),
            dydx_trade("01", "BUY", "2025-08-04T00:42:06.119Z"),
        ]
        await venue.send("v4_trades", dydx_frame("v4_trades", {"trades": old}, "subscribed"))
        snapshot = {"bids": [{"price": "99", "size": "1"}], "asks": [{"price": "100", "size": "2"}]}
        await venue.send("v4_orderbook", dydx_frame("v4_orderbook", snapshot, "subscribed"))
        await recorded.until(Stream.BBO, 1)
        await recorded.until(Stream.TRADES, 2)
        await venue.send("v4_orderbook", dydx_frame("v4_orderbook", {"asks": [["99.5", "7"]]}))
        await venue.send(
            "v4_trades", dydx_frame("v4_trades", {"trades": [dydx_trade("03", "BUY", "2035-01-01T00:00:00Z")]})
        )
        quotes = await recorded.until(Stream.BBO, 2)
        trades = await recorded.until(Stream.TRADES, 3)
    assert [quote(row) for row in quotes] == [(99.0, 1.0, 100.0, 2.0), (99.0, 1.0, 99.5, 7.0)]
    assert all(abs(row["exchange_ms"] - row["local_ms"]) < CLOCK_MS for row in quotes)
    assert [(row["trade_id"], row["side"], row["replayed"]) for row in trades] == [
        ("01", "buy", True), ("02", "sell", True), ("03", "buy", False)]  # fmt: skip
