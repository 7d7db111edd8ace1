"""Fixtures every test may use."""

from pathlib import Path

import pytest

RECORDINGS = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Root of a tick store with real recordings; tests that need one skip where there is none."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recorded market data at {RECORDINGS}")
    return RECORDINGS
