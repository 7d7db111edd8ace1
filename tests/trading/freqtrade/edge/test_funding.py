"""Funding within an hour is nothing; whatever is not certain is asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from market_making.trading.freqtrade.edge.funding import Funding


class Exchange:
    def __init__(self):
        self.asked = []

    def funding_fee_cutoff(self, open_date):
        return open_date.minute == 0 and open_date.second == 0

    fees = 1.5

    def get_funding_fees(self, pair, amount, is_short, open_date):
        self.asked.append(open_date)
        return self.fees

    _async_get_candle_history = None  # what a real exchange answers through


NOW = datetime(2026, 9, 1, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("opened", "fees"),
    [
        (NOW - timedelta(minutes=29, seconds=59), 0.0),
        (NOW, 0.0),
        (NOW - timedelta(minutes=30), 1.5),  # at the second of the payment
        (NOW - timedelta(minutes=31), 1.5),
        (NOW - timedelta(days=1), 1.5),
        (NOW + timedelta(hours=1), 1.5),  # the exchange's clock is ahead
        (NOW.replace(tzinfo=None), 1.5),
        (None, 1.5),
    ],
)
def test_only_a_fill_of_this_hour_has_certainly_no_funding(opened, fees):
    """0 is exact after the payment of the hour, and only there."""
    exchange = Exchange()
    Funding(exchange, now=lambda: NOW)
    assert exchange.get_funding_fees(pair="ETH/USDC:USDC", amount=1.0, is_short=False, open_date=opened) == fees
    assert exchange.asked == ([] if fees == 0 else [opened])


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


def test_what_an_hour_has_cost_is_asked_for_once():
    """A quote that leaves a position moves every two seconds, and each question weighs 41."""
    exchange, clock = Exchange(), Clock()
    Funding(exchange, now=clock)
    opened = NOW - timedelta(hours=2)
    ask = lambda **other: exchange.get_funding_fees(  # noqa: E731
        **{"pair": "ETH/USDC:USDC", "amount": 1.0, "is_short": False, "open_date": opened} | other
    )
    assert [ask() for _ in range(3)] == [1.5] * 3
    clock.now = NOW.replace(minute=59, second=59)
    ask()
    assert len(exchange.asked) == 1
    for minute, second, asked in ((0, 0, 2), (0, 59, 2), (1, 1, 3), (59, 59, 3)):
        clock.now = NOW.replace(hour=11, minute=minute, second=second)  # the payment is told of within a minute
        ask()
        assert len(exchange.asked) == asked, (minute, second)
    ask(amount=2.0)
    ask(pair="BTC/USDC:USDC")
    ask(open_date=opened + timedelta(minutes=1))
    assert len(exchange.asked) == 6


def test_zero_may_be_no_answer_and_is_asked_for_again_in_a_minute():
    """Freqtrade says zero where the exchange did not answer."""
    exchange, clock = Exchange(), Clock()
    exchange.get_funding_fees = lambda **question: exchange.asked.append(question) or 0.0
    Funding(exchange, now=clock)
    for second in (5, 30, 59, 60, 61):
        clock.now = NOW + timedelta(seconds=second)
        exchange.get_funding_fees("ETH/USDC:USDC", 1.0, False, NOW - timedelta(hours=2))
    assert len(exchange.asked) == 2


def test_without_an_answer_what_was_known_holds():
    """An hour's payment cannot undo those before it; a minute later the exchange is asked again."""
    exchange, clock = Exchange(), Clock()
    Funding(exchange, now=clock)
    told = []
    for fees, minute in ((1.5, 30), (0.0, 61), (0.0, 61.5), (1.75, 62)):
        exchange.fees, clock.now = fees, NOW.replace(minute=0) + timedelta(minutes=minute)
        told.append(exchange.get_funding_fees("ETH/USDC:USDC", 1.0, False, NOW - timedelta(hours=2)))
    assert told == [1.5, 1.5, 1.5, 1.75]
    assert len(exchange.asked) == 3


def test_an_order_does_not_wait_for_what_is_only_booked():
    """Where there is no room to ask, what was known holds, and zero if nothing was; it is asked for later."""
    exchange, clock, rooms = Exchange(), Clock(), [False, True, False, True]
    Funding(exchange, now=clock, has_room=lambda: rooms.pop(0))
    told = []
    for hour in (10, 10, 11, 12):
        clock.now = NOW.replace(hour=hour)
        told.append(exchange.get_funding_fees("ETH/USDC:USDC", 1.0, False, NOW - timedelta(hours=2)))
    assert told == [0.0, 1.5, 1.5, 1.5]
    assert len(exchange.asked) == 2
    assert rooms == []
