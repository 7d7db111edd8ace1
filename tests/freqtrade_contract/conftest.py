"""Stock Freqtrade inside the test, on the local venue: one call of `process` is one loop."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade

from tests.live_bot import ROOT, merged
from tests.puppet_market import PuppetMarket, VenueThread, live_config

STRATEGIES = Path(__file__).parent / "strategies"


@pytest.fixture
def venue() -> Iterator[VenueThread]:
    """A venue of its own for every test."""
    with VenueThread(PuppetMarket()) as running:
        yield running


@pytest.fixture
def start(venue: VenueThread, tmp_path: Path) -> Iterator[Callable[..., FreqtradeBot]]:
    """Start a bot with the probe strategy, or another one, and changes to its configuration."""
    bots: list[FreqtradeBot] = []

    def start_bot(strategy: str = "Probe", path: Path = STRATEGIES, **changes: Any) -> FreqtradeBot:
        private = tmp_path / "private.json"
        private.write_bytes(orjson.dumps(merged(live_config(venue.url, tmp_path), changes)))
        arguments = {
            "config": [str(ROOT / "user_data" / "config.json"), str(private)],
            "user_data_dir": str(ROOT / "user_data"),
            "strategy": strategy,
            "strategy_path": str(path),
        }
        bots.append(FreqtradeBot(Configuration(arguments, RunMode.LIVE).get_config()))
        return bots[-1]

    yield start_bot
    for bot in bots:
        bot.cleanup()
    Trade.session.remove()


@pytest.fixture
def bot(start: Callable[..., FreqtradeBot]) -> FreqtradeBot:
    """A bot with the probe strategy that may go short."""
    return start(market_making={"probe_may_short": True})
