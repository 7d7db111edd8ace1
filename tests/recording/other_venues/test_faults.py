"""What a venue, the network and ccxt can do to a recording, and what the store says of it afterwards."""

import asyncio
import dataclasses
import time

import pytest

from market_making.market.clock import now_ms
from market_making.market.errors import UnknownCoin
from market_making.recording.other_venues import directory
from market_making.recording.other_venues.binance import BinanceSpot
from market_making.recording.other_venues.bybit import Bybit
from market_making.recording.streams import Stream
from tests.recording.other_venues.conftest import HURRIED

pytestmark = pytest.mark.timeout(30)

TRADES, ONE, FIFTY = "publicTrade.BTCUSDT", "orderbook.1.BTCUSDT", "orderbook.50.BTCUSDT"


def one(time_ms: int, bid: float = 99.0) -> dict:
    data = {"s": "BTCUSDT", "b": [[str(bid), "1"]], "a": [["100", "3"]], "u": 1, "seq": 1}
    return {"topic": ONE, "type": "snapshot", "ts": time_ms, "data": data}


def sold(time_ms: int, identity: str, **more: object) -> dict:
    printed = {"T": time_ms, "s": "BTCUSDT", "S": "Sell", "v": "0.001", "p": "99", "i": identity, "BT": False, **more}
    return {"topic": TRADES, "type": "snapshot", "ts": time_ms, "data": [printed]}


async def test_a_lost_connection_is_renewed_and_noted(record, dialects):
    """Each stream of the lost connection has a gap from its last event to the first one after."""
    async with record(Bybit(), dialects["bybit"]()) as recorded:
        venue, start = recorded.venue, now_ms()
        await venue.subscribed(TRADES, ONE)
        await venue.send(ONE, one(start))
        await venue.send(TRADES, sold(start, "a"))
        await recorded.until(Stream.BBO, 1)
        await recorded.until(Stream.TRADES, 1)
        await venue.drop()
        await venue.subscribed(TRADES, ONE)
        await venue.send(ONE, one(start + 7000, 98.0))
        await venue.send(TRADES, sold(start + 8000, "b"))
        await recorded.until(Stream.BBO, 2)
        await recorded.until(Stream.TRADES, 2)
    for stream, until in ((Stream.BBO, 7000), (Stream.TRADES, 7000)):
        gaps = recorded.gaps(stream, "reconnect")
        assert min(gap["start_ms"] for gap in gaps) == start
        assert until <= max(gap["end_ms"] for gap in gaps) - start <= 8000


async def test_a_venue_that_refuses_is_asked_for_ever(record, dialects):
    """Refused connections cost clients, not the recording; none of them stays open."""
    async with record(Bybit(), dialects["bybit"]()) as recorded:
        venue = recorded.venue
        await venue.subscribed(TRADES, ONE)
        venue.refusing = True
        await venue.drop()
        async with asyncio.timeout(10):
            while len(recorded.clients) < 10:
                await asyncio.sleep(0.01)
        venue.refusing = False
        await venue.subscribed(TRADES, ONE, FIFTY)
        await venue.send(ONE, one(now_ms()))
        await recorded.until(Stream.BBO, 1)
        assert venue.open_sockets == 2


async def test_a_silent_stream_is_renewed_and_its_gap_says_why(record, dialects):
    """Silence is the reason of the silent stream's gap; the stream beside it was cut off by the renewal."""
    patience = dataclasses.replace(HURRIED, quote_silence_s=0.4)
    async with record(Bybit(), dialects["bybit"](), patience=patience) as recorded:
        venue, start = recorded.venue, now_ms()
        await venue.subscribed(TRADES, ONE)
        await venue.send(ONE, one(start))
        await venue.send(TRADES, sold(start, "a"))
        async with asyncio.timeout(10):
            while not (recorded.gaps(Stream.BBO, "silence") and recorded.gaps(Stream.TRADES, "reconnect")):
                await asyncio.sleep(0.02)
    assert recorded.gaps(Stream.BBO, "silence")[0]["start_ms"] == start


async def test_a_quiet_market_is_renewed_less_and_less(record, dialects):
    """The patience doubles with each renewal, so that a market without quotes is not renewed without end."""
    patience = dataclasses.replace(HURRIED, quote_silence_s=0.1, trade_silence_s=20.0, longest_silence_s=20.0)
    start = time.monotonic()
    async with record(Bybit(), dialects["bybit"](), patience=patience) as recorded:
        async with asyncio.timeout(10):
            while recorded.venue.connections < 6:
                await asyncio.sleep(0.01)
        # Before the third client of a kind, the first was given 0.1 s and the second 0.2 s.
        assert time.monotonic() - start > 0.3


async def test_a_print_received_twice_is_recorded_once(record, dialects):
    """The venue repeats a print after a reconnection and within one frame."""
    async with record(Bybit(), dialects["bybit"]()) as recorded:
        venue, start = recorded.venue, now_ms()
        for _ in range(2):
            await venue.subscribed(TRADES, ONE)
            await venue.send(TRADES, sold(start, "a"), sold(start, "a"), sold(start, "b"))
            await recorded.until(Stream.TRADES, 2)
            await venue.drop()
        await venue.subscribed(TRADES)
        await venue.send(TRADES, sold(start + 1, "c"))
        await recorded.until(Stream.TRADES, 3)
    assert [row["trade_id"] for row in recorded.rows(Stream.TRADES)] == ["a", "b", "c"]


async def test_nonsense_is_counted_and_the_rest_recorded(record, dialects):
    """A print without a price costs itself only; one that ccxt cannot parse costs the connection, which is renewed."""
    patience = dataclasses.replace(HURRIED, quote_silence_s=0.5, trade_silence_s=0.5)
    async with record(Bybit(), dialects["bybit"](), patience=patience) as recorded:
        venue, start = recorded.venue, now_ms()
        await venue.subscribed(TRADES, ONE)
        await venue.send(TRADES, sold(start, "a", p="0"), sold(start, "b"))
        await recorded.until(Stream.TRADES, 1)
        assert recorded.collector.malformed_messages == 1
        connections = venue.connections
        await venue.send(TRADES, "{not json")
        async with asyncio.timeout(10):
            while venue.connections == connections:
                await asyncio.sleep(0.02)
        await venue.subscribed(TRADES)
        await venue.send(TRADES, sold(start + 1, "c"))
        await recorded.until(Stream.TRADES, 2)


async def test_prints_count_as_observed_while_quotes_flow(record, dialects):
    """On a coin nobody trades, the opening gap of the prints ends with a quote, not with the first print."""
    async with record(Bybit(), dialects["bybit"]()) as recorded:
        venue, start = recorded.venue, now_ms()
        await venue.subscribed(TRADES, ONE)
        await asyncio.sleep(2 * HURRIED.settled_s)
        await venue.send(ONE, one(start))
        await recorded.until(Stream.BBO, 1)
        async with asyncio.timeout(10):
            while not recorded.gaps(Stream.TRADES, "start"):
                await asyncio.sleep(0.02)
    assert recorded.gaps(Stream.TRADES, "start")[-1]["end_ms"] == start


async def test_the_end_does_not_wait_for_a_venue_that_hangs(record, dialects, monkeypatch):
    """A venue that does not answer the goodbye costs a moment, not the rows."""
    monkeypatch.setattr(directory, "CLOSE_S", 0.2)
    async with record(Bybit(), dialects["bybit"]()) as recorded:
        venue = recorded.venue
        await venue.subscribed(TRADES, ONE)
        await venue.send(ONE, one(now_ms()))
        await recorded.until(Stream.BBO, 1)
        for socket in venue._open:
            socket._req.transport.pause_reading()
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 5
    assert recorded.gaps(Stream.BBO, "stop")


async def test_an_unknown_coin_is_refused_with_its_neighbours(record, dialects):
    """The message names what the venue lists under a similar name."""
    with pytest.raises(UnknownCoin, match=r"PEPE not listed, near it: 1000PEPE.*binance lists 2 spot markets against"):
        async with record(BinanceSpot(), dialects["binance"](), coins=["PEPE"]) as recorded:
            await asyncio.wait_for(recorded._running, 10)


async def test_of_quotes_that_come_at_once_none_is_lost(record, dialects):
    """ccxt wakes those who wait once a burst; the recording has every quote of it, in order."""
    async with record(Bybit(), dialects["bybit"]()) as recorded:
        venue, start = recorded.venue, now_ms()
        await venue.subscribed(ONE)
        await venue.send(ONE, *(one(start + number, 50.0 + number / 10) for number in range(200)))
        await recorded.until(Stream.BBO, 200)
    assert [row["bid_price"] for row in recorded.rows(Stream.BBO)] == [50.0 + number / 10 for number in range(200)]
