"""Stock Freqtrade with the market maker on a venue that plays faults."""

import time
from typing import Any

import pytest

from market_making.trading.freqtrade.edge import patience, sleep
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT, merged
from tests.puppet_market import PuppetMarket, VenueThread, parameters


@pytest.fixture
def venue(request):
    """A venue on which all is well until a test says otherwise."""
    with VenueThread(PuppetMarket(), faults=Faults(), **getattr(request, "param", {})) as running:
        yield running


@pytest.fixture
def maker(start, tmp_path):
    """Start the market maker; it ends as a bot ends, and may start again with the same database."""

    def start_maker(**changes: Any) -> Any:
        mid = changes.pop("mid", 3000.0)
        valid_until_ms = int(time.time() * 1e3) + 600_000
        market = parameters().market.model_copy(update={"mid": mid})
        parameters(valid_until_ms=valid_until_ms, market=market).write(tmp_path / "parameters")
        own = {"edge": {"pace": False}, "quote": {"minimum_life_s": 0, "maximum_account_age_s": 0}}
        changes = merged({"market_making": own}, changes)
        return start("MarketMaking", ROOT / "user_data" / "strategies", **changes)

    yield start_maker
    sleep.restore()
    patience.restore()
