"""The end of a ccxt client: nothing stays open, however often whoever ends it is cancelled."""

import asyncio

import pytest

from market_making.recording.other_venues.directory import close


class Client:
    """Its goodbye takes a while."""

    def __init__(self):
        self.session, self.goodbye = object(), asyncio.Event()

    async def close(self):
        await self.goodbye.wait()
        self.session = None


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_whoever_is_cancelled_while_it_ends_a_client_ends_it_first(times):
    """And is cancelled then."""
    client = Client()
    ending = asyncio.create_task(close(client))
    for _ in range(times):
        await asyncio.sleep(0)
        ending.cancel()
    await asyncio.sleep(0)
    client.goodbye.set()
    await asyncio.wait({ending}, timeout=5)
    assert client.session is None
    assert ending.cancelled() is (times > 0)


async def test_an_error_of_the_end_is_told():
    """As ccxt raises it."""

    class Broken(Client):
        async def close(self):
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await close(Broken())
