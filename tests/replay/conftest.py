"""A recording that every test of replay may use."""

from pathlib import Path

import pytest

from market_making.recording.store.tick_store import TickStore
from tests.replay.markets import record, simulated_events


@pytest.fixture(scope="session")
def simulated_store(tmp_path_factory: pytest.TempPathFactory) -> TickStore:
    """Three minutes of ETH across a full hour, simulated."""
    root = tmp_path_factory.mktemp("simulated")
    return TickStore(record(root, "ETH", simulated_events("ETH", 180, seed=7)))


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    """Folder of a cache."""
    return tmp_path / "tapes"
