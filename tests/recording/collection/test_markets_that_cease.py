"""Markets that cease, change and come again while a collector records, and more of them than an address may ask for."""

import asyncio
from dataclasses import replace

import pytest

from market_making.hyperliquid.feed import Timing
from market_making.hyperliquid.market_data import Subscription
from market_making.market.clock import now_ms
from market_making.market.identity import Dex, Market, SpotTokens
from market_making.market.instrument import Listing
from market_making.recording.collection.choosing import MOST_MARKETS, MOST_SUBSCRIPTIONS, busiest
from market_making.recording.collection.collector import Collector
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from tests.recording.collection.test_collector import collecting, markets_of, rows, until

NVDA, GOLD = (Market.perpetual(Listing(f"xyz:{name}", 2, fee_scale=1.0), place, Dex("xyz", 1))
              for place, name in enumerate(("NVDA", "GOLD")))  # fmt: skip
HYPE = Market.spot(Listing("@107", 2), 107, SpotTokens("HYPE", "USDC"), "HYPE/USDC")


def without_dex(exchange):
    exchange.others = (HYPE,)


def renamed_dex(exchange):
    dex = Dex("abc", 1)
    exchange.others = (Market.perpetual(NVDA.listing._replace(coin="abc:NVDA"), 0, dex), HYPE)


def unreadable_dexes(exchange):
    exchange.unreadable_answers = {"allPerpMetas"}


def halted_dex(exchange):
    exchange.deaf_coins = {NVDA.wire, GOLD.wire}


@pytest.mark.parametrize("change", [without_dex, renamed_dex, unreadable_dexes, halted_dex])
async def test_a_dex_that_ceases_while_recording_costs_no_other_market_a_row(
    exchange, hurried, now, make_quote, tmp_path, monkeypatch, change
):
    """Each quote of the main dex and of spot that the exchange sends meanwhile is in the store, and there is no gap."""
    monkeypatch.setattr("market_making.hyperliquid.directory.FRESH_S", 0.0)
    exchange.others = (NVDA, GOLD, HYPE)
    timing = replace(hurried.timing, fast_book_silence_s=0.5, book_silence_s=1.0, relist_s=0.2)
    wanted = ["ETH", HYPE.wire, NVDA.wire, GOLD.wire]
    collector = Collector(exchange.url, wanted, tmp_path, flush_seconds=0.05, options=replace(hurried, timing=timing))
    async with collecting(collector):
        await exchange.subscribed(*(Subscription("bbo", coin) for coin in wanted))
        await until(lambda: bool(rows(tmp_path, Stream.BOOK_FAST, NVDA.key)), seconds=30)
        before, sent = exchange.connections, []
        change(exchange)
        exchange.deaf_coins = {NVDA.wire, GOLD.wire}
        while not sent or now() - sent[0] < 1500:  # three silences of a fast book
            sent.append(now())
            for coin in ("ETH", HYPE.wire):
                await exchange.quote(make_quote(sent[-1], 100.0 + len(sent))._replace(coin=coin))
            await asyncio.sleep(0.02)
        await until(lambda: len(rows(tmp_path, Stream.BBO)) == len(sent), seconds=30)
    assert exchange.connections == before
    for coin in ("ETH", HYPE.key):
        assert [row["exchange_ms"] for row in rows(tmp_path, Stream.BBO, coin)] == sent
        assert {row["reason"] for row in rows(tmp_path, Stream.GAPS, coin)} == {"start", "stop"}


def delisted(root):
    """What is no longer recorded of NVDA."""
    return {row["stream"] for row in rows(root, Stream.GAPS, NVDA.key) if row["reason"] == "delisted"}


async def test_a_dex_that_is_listed_again_is_recorded_again(exchange, hurried, tmp_path, monkeypatch):
    """Also on a connection that never ends; meanwhile it is not asked for, which would end the connection."""
    monkeypatch.setattr("market_making.hyperliquid.directory.FRESH_S", 0.0)
    exchange.others = (NVDA,)
    options = replace(hurried, timing=replace(hurried.timing, relist_s=0.2))
    wanted = ["ETH", NVDA.wire]
    async with collecting(Collector(exchange.url, wanted, tmp_path, flush_seconds=0.05, options=options)):
        # Each book has its own connection, and a feed that never began cannot cease.
        for stream in (Stream.BOOK_FAST, Stream.BOOK):
            await until(lambda stream=stream: bool(rows(tmp_path, stream, NVDA.key)), seconds=30)
        before = exchange.connections
        exchange.others = ()
        exchange.forget(NVDA.wire)
        # Both connections have to notice: the one of fast books does so first.
        await until(lambda: {Stream.BOOK_FAST, Stream.BBO, Stream.TRADES} <= delisted(tmp_path), seconds=30)
        exchange.others = (NVDA,)
        again_ms = now_ms()
        await until(lambda: rows(tmp_path, Stream.BOOK_FAST, NVDA.key)[-1]["exchange_ms"] > again_ms, seconds=30)
        async with asyncio.timeout(30):
            await exchange.subscribed(Subscription("bbo", NVDA.wire), Subscription("trades", NVDA.wire))
    assert exchange.connections == before


async def test_a_market_that_was_gone_for_less_than_a_silence_is_recorded_whole_again(
    exchange, hurried, make_quote, tmp_path
):
    """Its book is repeated without end, so it tells; its quotes and trades may be silent and are asked for with it."""
    exchange.others = (NVDA,)
    wanted = [Subscription(channel, NVDA.wire) for channel in ("bbo", "trades")]
    timing = replace(hurried.timing, fast_book_silence_s=0.5, book_silence_s=1.0)
    options = replace(hurried, timing=timing)
    async with collecting(Collector(exchange.url, ["ETH", NVDA.wire], tmp_path, flush_seconds=0.05, options=options)):
        for stream in (Stream.BOOK_FAST, Stream.BOOK):
            await until(lambda stream=stream: bool(rows(tmp_path, stream, NVDA.key)), seconds=30)
        before = exchange.connections
        exchange.forget(NVDA.wire)
        async with asyncio.timeout(30):
            await exchange.subscribed(*wanted)
        await exchange.quote(make_quote(now_ms(), 100.0)._replace(coin=NVDA.wire))
        await until(lambda: bool(rows(tmp_path, Stream.BBO, NVDA.key)), seconds=30)
    assert exchange.connections == before
    lost = {row["stream"] for row in rows(tmp_path, Stream.GAPS, NVDA.key) if row["reason"] == "silence"}
    assert {Stream.BBO, Stream.TRADES, Stream.BOOK_FAST} <= lost
    assert {row["reason"] for row in rows(tmp_path, Stream.GAPS, "ETH")} == {"start", "stop"}


@pytest.mark.slow
async def test_all_that_is_listed_is_recorded_within_the_limits(exchange, hurried, tmp_path):
    """Of 650 markets of every kind the busiest; of 10 connections two are left to a bot and its guard."""
    exchange.listings = ()
    exchange.others = tuple(markets_of(178, 148, 324))
    exchange.volumes = {market.wire: float(place % 7 * 1000 + place) for place, market in enumerate(exchange.others)}
    exchange.beat_s = 2.0
    chosen = {market.key for market in busiest(exchange.others, exchange.volumes, MOST_MARKETS)}
    patient = replace(hurried, timing=Timing())
    async with collecting(Collector(exchange.url, None, tmp_path, flush_seconds=3.0, options=patient)):
        async with asyncio.timeout(120):
            while set(TickStore(tmp_path).coins()) != chosen:
                await asyncio.sleep(0.5)
    assert exchange.most_sockets == 8
    assert 4 * len(chosen) + 1 < exchange.most_subscriptions == MOST_SUBSCRIPTIONS <= 1000
