"""The pace: order of precedence, back-off, and what becomes of the bot's own questions."""

import asyncio
import time
from contextlib import nullcontext

import ccxt
import pytest
from freqtrade.exceptions import FreqtradeException

from market_making.hyperliquid.shared_bucket import BURST, OWED_LIMIT, REFILL
from market_making.market.errors import SafetyError
from market_making.market.reasons import Reason
from market_making.trading.freqtrade.edge.door import Door, DoorLater, Request
from market_making.trading.freqtrade.edge.pace import Meter, Pace
from tests.trading.freqtrade.edge.fakes import TOO_MANY, Client


@pytest.fixture
def pace(bucket, loop):
    return Pace(bucket, loop)


@pytest.fixture
def client(pace):
    client = Client(userFillsByTime=[{}] * 400)
    Door(client, [pace.step])
    return client


def elapsed_s(call):
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_a_burst_passes_at_once_and_counts_true_weights(client, bucket, pace):
    """Ten books weigh 20, a question for fills 20 and one for every 20 of its 400 rows."""
    assert elapsed_s(lambda: [client.ask("l2Book") for _ in range(10)]) < 0.1
    client.ask("userFillsByTime")
    assert pace.meter.per_minute == 60
    assert bucket.tokens == pytest.approx(BURST - 60, abs=3)


def test_rows_are_expected_after_the_first_answer(client, bucket, pace):
    """So that two questions with many rows do not both go on the last token."""
    client.ask("userFillsByTime")
    client.answers["userFillsByTime"] = []
    client.ask("userFillsByTime")
    assert pace.meter.per_minute == 60


def test_an_empty_bucket_is_waited_for(client, bucket):
    """A book needs two tokens, and leaves 30."""
    bucket.charge(BURST + 1)
    assert elapsed_s(lambda: client.ask("l2Book")) == pytest.approx(33 / REFILL, abs=0.1)


def test_actions_and_what_is_held_owe_what_the_minute_still_has(client, bucket):
    """An empty bucket holds up neither a cancellation nor the news of a fill; a spent minute does."""
    bucket.charge(BURST + 20)
    assert elapsed_s(client.act) < 0.05
    assert elapsed_s(lambda: client.ask("clearinghouseState")) < 0.05
    bucket.charge(OWED_LIMIT)
    with pytest.raises(ccxt.RateLimitExceeded, match="would have to wait"):
        client.act()
    assert client.asked == ["order", "clearinghouseState"]


def test_a_list_in_which_an_order_is_looked_up_waits_for_nothing(pace, bucket):
    """Orders of other pairs would wait with it, and it owes no more than a few seconds bring."""
    bucket.charge(BURST + 80 - 25)
    began = time.monotonic()
    for kind, passes in (("frontendOpenOrders", True), ("historicalOrders", False)):
        question = Request("info", "public", "POST", {"type": kind}, {}, may_wait=False)
        with nullcontext() if passes else pytest.raises(ccxt.RateLimitExceeded, match="would have to wait"):
            pace.step(question, lambda _: [])
    assert time.monotonic() - began < 0.1


def test_actions_go_first_then_what_a_cancellation_stands_on(client, bucket):
    """With 5 tokens an action passes at once; what would have to wait longer than the bot may stand is refused."""
    bucket.charge(BURST - 5)
    assert elapsed_s(client.act) < 0.05
    bucket.charge(20)
    with pytest.raises(ccxt.RateLimitExceeded, match="would have to wait"):
        client.ask("candleSnapshot")
    assert elapsed_s(lambda: client.ask("l2Book")) > 1
    assert client.asked == ["order", "l2Book"]


def test_lists_leave_actions_and_the_status_of_orders_what_they_may_owe(client, bucket):
    """However much the lists of the account have taken, a cancellation waits for nothing."""
    bucket.charge(BURST + 79)
    with pytest.raises(ccxt.RateLimitExceeded, match="would have to wait"):
        client.ask("frontendOpenOrders")
    assert elapsed_s(lambda: client.ask("orderStatus")) < 0.05
    bucket.charge(200)
    assert elapsed_s(client.act) < 0.05
    assert client.asked == ["orderStatus", "order"]


def test_a_refusal_makes_the_bot_ask_less_and_leave_out_its_own_questions_first(client, bucket, loop):
    """After a 429 nothing of the plan is asked, without a wait; an action still is."""
    client.answers["orderStatus"] = TOO_MANY
    with pytest.raises(ccxt.RateLimitExceeded):
        client.ask("orderStatus")
    assert bucket.is_slow
    with loop.planning():
        with pytest.raises(SafetyError, match="fewer requests") as caught:
            client.ask("l2Book")
        client.act()
    assert caught.value.reason is Reason.EXCHANGE_ERROR
    assert client.asked == ["orderStatus", "order"]


def test_a_minute_of_refusals_asks_less_than_a_minute_without(client, bucket):
    """A client that goes on asking, as Freqtrade's retries do, is held to a third."""
    client.answers["l2Book"] = TOO_MANY
    ends = time.monotonic() + 3
    while time.monotonic() < ends:
        with pytest.raises(ccxt.RateLimitExceeded):
            client.ask("l2Book")
    assert len(client.asked) <= 2


def test_the_address_limit_is_no_reason_to_ask_less(client, bucket):
    """It counts actions, not questions."""
    client.answers["order"] = ccxt.RateLimitExceeded("Too many cumulative requests sent (37986 > 10436)")
    with pytest.raises(ccxt.RateLimitExceeded):
        client.act()
    assert not bucket.is_slow


def test_an_own_question_that_fails_is_not_asked_again(client, loop):
    """Freqtrade repeats a temporary error four times, with a timeout each, while an order rests; not this one."""
    client.answers["l2Book"] = ccxt.RequestTimeout("cut")
    with loop.planning(), pytest.raises(FreqtradeException) as caught:
        client.ask("l2Book")
    assert type(caught.value) is FreqtradeException
    with pytest.raises(ccxt.RequestTimeout):
        client.ask("l2Book")


def test_an_own_question_does_not_wait_long(client, bucket, loop):
    """A loop that stands still cancels nothing."""
    bucket.charge(BURST + 60)
    with loop.planning(), pytest.raises(SafetyError, match="would have to wait"):
        client.ask("l2Book")


async def test_an_asynchronous_client_waits_without_stopping_its_loop(bucket, pace):
    """Candles are asked for by five tasks at once."""

    class Later:
        async def request(self, path, api="public", method="GET", params=None, config=None):
            return [{}] * 120

    client = Later()
    DoorLater(client, [pace.step_later])
    bucket.charge(BURST - 60 - 22)
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    question = {"type": "candleSnapshot", "req": {}}
    answers = await asyncio.gather(*(client.request("info", "public", "POST", question, config={}) for _ in range(2)))
    ticking.cancel()
    assert [len(answer) for answer in answers] == [120, 120]
    assert ticks > 20


def test_the_meter_forgets_after_a_minute():
    """Weight per minute is of the last minute."""
    now_s = 0.0
    meter = Meter(lambda: now_s)
    meter.add(20)
    now_s = 59.0
    meter.add(2)
    assert meter.per_minute == 22
    now_s = 60.1
    assert meter.per_minute == 2
