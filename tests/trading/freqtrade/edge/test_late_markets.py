"""Listings that take long come in the end."""

import asyncio

import pytest

from market_making.trading.freqtrade.edge.late_markets import LateMarkets


class ReadyClock(asyncio.SelectorEventLoop):
    """A loop that waits for nothing: its clock steps to what comes next, so a slow machine changes no order."""

    now_s = 0.0

    def time(self):
        return self.now_s

    def _run_once(self):
        if self._scheduled and not self._ready:
            self.now_s = max(self.now_s, self._scheduled[0].when())
        super()._run_once()


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
            with asyncio.Runner(loop_factory=ReadyClock) as runner:
                runner.run(self._api_reload_markets(reload=True))
        except TimeoutError:
            return
        self.listed += 1

    async def _api_reload_markets(self, reload=False):
        await asyncio.sleep(self.takes_s)


@pytest.mark.parametrize("takes", [0.5, 1.5, 3.0, 6.0, 9.0])
def test_each_further_try_may_take_twice_as_long(takes):
    """Else a listing of many dexes beside a busy bot would never come, at a cost in every minute."""
    now_s = 0.0
    exchange = Exchange(takes)
    LateMarkets(exchange, lambda: now_s)
    while not exchange.listed:
        exchange.reload_markets()
        exchange.reload_markets()  # in the next loop: it is asked for once a minute
        now_s += 61.0
        assert now_s < 600.0
    assert exchange.tried - exchange.listed == sum(limit < takes for limit in (1, 2, 4, 8))


def test_who_forces_a_listing_waits_for_it():
    """As Freqtrade does at its start."""
    exchange = Exchange(60.0)
    LateMarkets(exchange, lambda: 0.0)
    exchange.reload_markets(force=True)
    assert exchange.listed == 1
