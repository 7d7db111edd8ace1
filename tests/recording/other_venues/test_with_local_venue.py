"""The way through ccxt against the native one, at the same time on the same local venue."""

import asyncio
from typing import Any, NamedTuple

import pytest

from market_making.recording.collection.collector import Collector
from market_making.recording.other_venues.collector import OtherVenueCollector, VenueOptions, client_of
from market_making.recording.other_venues.hyperliquid import HyperliquidThroughCcxt
from market_making.recording.store.tick_store import TickStore
from market_making.recording.streams import Stream
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.config import VenueConfig
from market_making.venue.server import LocalVenue

COINS = ["ETH", "BTC"]
SECONDS = 3.5
BOOK_COLUMNS = [
    f"{side}_{what}_{level}" for level in range(20) for side in ("bid", "ask") for what in ("price", "size")
]


class Both(NamedTuple):
    """The two recordings of the same seconds."""

    native: TickStore
    through_ccxt: TickStore

    def rows(self, coin: str, stream: Stream) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of the time that both have recorded."""
        start_ms, end_ms = self.through_ccxt.extent(coin)
        return tuple(store.read(coin, stream, start_ms, end_ms).to_pylist() for store in self)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Some seconds of two coins of a simulated market, ten times as fast as the clock."""
    roots = [tmp_path_factory.mktemp(name) for name in ("native", "ccxt")]

    async def record() -> None:
        config = VenueConfig(speed=10.0, slow_book_period_s=0.5)
        venue = LocalVenue(SimulatedSource(default_truths(tuple(COINS)), seed=1), config)
        url = await venue.start()
        quirks = HyperliquidThroughCcxt()
        addresses = {"public": url, "private": url, "ws": {"public": url.replace("http", "ws") + "/ws"}}
        through = VenueOptions(connect=lambda: client_of(quirks, {"urls": {"api": addresses}, "rateLimit": 1}))
        native = Collector(url, COINS, roots[0], flush_seconds=0.5)
        ccxt_way = OtherVenueCollector(quirks, COINS, roots[1], flush_seconds=0.5, through=through)
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(SECONDS, stop.set)
        await asyncio.gather(native.run(stop), ccxt_way.run(stop))
        await venue.stop()
        assert (ccxt_way.malformed_messages, ccxt_way.counts.received - ccxt_way.counts.written) == (0, 0)
        assert abs(ccxt_way.clock_offset_ms - native.clock_offset_ms) < 100

    asyncio.run(record())
    return Both(*(TickStore(root) for root in roots))


@pytest.mark.parametrize("coin", COINS)
def test_every_print_is_the_same(both, coin):
    """Time, aggressor, price, size and id of each print of the common seconds; none is missing."""
    native, through_ccxt = (
        [tuple(row[name] for name in ("exchange_ms", "side", "price", "size", "trade_id")) for row in rows]
        for rows in both.rows(coin, Stream.TRADES)
    )
    assert len(native) > 10
    assert set(through_ccxt) == set(native)
    assert len(through_ccxt) == len(set(through_ccxt))


@pytest.mark.parametrize("coin", COINS)
def test_every_book_is_one_that_the_native_way_saw(both, coin):
    """All levels of a book are those of the native recording at the same time, and quotes are its top."""
    native, through_ccxt = both.rows(coin, Stream.BOOK)
    known = {row["exchange_ms"]: [row[name] for name in BOOK_COLUMNS] for row in native}
    first, *repeated = through_ccxt  # the first book is sent to the new subscriber alone
    assert len(repeated) >= 2
    for row in repeated:
        assert [row[name] for name in BOOK_COLUMNS] == known[row["exchange_ms"]]
    shallow = both.rows(coin, Stream.BOOK_FAST)[1]
    tops = {row["exchange_ms"]: (row["bid_price_0"], row["ask_size_0"]) for row in shallow}
    assert first["exchange_ms"] in tops
    for row in both.rows(coin, Stream.BBO)[1]:
        assert (row["bid_price"], row["ask_size"]) == tops[row["exchange_ms"]]


def test_what_is_recorded_this_way_is_a_tape(both):
    """A reader finds quotes, prints and no gap between them."""
    start_ms, end_ms = both.through_ccxt.extent("ETH")
    tape = both.through_ccxt.tape("ETH", start_ms, end_ms)
    assert len(tape.quotes.time_ms) > 2
    assert len(tape.trades.price) > 10
    inner = (tape.gaps[:, 0] > tape.quotes.time_ms[0]) & (tape.gaps[:, 1] < tape.quotes.time_ms[-1])
    assert not inner.any()
