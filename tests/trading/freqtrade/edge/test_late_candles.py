"""Candles never hold up the loop for long."""

import asyncio
import time

import ccxt
import pytest

from market_making.trading.freqtrade.edge.door import DoorLater
from market_making.trading.freqtrade.edge.late_candles import LateCandles
from market_making.trading.freqtrade.edge.pace import Pace

ROWS = 120


class Client:
    """An asynchronous client that answers with candles, or as a test says."""

    def __init__(self):
        self.asked = 0
        self.trouble = None

    async def request(self, path, api="public", method="GET", params=None, config=None):
        self.asked += 1
        if isinstance(self.trouble, Exception):
            raise self.trouble
        if self.trouble is not None:
            await self.trouble.wait()
        return [{}] * ROWS

    async def candles(self, coin="ETH", interval="1m"):
        question = {"type": "candleSnapshot", "req": {"coin": coin, "interval": interval}}
        return len(await self.request("info", "public", "POST", question, config={}))


class Watch:
    """A clock that a test moves."""

    now_s = 1_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def client(bucket, loop, watch):
    """Behind the pace, as a bot has it."""
    client = Client()
    DoorLater(client, [LateCandles(watch, "1m").step_later, Pace(bucket, loop).step_later])
    return client


def leave(bucket, tokens):
    bucket.charge(bucket.tokens - tokens)


async def timed(asking):
    began = time.monotonic()
    return await asking, time.monotonic() - began


async def test_they_come_with_a_later_loop_where_they_would_have_to_wait(client, bucket):
    """The first ones of a market are waited for; 20 and 60 that are left to others are needed."""
    leave(bucket, 70)
    rows, took_s = await timed(client.candles())
    assert (rows, took_s > 0.5) == (ROWS, True)
    leave(bucket, 70)
    rows, took_s = await timed(client.candles())
    assert (rows, took_s < 0.2, client.asked) == (0, True, 1)
    leave(bucket, 100)
    assert (await client.candles(), client.asked) == (ROWS, 2)


async def test_once_a_minute_late_ones_wait_for_their_turn(client, bucket, watch):
    """Else they would never come beside a bot that asks for all the weight there is."""
    await client.candles()
    for wait_s, rows in ((0.0, 0), (59.0, 0), (2.0, ROWS), (1.0, 0)):
        leave(bucket, 70)
        watch.now_s += wait_s
        assert await client.candles() == rows, wait_s


@pytest.mark.parametrize("trouble", [ccxt.RequestTimeout("cut"), ccxt.ExchangeNotAvailable("502"), None])
async def test_an_exchange_that_does_not_answer_holds_it_up_for_a_second(client, watch, trouble):
    """Four seconds once a minute, and never the 50 of five tries; nothing is raised where candles are there."""
    await client.candles()
    client.trouble = asyncio.Event() if trouble is None else trouble
    for wait_s, longest_s in ((0.0, 1.5), (30.0, 1.5), (31.0, 4.5), (1.0, 1.5)):
        watch.now_s += wait_s
        rows, took_s = await timed(client.candles())
        assert (rows, took_s < longest_s) == (0, True), (wait_s, took_s)
    client.trouble = None
    assert await client.candles() == ROWS


async def test_the_first_ones_are_asked_for_as_freqtrade_does(client):
    """Its own tries begin again while there is nothing to quote from."""
    client.trouble = ccxt.RequestTimeout("cut")
    with pytest.raises(ccxt.RequestTimeout):
        await client.candles()


async def test_other_questions_pass(client, bucket):
    """They wait as ever; candles of an hour are those of funding."""
    for _ in range(2):
        leave(bucket, 70)
        assert await client.candles(interval="1h") == ROWS
    leave(bucket, 70)
    assert len(await client.request("info", "public", "POST", {"type": "meta"}, config={})) == ROWS
