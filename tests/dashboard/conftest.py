"""A browser, and the page of a system that runs."""

from contextlib import closing

import pytest

from market_making.market.clock import now_ms
from tests.dashboard.browsing import CHROMIUM
from tests.dashboard.served import Served
from tests.dashboard.written import write_all, write_decisions


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def served(tmp_path):
    """The page of a system that runs."""
    settings = write_all(tmp_path, now_ms())
    write_decisions(settings, [{"time_ms": now_ms(), "event": "fill", "side": "bid", "price": 2990.0, "size": 0.01}])
    with closing(Served(settings)) as server:
        server.settings = settings
        yield server
