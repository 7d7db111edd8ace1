"""The collector against the local venue: two programs that know each other by the protocol only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from market_making.market.errors import UnknownCoin
from market_making.recording.collection.collector import Collector
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.config import VenueConfig
from market_making.venue.server import LocalVenue


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Address of a venue that lists ETH and BTC, ten times as fast as the clock."""
    venue = LocalVenue(SimulatedSource(default_truths(("ETH", "BTC")), seed=1), VenueConfig(speed=10.0))
    yield await venue.start()
    await venue.stop()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> TickStore:
    """A few seconds of both coins."""
    root = tmp_path_factory.mktemp("store")

    async def record() -> None:
        async with serving() as url:
            collector = Collector(url, ["ETH", "BTC"], root, flush_seconds=0.2)
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later(4, stop.set)
            await collector.run(stop)
            assert collector.malformed_messages == 0
            assert abs(collector.clock_offset_ms) < 100

    asyncio.run(record())
    return TickStore(root)


@pytest.mark.parametrize("coin", ["ETH", "BTC"])
def test_a_simulated_market_is_recorded_whole(recorded, coin):
    """Quotes, trades, books and contexts arrive; nothing is missing between the first and the last."""
    start_ms, end_ms = recorded.extent(coin)
    assert recorded.streams(coin, start_ms, end_ms) == set(Stream)
    tape = recorded.tape(coin, start_ms, end_ms)
    quotes = tape.quotes.time_ms
    assert len(tape.gaps[(tape.gaps[:, 0] > quotes[0]) & (tape.gaps[:, 1] < quotes[-1])]) == 0
    assert len(tape.trades.price) > 10
    assert np.all(tape.quotes.half_spread > 0)


def test_prints_lie_at_or_beyond_the_quote_before_them(recorded):
    """A market buy prints at or above the last ask strictly before its block, a market sell at or below the bid."""
    tape = recorded.tape("ETH", *recorded.extent("ETH"))
    before = np.searchsorted(tape.quotes.time_ms, tape.trades.time_ms, side="left") - 1
    known = before >= 0
    trades, sign = tape.trades.price[known], tape.trades.sign[known]
    touched = np.where(sign > 0, tape.quotes.ask_price[before[known]], tape.quotes.bid_price[before[known]])
    assert known.sum() > 10
    assert np.mean(sign * (trades - touched) >= 0) > 0.9


async def test_a_coin_the_venue_does_not_list_is_refused(tmp_path):
    """The local venue's listing is believed like the exchange's."""
    async with serving() as url:
        with pytest.raises(UnknownCoin, match="SOL not listed; the venue lists 2 markets: BTC, ETH"):
            await Collector(url, ["SOL"], tmp_path).run()
