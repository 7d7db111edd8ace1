"""Listings that take long come in the end."""

import asyncio

import pytest

from market_making.trading.freqtrade.edge import late_markets
from market_making.trading.freqtrade.edge.late_markets import LateMarkets


class Exchange:
    """What the override touches: a listing is due until it comes, takes its time, and what fails is only logged."""

    def __init__(self, takes_s):
        self.takes_s = takes_s
        self.tried = self.listed = 0

    def reload_markets(self, force=False, *, load_leverage_tiers=True):
        if self.listed and not force:
            return
        self.tried += 1
        try:
            asyncio.run(self._api_reload_markets(reload=True))
        except TimeoutError:
            return
        self.listed += 1

    async def _api_reload_markets(self, reload=False):
        await asyncio.sleep(self.takes_s)


@pytest.mark.parametrize("takes", [0.5, 1.5, 3.0, 6.0, 9.0])
def test_each_further_try_may_take_twice_as_long(monkeypatch, takes):
    """Else a listing of many dexes beside a busy bot would never come, at a cost in every minute."""
    unit_s, now_s = 0.05, 0.0
    monkeypatch.setattr(late_markets, "_ANSWER_S", unit_s)
    monkeypatch.setattr(late_markets, "_LONGEST_ANSWER_S", 10 * unit_s)
    exchange = Exchange(takes * unit_s)
    LateMarkets(exchange, lambda: now_s)
    while not exchange.listed:
        exchange.reload_markets()
        exchange.reload_markets()  # in the next loop: it is asked for once a minute
        now_s += 61.0
        assert now_s < 600.0
    assert exchange.tried - exchange.listed == sum(limit < takes for limit in (1, 2, 4, 8))


def test_who_forces_a_listing_waits_for_it(monkeypatch):
    """As Freqtrade does at its start."""
    monkeypatch.setattr(late_markets, "_ANSWER_S", 0.01)
    exchange = Exchange(0.1)
    LateMarkets(exchange, lambda: 0.0)
    exchange.reload_markets(force=True)
    assert exchange.listed == 1
