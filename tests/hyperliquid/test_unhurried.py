"""What is asked beside a bot is counted with what the bot asks, and lets it go first."""

import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from market_making.hyperliquid import information
from market_making.hyperliquid.shared_bucket import BURST, REFILL, SharedBucket, bucket_path
from market_making.hyperliquid.unhurried import unhurried_session
from tests.puppet_market import PuppetMarket, VenueThread


@pytest.fixture(scope="module")
def venue() -> Iterator[VenueThread]:
    with VenueThread(PuppetMarket()) as running:
        yield running


@pytest.fixture
def bucket(venue: VenueThread, tmp_path: Path) -> Iterator[SharedBucket]:
    """As a bot of this machine has it."""
    bucket = SharedBucket(bucket_path(tmp_path, venue.url))
    yield bucket
    bucket.close()


def opened(folder: Path) -> int:
    """How many files of a folder this process has open."""
    return sum(link.resolve().is_relative_to(folder) for link in Path("/proc/self/fd").iterdir())


async def test_questions_take_from_the_bots_bucket(venue: VenueThread, bucket: SharedBucket, tmp_path: Path) -> None:
    """Four for what is listed, of 20 each; a websocket weighs nothing."""
    async with unhurried_session(tmp_path, venue.url) as session:
        await information.markets(session, venue.url)
        assert bucket.tokens == pytest.approx(BURST - 80, abs=5)
        async with session.ws_connect(f"{venue.url}/ws"):
            assert bucket.tokens == pytest.approx(BURST - 80, abs=8)
    assert opened(tmp_path) == 1, "the file of the bucket that the test has open"


async def test_they_wait_until_enough_is_left_to_the_bots(
    venue: VenueThread, bucket: SharedBucket, tmp_path: Path
) -> None:
    """A question of weight 20 leaves 80."""
    bucket.charge(bucket.tokens - 80)
    began = time.monotonic()
    async with unhurried_session(tmp_path, venue.url) as session:
        await information.ask(session, venue.url, {"type": "meta"})
    assert time.monotonic() - began == pytest.approx(20 / REFILL, abs=0.4)
    assert bucket.tokens == pytest.approx(80, abs=5)


async def test_they_do_not_wait_for_ever(venue: VenueThread, bucket: SharedBucket, tmp_path: Path) -> None:
    """Beside bots that ask for all there is, and what is asked then is owed."""
    bucket.charge(bucket.tokens + 500)
    began = time.monotonic()
    async with unhurried_session(tmp_path, venue.url) as session:
        await information.ask(session, venue.url, {"type": "meta"})
        assert 3.5 < time.monotonic() - began < 5.0
        assert bucket.tokens < -500 + 5 * REFILL
        began = time.monotonic()
        await information.clock_offset_ms(session, venue.url)
    assert time.monotonic() - began < 1.0, "how long an answer takes is what the clock is measured by"


@pytest.mark.parametrize("state", [None, Path("missing")])
async def test_without_bots_nothing_is_counted_nor_left_behind(
    venue: VenueThread, tmp_path: Path, state: Path | None
) -> None:
    """No folder is made."""
    async with unhurried_session(state and tmp_path / state, venue.url) as session:
        assert isinstance(session, aiohttp.ClientSession)
        await information.markets(session, venue.url)
    assert list(tmp_path.iterdir()) == []
