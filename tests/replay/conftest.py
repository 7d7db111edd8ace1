"""A recording that every test of replay may use."""

from pathlib import Path

import pytest

from calibration.backfill import backfill
from calibration.publication.history import History, read_history
from market_making.market.instrument import Instrument
from market_making.recording.store.tick_store import TickStore
from market_making.replay.tape.cache import SessionTape, TapeCache
from market_making.replay.tape.sessions import spans_of
from market_making.settings.settings import Settings
from tests.replay.markets import START_MS, record, simulated_events

ETH = Instrument.hyperliquid("ETH", 4)


@pytest.fixture(scope="session")
def simulated_store(tmp_path_factory: pytest.TempPathFactory) -> TickStore:
    """Three minutes of ETH across a full hour, simulated."""
    root = tmp_path_factory.mktemp("simulated")
    return TickStore(record(root, "ETH", simulated_events("ETH", 180, seed=7)))


@pytest.fixture
def tapes(tmp_path: Path) -> Path:
    """Folder of a cache."""
    return tmp_path / "tapes"


@pytest.fixture(scope="session")
def simulated_settings(simulated_store: TickStore, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a bot that quotes on it, with the history of its calibrations."""
    section = {
        "market_data": str(simulated_store.root),
        "parameters": str(tmp_path_factory.mktemp("parameters")),
        "sides": "alternate",
        "model": {"order_notional": 20.0, "widen_toxicity": 1000.0, "pause_toxicity": 1000.0},
        "quote": {"maximum_half_spread_bps": 3.0},
        "calibration": {"minimum_exposure_s": 30.0},
    }
    settings = Settings.from_section(section)
    backfill("ETH", settings, start_ms=START_MS, end_ms=START_MS + 180_000)
    return settings


@pytest.fixture(scope="session")
def simulated_history(simulated_settings: Settings) -> History:
    """What was published of it."""
    return read_history(simulated_settings.parameters, "ETH", START_MS, START_MS + 180_000)


@pytest.fixture(scope="session")
def simulated_tape(simulated_store: TickStore, tmp_path_factory: pytest.TempPathFactory) -> SessionTape:
    """Its tape."""
    (span,) = spans_of(simulated_store, "ETH")
    return TapeCache(simulated_store, tmp_path_factory.mktemp("tapes")).session(ETH, span)
