"""The account is the truth: what the bot does not know is told and cancelled, what is odd is not believed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from hyperliquid.exchange import Exchange

from market_making.venue.faults.presets import read_faults
from tests.live_bot import LiveBot
from tests.puppet_market import ADDRESS, KEY, PuppetMarket, VenueThread

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:hyperliquid"),
]


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot that quotes, one for all faults; the account is read in every loop.

    It does not ask for lost orders by their name: here they are found without it.
    """
    folder: Path = tmp_path_factory.mktemp("bot")
    changes = {"market_making": {"quote": {"maximum_account_age_s": 0}, "edge": {"named": False}}}
    with VenueThread(PuppetMarket(), faults=read_faults("on-request")) as venue:
        running = LiveBot(venue, folder, changes=changes)
        running.publish()
        with running:
            running.wait(lambda: len(venue.open_orders()) == 1, 40, "quoting")
            yield running


@pytest.fixture(autouse=True)
def quoting(bot: LiveBot) -> Iterator[None]:
    """Quotes before and after each fault."""
    bot.venue.heal()
    bot.publish()
    bot.wait(lambda: len(bot.venue.open_orders()) == 1, 30, "quoting")
    yield
    bot.venue.heal()
    bot.publish()
    bot.wait(lambda: len(bot.venue.open_orders()) == 1, 30, "quoting again")


def foreign(bot: LiveBot) -> list[dict[str, Any]]:
    """What the decision log says of orders that the bot did not make."""
    return [line for line in bot.decisions() if line["event"] == "foreign" and line["reason"] == "order_unknown"]


def strikes(bot: LiveBot) -> int:
    """How often a fault has struck since it was injected."""
    return len(requests.get(f"{bot.venue.url}/faults", timeout=5).json()["strikes"])


def cancel_all(bot: LiveBot) -> None:
    """Take the resting order away, so that the bot places another."""
    exchange = Exchange(Account.from_key(KEY), bot.venue.url, account_address=ADDRESS)
    for order in bot.venue.open_orders():
        assert exchange.cancel(order["coin"], order["oid"])["status"] == "ok"


@pytest.mark.parametrize("fault", [{"fault": "status", "code": 504, "executed": True}, {"fault": "cut"}])
def test_an_order_whose_answer_was_lost_is_found_told_and_cancelled(bot: LiveBot, fault: dict[str, Any]) -> None:
    """Accepted by the exchange, unknown to Freqtrade: told once, gone within seconds; quoting goes on."""
    before = len(foreign(bot))
    bot.venue.inject(fault | {"action": "order", "times": 1})
    cancel_all(bot)
    bot.wait(lambda: len(foreign(bot)) > before, 15, "telling")
    lost = foreign(bot)[-1]["detail"]
    gone = bot.wait(lambda: all(str(order["oid"]) not in lost for order in bot.venue.open_orders()), 8, "cancelling")
    assert gone < 8
    assert len(foreign(bot)) == before + 1


def test_an_order_of_another_hand_is_told_and_cancelled(bot: LiveBot) -> None:
    """On the bot's own account nobody else places orders; the bot's own order is left alone."""
    before = len(foreign(bot))
    exchange = Exchange(Account.from_key(KEY), bot.venue.url, account_address=ADDRESS)
    status = exchange.order("ETH", True, 0.05, 2500.0, {"limit": {"tif": "Alo"}})["response"]["data"]["statuses"][0]
    oid = status["resting"]["oid"]
    bot.wait(lambda: oid not in {order["oid"] for order in bot.venue.open_orders()}, 16, "cancelling")
    assert len(foreign(bot)) == before + 1


@pytest.mark.parametrize("answer", ["zero", "null", "empty"])
def test_one_odd_answer_about_the_account_neither_sells_nor_latches(bot: LiveBot, answer: str) -> None:
    """Nothing is opened while it lasts; no risk limit is reached by it."""
    fills = bot.venue.audit()["fills"]
    bot.venue.inject({"fault": answer, "info": "clearinghouseState", "times": 2})
    bot.wait(lambda: strikes(bot) == 2, 20, "striking")
    bot.wait(lambda: len(bot.venue.open_orders()) == 1, 30, "quoting again")
    assert bot.venue.audit()["fills"] == fills
    assert not [line for line in bot.decisions() if line.get("reason") in ("drawdown", "daily_loss")]
