"""Best quotes of another venue reach the one who acts on them, whatever its connections do."""

import asyncio
import contextlib

import pytest

from market_making.market.errors import ConfigurationError
from market_making.market.events import BestQuote, Level
from market_making.recording.other_venues.binance import BinanceFutures
from market_making.recording.other_venues.collector import client_of
from market_making.recording.other_venues.dydx import Dydx
from market_making.recording.other_venues.leading_quotes import LeadingQuotes
from tests.recording.other_venues.conftest import HURRIED, SmallVenue

pytestmark = pytest.mark.timeout(30)

TOPIC = "btcusdt@bookTicker"


def ticker(bid, ask, **more):
    known = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": str(bid), "B": "2", "a": str(ask), "A": "3"}
    return known | {"T": 1_700_000_000_000, "E": 1_700_000_000_005} | more


@contextlib.asynccontextmanager
async def following(dialects, coins=frozenset({"BTC"})):
    """A stand-in for Binance USD-M, somebody who follows it, and what was told."""
    told = []
    async with SmallVenue(dialects["binanceusdm"]()) as venue:
        quirks = BinanceFutures()

        def connect():
            return client_of(quirks, {"timeout_on_exit": 0, **venue.dialect.settings(venue.address)})

        feed = LeadingQuotes(quirks, connect, HURRIED)
        running = asyncio.create_task(feed.run(lambda: coins, told.append))
        try:
            yield venue, told
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_each_best_quote_is_told_once_with_the_venues_time(dialects):
    """Also of several in a row, and by our name of the coin."""
    async with following(dialects) as (venue, told):
        await venue.subscribed(TOPIC)
        await venue.send(TOPIC, ticker(99.0, 100.0), ticker(98.0, 99.0), ticker(97.0, 98.0))
        await until(lambda: len(told) == 3)
    assert told[0] == BestQuote("BTC", 1_700_000_000_000, Level(99.0, 2.0), Level(100.0, 3.0))
    assert [quote.bid.price for quote in told] == [99.0, 98.0, 97.0]


async def test_a_lost_connection_is_renewed_and_nonsense_is_left_out(dialects):
    async with following(dialects) as (venue, told):
        await venue.subscribed(TOPIC)
        await venue.send(TOPIC, ticker(99.0, 100.0), ticker("-5", 100.0), ticker(98.0, 99.0))
        await until(lambda: len(told) == 2)
        await venue.drop()
        await venue.subscribed(TOPIC)
        await venue.send(TOPIC, ticker(97.0, 98.0))
        await until(lambda: len(told) == 3)
    assert [quote.bid.price for quote in told] == [99.0, 98.0, 97.0]


async def test_a_coin_that_the_venue_does_not_list_is_left_out(dialects, caplog):
    async with following(dialects, frozenset({"BTC", "WLFI"})) as (venue, told):
        await venue.subscribed(TOPIC)
        await venue.send(TOPIC, ticker(99.0, 100.0))
        await until(lambda: told)
        await until(lambda: "does not lead WLFI" in caplog.text)


def test_a_venue_without_best_quotes_is_refused():
    with pytest.raises(ConfigurationError, match="must stream best quotes"):
        LeadingQuotes(Dydx())
