"""What several tests of the edge need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from market_making.hyperliquid.shared_bucket import SharedBucket
from market_making.trading.freqtrade.edge.loop import Loop


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[SharedBucket]:
    """The weight that the bots of a machine share, full."""
    bucket = SharedBucket(tmp_path / "pace")
    yield bucket
    bucket.close()


@pytest.fixture
def loop() -> Loop:
    """The loop of a bot."""
    return Loop()
