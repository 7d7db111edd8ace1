"""Funding within an hour is nothing; whatever is not certain is asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from market_making.trading.freqtrade.edge.funding import Funding


class Exchange:
    def __init__(self):
        self.asked = []

    def funding_fee_cutoff(self, open_date):
        return open_date.minute == 0 and open_date.second == 0

    def get_funding_fees(self, pair, amount, is_short, open_date):
        self.asked.append(open_date)
        return 1.5


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
