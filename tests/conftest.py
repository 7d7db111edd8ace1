"""Fixtures every test may use."""

from pathlib import Path

import pytest
from hypothesis import settings

# The same examples at every run, and no failure because a machine is slow.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

RECORDINGS = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Root of a tick store with real recordings; tests that need one skip where there is none."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recorded market data at {RECORDINGS}")
    return RECORDINGS
