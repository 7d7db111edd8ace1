"""A database that takes nothing more ends the bot; what rests is cancelled all the same."""

import sqlite3
import time

import pytest
from sqlalchemy.exc import OperationalError

from market_making.trading.freqtrade.edge import patience, sleep
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.fixture
def venue():
    with VenueThread(PuppetMarket(), faults=Faults()) as running:
        yield running


@pytest.fixture
def bot(start, venue, tmp_path):
    """It has a quote, and ends within the test."""
    parameters(valid_until_ms=int(time.time() * 1e3) + 600_000).write(tmp_path / "parameters")
    running = start("MarketMaking", ROOT / "user_data" / "strategies")
    deadline = time.monotonic() + 60
    while not venue.open_orders():
        assert time.monotonic() < deadline
        running.process()
    yield running
    sleep.restore()
    patience.restore()


def loop_for_ever(bot, venue):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        venue.market.mid += 3.0
        bot.process()


def dies(bot, venue):
    """Run loops while mid moves, as the process does until something is raised that nobody catches."""
    with pytest.raises(OperationalError):
        loop_for_ever(bot, venue)
    assert venue.open_orders()  # else there would be nothing to leave behind


def test_a_database_that_another_program_writes_to(bot, venue, tmp_path):
    """Longer than the 5 s that SQLite waits."""
    other = sqlite3.connect(tmp_path / "trades.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        dies(bot, venue)
        bot.cleanup()
        assert venue.open_orders() == []
    finally:
        other.execute("ROLLBACK")
        other.close()
