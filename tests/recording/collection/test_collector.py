"""The collector against a small exchange on a real socket, with the faults a real one has."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from market_making.hyperliquid.contexts import CONTEXT, EVERY_CONTEXT, EveryContext, context_fields
from market_making.hyperliquid.feed import RateLimit, Timing
from market_making.hyperliquid.market_data import Subscription, format_frame
from market_making.market.errors import ConfigurationError, UnknownCoin
from market_making.market.events import AssetContext, BestQuote, Level
from market_making.market.identity import Dex, Kind, Market, SpotTokens
from market_making.market.instrument import Listing
from market_making.market.selection import Selection
from market_making.recording.collection.choosing import MOST_CONNECTIONS, MOST_MARKETS, busiest, subscriptions_of
from market_making.recording.collection.collector import Collector, end_all
from market_making.recording.collection.recorder import Recorder
from market_making.recording.store.rows import quote_row, trade_row
from market_making.recording.store.storage import LocalStorage
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.safety.state_file import read_state

BBO = Subscription("bbo", "ETH")
TRADES = Subscription("trades", "ETH")
REAL_TRADES = (
    b'{"channel":"trades","data":[{"coin":"ETH","side":"A","px":"2999.9","sz":"0.0594","time":%d,'
    b'"hash":"0x1f3a0000000000000000000000000000000000000000000000000000000000aa","tid":118906512037719,'
    b'"users":["0x010461c14e146ac35fe42271bdc1134ee31c703a","0xecb63caa47c7c4e77f60f1ce858cf28dc2b82b00"]}]}'
)


@asynccontextmanager
async def collecting(collector: Collector) -> AsyncIterator[None]:
    """Run a collector for the length of a block, then stop it as a signal would."""
    stop = asyncio.Event()
    running = asyncio.create_task(collector.run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def until(condition: Callable[[], bool], *, seconds: float = 5.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def rows(root: Path, stream: Stream, coin: str = "ETH") -> list[dict]:
    """Everything recorded of a stream."""
    return TickStore(root).read(coin, stream, 0, 2**42).to_pylist()


async def test_what_the_exchange_sends_is_in_the_store(exchange, hurried, now, make_quote, make_trade, tmp_path):
    """Quotes, trades and both books that arrived before the stop are recorded with the exchange's times."""
    collector = Collector(exchange.url, ["ETH", "BTC"], tmp_path, flush_seconds=0.05, options=hurried)
    start = now()
    async with collecting(collector):
        await exchange.subscribed(BBO, TRADES, Subscription("bbo", "BTC"))
        await exchange.quote(make_quote(start))
        await exchange.quote(BestQuote("ETH", start + 1, Level(100.0, 1.0), None))
        await exchange.trade(make_trade(start + 60_000, 7))
        await exchange.send(TRADES, REAL_TRADES % (start + 60_001))
        await until(lambda: len(rows(tmp_path, Stream.TRADES)) == 2 and rows(tmp_path, Stream.BOOK))
    quotes = rows(tmp_path, Stream.BBO)
    assert [(row["exchange_ms"], row["bid_price"], row["ask_price"]) for row in quotes] == [
        (start, 100.0, 101.0),
        (start + 1, 100.0, None),
    ]
    made, real = rows(tmp_path, Stream.TRADES)
    assert (made["side"], made["trade_id"], made["replayed"]) == ("buy", "7", False)
    assert (real["side"], real["price"], real["seller"]) == (
        "sell",
        2999.9,
        "0xecb63caa47c7c4e77f60f1ce858cf28dc2b82b00",
    )
    assert rows(tmp_path, Stream.BOOK)[0]["ask_price_19"] == 120.0
    assert rows(tmp_path, Stream.BOOK_FAST, "BTC")[0]["bid_price_4"] == 96.0
    assert collector.counts.received == collector.counts.written


async def test_a_coin_the_exchange_does_not_list_is_refused_by_name(exchange, tmp_path):
    """A typing error ends the program at once, and says what exists."""
    with pytest.raises(UnknownCoin, match=r"ETHX \(did you mean ETH\?\), OLD \(delisted\) not listed; .*: BTC, ETH"):
        await Collector(exchange.url, ["ETH", "ETHX", "OLD"], tmp_path).run()


async def test_one_bad_pair_of_the_configuration_stops_no_other(exchange, hurried, make_quote, now, tmp_path, caplog):
    """A delisted one, one that never was and a broken expression are told in log and state file, the rest recorded."""
    pairs = ("ETH/USDC:USDC", "OLD/USDC:USDC", "NEVER/USDC:USDC", "(")
    options = replace(hurried, state=tmp_path / "state")
    collector = Collector(exchange.url, Selection(pairs), tmp_path / "ticks", flush_seconds=0.05, options=options)
    async with collecting(collector):
        await exchange.subscribed(BBO)
        await exchange.quote(make_quote(now()))
        await until(lambda: rows(tmp_path / "ticks", Stream.BBO))
        await until((tmp_path / "state" / "collector.json").exists)
        assert collector.coins == ("ETH",)
    state = read_state(tmp_path / "state" / "collector.json")
    assert [text.split()[0] for text in state.failures] == list(pairs[1:])
    assert "left out: OLD/USDC:USDC (delisted), NEVER/USDC:USDC" in caplog.text


async def test_no_coin_at_all_is_a_wrong_configuration(tmp_path):
    """An empty list is not taken to mean everything."""
    with pytest.raises(ConfigurationError, match="no coin to record"):
        Collector("http://127.0.0.1:1", [], tmp_path)


async def test_none_means_every_coin_the_venue_lists(exchange, hurried, tmp_path):
    """The whole universe is recorded without naming it."""
    async with collecting(Collector(exchange.url, None, tmp_path, flush_seconds=0.05, options=hurried)):
        await until(lambda: TickStore(tmp_path).coins() == ("BTC", "ETH"))


async def test_a_dropped_connection_is_renewed_and_the_gap_recorded(
    exchange, hurried, now, make_quote, make_trade, tmp_path
):
    """After an abnormal end: new subscription, no trade twice, a gap from the last frame to the next."""
    start = now()
    async with collecting(Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)):
        await exchange.subscribed(BBO, TRADES)
        exchange.backlog = [make_trade(start - 900, 1), make_trade(start - 100, 2)]
        await exchange.trade(*exchange.backlog)
        await exchange.quote(make_quote(start))
        await until(lambda: len(rows(tmp_path, Stream.TRADES)) == 2)
        exchange.backlog.append(make_trade(start - 50, 3))
        await exchange.drop_connections()
        await until(lambda: exchange.connections == 4)
        await exchange.subscribed(BBO, TRADES)
        await until(lambda: len(rows(tmp_path, Stream.TRADES)) == 3)
        await exchange.quote(make_quote(now(), bid=102.0))
        await until(lambda: len(rows(tmp_path, Stream.BBO)) == 2)
    trades = rows(tmp_path, Stream.TRADES)
    assert [row["trade_id"] for row in trades] == ["1", "2", "3"]
    assert trades[2]["replayed"]
    lost = [row for row in rows(tmp_path, Stream.GAPS) if row["reason"] == "reconnect" and row["stream"] == "bbo"]
    assert lost
    assert start <= lost[0]["start_ms"] < lost[-1]["end_ms"] <= rows(tmp_path, Stream.BBO)[-1]["exchange_ms"]


async def test_the_same_message_twice_is_recorded_once(exchange, hurried, now, make_quote, make_trade, tmp_path):
    """Duplicates of trades, quotes and books collapse; messages out of order are put in order."""
    start = now()
    async with collecting(Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)):
        await exchange.subscribed(BBO, TRADES)
        for _ in range(3):
            await exchange.trade(make_trade(start + 200, 2), make_trade(start + 100, 1))
            await exchange.quote(make_quote(start))
        await exchange.quote(make_quote(start + 50, bid=99.0))
        await until(lambda: len(rows(tmp_path, Stream.BBO)) == 2)
    assert [row["trade_id"] for row in rows(tmp_path, Stream.TRADES)] == ["1", "2"]


async def test_silence_is_taken_for_loss(exchange, hurried, tmp_path):
    """A connection that stays open but says nothing is replaced, and the silence is a gap."""
    async with collecting(Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)):
        await until(lambda: bool(rows(tmp_path, Stream.BOOK_FAST)))
        before = exchange.connections
        exchange.silent = True
        await until(lambda: exchange.connections > before)
        exchange.silent = False
        await until(lambda: any(row["reason"] == "silence" for row in rows(tmp_path, Stream.GAPS)))


async def test_one_silent_coin_does_not_cost_the_others_their_connection(exchange, hurried, tmp_path):
    """A coin whose book stops is subscribed again while the connection goes on."""
    exchange.deaf_coins = {"BTC"}
    async with collecting(Collector(exchange.url, ["ETH", "BTC"], tmp_path, flush_seconds=0.05, options=hurried)):
        await until(lambda: Subscription("l2Book", "BTC", fast=True) in exchange.unsubscribed)
        exchange.deaf_coins = set()
        await until(lambda: bool(rows(tmp_path, Stream.BOOK_FAST, "BTC")))
    assert exchange.connections == 2


async def test_a_coin_that_is_delisted_is_left_out_of_the_next_connection(exchange, hurried, tmp_path, monkeypatch):
    """Asking for it once more would end the connection for every other coin."""
    monkeypatch.setattr("market_making.hyperliquid.directory.FRESH_S", 0.0)
    async with collecting(Collector(exchange.url, ["ETH", "BTC"], tmp_path, flush_seconds=0.05, options=hurried)):
        await exchange.subscribed(Subscription("bbo", "BTC"), BBO)
        exchange.listings = tuple(listing for listing in exchange.listings if listing.coin != "BTC")
        await exchange.drop_connections()
        await until(lambda: exchange.connections == 4)
        await exchange.subscribed(BBO)
        await asyncio.sleep(0.1)
    assert exchange.connections == 4


def delist(listings):
    return tuple(listing._replace(delisted=listing.coin == "BTC" or listing.delisted) for listing in listings)


def rename(listings):
    return tuple(listing._replace(coin="XBT") if listing.coin == "BTC" else listing for listing in listings)


@pytest.mark.parametrize("change", [delist, rename, lambda listings: listings], ids=["delisted", "renamed", "halted"])
async def test_a_market_that_ceases_while_recording_costs_no_other_a_row(
    exchange, hurried, tmp_path, monkeypatch, change
):
    """Its book stops; to ask for it again would end the connection where the exchange lists it no more."""
    monkeypatch.setattr("market_making.hyperliquid.directory.FRESH_S", 0.0)
    timing = replace(hurried.timing, fast_book_silence_s=1.0, book_silence_s=2.0)
    options = replace(hurried, timing=timing)
    async with collecting(Collector(exchange.url, ["ETH", "BTC"], tmp_path, flush_seconds=0.05, options=options)):
        await exchange.subscribed(Subscription("bbo", "BTC"), BBO)
        await until(lambda: bool(rows(tmp_path, Stream.BOOK_FAST, "BTC")))
        before = exchange.connections
        exchange.deaf_coins, exchange.listings = {"BTC"}, change(exchange.listings)
        await asyncio.sleep(3.0)  # longer than any silence lasts before it is asked for again
    assert exchange.connections == before
    assert {row["reason"] for row in rows(tmp_path, Stream.GAPS)} == {"start", "stop"}


async def test_an_exchange_that_is_down_is_waited_for(exchange, hurried, tmp_path):
    """Refused connections are tried again until one is taken."""
    exchange.refused_connections = 5
    async with collecting(Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)):
        await until(lambda: bool(rows(tmp_path, Stream.BOOK_FAST)))
    assert exchange.refused_connections == 0


async def test_messages_that_cannot_be_read_are_counted_and_the_feed_goes_on(
    exchange, hurried, now, make_quote, tmp_path
):
    """Nonsense from the exchange costs itself only."""
    collector = Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)
    async with collecting(collector):
        await exchange.subscribed(BBO)
        for text in (b"{", b"[]", b'{"channel":"bbo","data":{"coin":"ETH"}}', b'{"channel":"new","data":1}'):
            await exchange.send(BBO, text)
        await exchange.quote(make_quote(now()))
        await until(lambda: bool(rows(tmp_path, Stream.BBO)))
    assert collector.malformed_messages == 3


async def test_a_restart_repeats_nothing_and_records_its_own_gap(
    exchange, hurried, now, make_quote, make_trade, tmp_path
):
    """A second run knows the trades of the first, and the time between them is a gap."""
    start = now()
    exchange.backlog = [make_trade(start - 1000, 1)]
    for bid in (100.0, 105.0):
        async with collecting(Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)):
            await exchange.subscribed(BBO, TRADES)
            await exchange.quote(make_quote(now(), bid))
            await until(lambda bid=bid: any(row["bid_price"] == bid for row in rows(tmp_path, Stream.BBO)))
    segments = list(tmp_path.glob("hyperliquid/ETH/*/trades-*.parquet"))
    assert len(segments) == 1
    reasons = [row["reason"] for row in rows(tmp_path, Stream.GAPS) if row["stream"] == "bbo"]
    assert reasons == ["start", "stop", "start", "stop"]


async def test_after_a_crash_between_two_streams_the_later_one_has_a_gap(
    exchange, hurried, now, make_quote, make_trade, tmp_path
):
    """Where quotes reached the disk and trades did not, the time since the flush before is a gap of the trades."""
    flush_s, newest = 5.0, now() - 60_000
    recorder = Recorder(LocalStorage(tmp_path), "hyperliquid", "before")
    for age_ms in (20_000, 0):
        recorder.add("ETH", Stream.BBO, quote_row(make_quote(newest - age_ms), newest - age_ms))
    recorder.add("ETH", Stream.TRADES, trade_row(make_trade(newest - 20_000, 1), newest, replayed=False))
    await recorder.flush()
    async with collecting(Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=flush_s, options=hurried)):
        await exchange.subscribed(BBO, TRADES)
    crashes = {row["stream"]: row for row in rows(tmp_path, Stream.GAPS) if row["reason"] == "crash"}
    assert {name: newest - row["start_ms"] for name, row in crashes.items()} == {
        "trades": 10_000,
        "book_fast": 10_000,
        "book": 60_000,
    }
    assert {row["end_ms"] for row in crashes.values()} == {newest}


@pytest.mark.parametrize("stream", [Stream.TRADES, Stream.BBO, Stream.GAPS])
async def test_a_damaged_segment_keeps_no_coin_from_being_recorded(
    exchange, hurried, now, make_quote, make_trade, tmp_path, stream
):
    """Where the end of the last run cannot be read, it is taken for a crash, and the time since is a gap as ever."""
    newest = now() - 60_000
    recorder = Recorder(LocalStorage(tmp_path), "hyperliquid", "before")
    recorder.add("ETH", Stream.BBO, quote_row(make_quote(newest), newest))
    recorder.add("ETH", Stream.TRADES, trade_row(make_trade(newest, 1), newest, replayed=False))
    recorder.add_gap("ETH", Stream.BBO, newest, newest, "stop")
    await recorder.flush()
    (damaged,) = tmp_path.glob(f"hyperliquid/ETH/*/{stream}-*.parquet")
    damaged.write_bytes(b"torn")
    collector = Collector(exchange.url, ["ETH", "BTC"], tmp_path, flush_seconds=0.05, options=hurried)
    async with collecting(collector):
        await until(lambda: all(rows(tmp_path, Stream.BOOK_FAST, coin) for coin in ("ETH", "BTC")))
    damaged.unlink()
    assert newest in {row["start_ms"] for row in rows(tmp_path, Stream.GAPS) if row["reason"] == "start"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_recording_without_loss(exchange, hurried, now, make_quote, tmp_path, number):
    """What was received before the signal is in the store when the program ends."""
    collector = Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=3600, options=hurried)
    running = asyncio.create_task(collector.run())
    await exchange.subscribed(BBO)
    await exchange.quote(make_quote(now()))
    await until(lambda: collector.counts.received > 4)
    os.kill(os.getpid(), number)
    await running
    assert collector.counts.received == collector.counts.written
    assert len(rows(tmp_path, Stream.BBO)) == 1


async def test_a_cancelled_recording_is_flushed_too(exchange, hurried, now, make_quote, tmp_path):
    """Cancelling the task is as good as a signal."""
    collector = Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=3600, options=hurried)
    running = asyncio.create_task(collector.run())
    await exchange.subscribed(BBO)
    await exchange.quote(make_quote(now()))
    await until(lambda: collector.counts.received > 4)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert len(rows(tmp_path, Stream.BBO)) == 1


async def test_the_clock_of_the_exchange_is_measured(exchange, hurried, tmp_path):
    """The offset is what the exchange's clock is ahead, to within the round trip."""
    exchange.clock_ahead_ms = 1500
    collector = Collector(exchange.url, ["ETH"], tmp_path, flush_seconds=0.05, options=hurried)
    async with collecting(collector):
        await until(lambda: collector.clock_offset_ms is not None)
    assert collector.clock_offset_ms == pytest.approx(1500, abs=100)


def markets_of(perpetuals, deployed=0, spot=0):
    """So many markets of each kind."""
    dex = Dex("xyz", 1)
    return [
        *(Market.perpetual(Listing(f"C{place}", 2), place) for place in range(perpetuals)),
        *(Market.perpetual(Listing(f"xyz:C{place}", 2, fee_scale=1.0), place, dex) for place in range(deployed)),
        *(Market.spot(Listing(f"@{index}", 2), index, SpotTokens(f"T{index}", "USDC"), f"T{index}/USDC")
          for index in range(1, spot + 1)),
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "connections", "total"), [(60, 2, 300), (61, 4, 245), (200, 8, 801), (240, 8, 961)])
def test_as_many_markets_fit_as_the_exchange_allows(count, connections, total):
    """Contexts of many come by one subscription; fast and slow books never share a connection."""
    plan = subscriptions_of(markets_of(count))
    assert (len(plan), sum(map(len, plan))) == (connections, total)
    for subscriptions in plan:
        assert len({subscription.fast for subscription in subscriptions}) == 1
    assert MOST_MARKETS == 240


def test_the_busiest_of_every_kind_fit():
    """Of what the exchange lists, 178 perpetuals, 148 of other dexes and 324 spot pairs, those with the most value."""
    everything = markets_of(178, 148, 324)
    volumes = {market.wire: float(place % 7 * 1000 + place) for place, market in enumerate(everything)}
    chosen = busiest(everything, volumes, MOST_MARKETS)
    least = min(volumes[market.wire] for market in chosen)
    assert len(chosen) == MOST_MARKETS
    assert all(volumes[market.wire] <= least for market in everything if market not in chosen)
    assert len(subscriptions_of(chosen)) == MOST_CONNECTIONS == 8


@pytest.mark.parametrize(
    ("kinds", "together", "alone"),
    [((60, 0, 40), 0, 100), ((61, 0, 40), 1, 40), ((60, 0, 180), 1, 19), ((178, 0, 62), 1, 19), ((0, 0, 240), 0, 20)],
)
def test_contexts_of_spot_come_with_those_of_many_perpetuals_as_far_as_subscriptions_go(kinds, together, alone):
    """The subscription for many tells of perpetuals alone; of 1000 subscriptions some are left to the bots there."""
    markets = markets_of(*kinds)
    asked = [subscription for subscriptions in subscriptions_of(markets) for subscription in subscriptions]
    assert len(asked) == len(set(asked)) <= 980
    own = [subscription.coin for subscription in asked if subscription.channel == CONTEXT]
    assert (sum(each.channel == EVERY_CONTEXT for each in asked), len(own)) == (together, alone)
    needing = [market.wire for market in markets if not together or market.kind is Kind.SPOT]
    assert own == needing[:alone]


def test_more_markets_than_the_exchange_allows_are_refused_with_the_numbers():
    """The message says how many subscriptions there would be, and how many may be named."""
    with pytest.raises(ConfigurationError, match=r"260 markets need 10 connections and 1041 .* at most 240"):
        subscriptions_of(markets_of(260))


async def test_only_the_busiest_are_recorded_and_chosen_anew(exchange, hurried, tmp_path):
    """By the value traded; when another overtakes them it is recorded from the next choice on."""
    exchange.volumes = {"BTC": 5.0, "ETH": 7.0}
    options = replace(hurried, most=1, choice_s=1.5)
    async with collecting(Collector(exchange.url, None, tmp_path, flush_seconds=0.05, options=options)):
        await until(lambda: TickStore(tmp_path).coins() == ("ETH",))
        exchange.volumes = {"BTC": 9.0, "ETH": 7.0}
        await until(lambda: TickStore(tmp_path).coins() == ("BTC", "ETH"))


async def test_every_context_is_recorded_by_its_place(exchange, hurried, tmp_path):
    """Of many perpetuals they come in one message, in the order of the listing and with those of other dexes."""
    exchange.listings = tuple(Listing(f"C{number}", 2, delisted=number == 1) for number in range(64))
    exchange.others = (pair := markets_of(0, 0, 1)[0],)
    context = context_fields(AssetContext("", 0.00001, 7.0, 7.5, 3.0, 7.25))
    others = [dict(context, markPx=str(number + 1)) for number in range(64)]
    frame = EveryContext({"": others, "xyz": [context]})
    every, alone = Subscription("allDexsAssetCtxs", ""), Subscription(CONTEXT, pair.wire)
    patient = replace(hurried, timing=Timing())
    async with collecting(Collector(exchange.url, None, tmp_path, flush_seconds=0.05, options=patient)):
        await exchange.subscribed(every, alone)
        await exchange.send(every, format_frame(frame))
        await exchange.send(alone, format_frame(AssetContext(pair.wire, None, 9.5, None, None, 9.25)))
        store = TickStore(tmp_path)
        for coin in ("C63", pair.key):
            await until(
                lambda coin=coin: coin in store.coins() and len(store.read(coin, Stream.CONTEXT, 0, 1 << 62)) == 1,
                seconds=60,
            )
    marks = {
        coin: store.read(coin, Stream.CONTEXT, 0, 1 << 62)["mark_price"].to_pylist()
        for coin in ("C0", "C2", "C63", pair.key)
    }
    assert marks == {"C0": [1.0], "C2": [3.0], "C63": [64.0], pair.key: [9.5]}
    assert "C1" not in store.coins()


def test_timing_leaves_quiet_feeds_in_peace():
    """Best quotes and trades may be silent for as long as they like."""
    timing = Timing()
    assert timing.silence_s(BBO) == timing.silence_s(TRADES) == float("inf")


async def test_no_more_than_the_allowance_is_taken_in_a_minute(monkeypatch):
    """The fourth of three a minute waits until the first is a minute old."""
    clock, waits = [1000.0], []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr("market_making.hyperliquid.feed.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("market_making.hyperliquid.feed.asyncio.sleep", sleep)
    allowance = RateLimit(3)
    for _ in range(4):
        await allowance.take()
        clock[0] += 5
    assert waits == [45.0]


async def test_a_task_that_loses_a_cancellation_is_cancelled_again():
    """Else a collector whose venue ends together with it would run on for ever, and flush nothing."""

    async def work():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end_all({task}, again_s=0.01)
    assert task.cancelled()
