"""An entry that is cancelled while no bot runs leaves nothing that blocks its pair after the restart."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account import Account
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade
from hyperliquid.exchange import Exchange

from market_making.trading.freqtrade.edge import sleep
from tests.live_bot import ROOT
from tests.puppet_market import ADDRESS, KEY, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")


@pytest.fixture
def maker(start: Callable[..., FreqtradeBot], tmp_path: Path) -> Iterator[Callable[[], FreqtradeBot]]:
    """Start the market maker, as often as a test wants, always with the same database."""

    def start_maker() -> FreqtradeBot:
        parameters().write(tmp_path / "parameters")
        bot = start("MarketMaking", ROOT / "user_data" / "strategies")
        bot.startup()
        return bot

    yield start_maker
    sleep.restore()


def test_an_entry_that_was_cancelled_while_the_bot_was_dead_does_not_block_its_pair(
    maker: Callable[[], FreqtradeBot], venue: VenueThread
) -> None:
    """By the guard, the exchange or a person: Freqtrade finds it cancelled at its start, and the bot quotes."""
    maker().process()
    (order,) = venue.open_orders()
    Trade.session.remove()
    Exchange(Account.from_key(KEY), venue.url, account_address=ADDRESS).cancel("ETH", order["oid"])
    again = maker()
    (trade,) = Trade.get_open_trades()
    assert (trade.amount, trade.has_open_orders) == (0, False)
    deadline = time.monotonic() + 20
    while not venue.open_orders():  # the first candle after a start may take a loop
        assert time.monotonic() < deadline, "it does not quote again"
        again.process()
    (trade,) = Trade.get_open_trades()
    assert [str(order["oid"]) for order in venue.open_orders()] == [trade.open_orders[0].order_id]
    assert trade.open_orders[0].order_id != str(order["oid"])
