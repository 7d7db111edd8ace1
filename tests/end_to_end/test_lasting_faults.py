"""Faults that last, beside a stock bot with two pairs and everything on: what they do to one pair and to the other.

``ALL_FAULTS=1`` plays them, in three minutes; the everyday tests play them one loop at a time, and without the pace.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from market_making.venue.faults.document import Faults
from tests.live_bot import LiveBot
from tests.puppet_market import PuppetMarket, VenueThread, parameters

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("ALL_FAULTS"), reason="three minutes; ALL_FAULTS=1 plays them"),
]
COINS = ("ETH", "BTC")
CANNOT_BE_ASKED = (
    {"fault": "unknown"},
    {"fault": "status", "code": 500},
    {"fault": "null"},
    {"fault": "zero"},
    {"fault": "half"},
)


@pytest.fixture(scope="module", params=[True, False], ids=lambda on: f"socket-{on}")
def bot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot that quotes two pairs, one for all faults."""
    folder: Path = tmp_path_factory.mktemp("bot")
    changes = {
        "exchange": {"pair_whitelist": [f"{coin}/USDC:USDC" for coin in COINS]},
        "max_open_trades": len(COINS),
        "market_making": {"edge": {"socket": request.param}},
    }
    with VenueThread(PuppetMarket(coins=COINS), faults=Faults()) as venue:
        running = LiveBot(venue, folder, changes=changes)
        for coin in COINS:
            valid_until_ms = int(time.time() * 1e3) + 3_600_000
            parameters(coin=coin, pair=f"{coin}/USDC:USDC", valid_until_ms=valid_until_ms).write(folder / "parameters")
        with running:
            running.wait(lambda: len(resting(running)) == 2, 60, "quotes")
            yield running


@pytest.fixture(autouse=True)
def quoting(bot: LiveBot) -> Iterator[None]:
    """Both pairs are quoted before and after each fault; the pace has some time to save requests for the next one."""
    bot.wait(lambda: len(resting(bot)) == 2, 30, "quoting")
    rested_s = time.monotonic()
    bot.wait(lambda: time.monotonic() - rested_s > 5.0, 6, "rest")
    yield
    bot.venue.heal()
    bot.wait(lambda: len(resting(bot)) == 2, 40, "quoting again")


def resting(bot: LiveBot) -> dict[str, int]:
    """The number of each coin's order."""
    return {order["coin"]: order["oid"] for order in bot.venue.open_orders()}


@pytest.mark.parametrize("fault", CANNOT_BE_ASKED, ids=lambda each: each["fault"])
def test_an_order_that_cannot_be_asked_about_is_gone_and_the_other_pair_is_quoted(
    bot: LiveBot, fault: dict[str, Any]
) -> None:
    """Mid comes too close to both: the other pair is quoted anew within 3 s, the order is gone within 15 s."""
    before = resting(bot)
    bot.venue.inject(fault | {"info": "orderStatus", "coin": "ETH"})
    bot.venue.market.mid -= 1.0
    bot.wait(lambda: resting(bot).get("BTC") not in (before["BTC"], None), 3, "the other pair")
    bot.wait(lambda: before["ETH"] not in resting(bot).values(), 15, "cancelling")


@pytest.mark.parametrize("seconds", [1.5, 10.0])
def test_a_cancel_that_fails_for_a_moment_leaves_no_stale_order_for_half_a_minute(bot: LiveBot, seconds: float) -> None:
    """Freqtrade's own pause after it is 30 s; both orders are gone within five seconds of the repair."""
    before = set(resting(bot).values())
    bot.venue.inject({"fault": "status", "code": 502, "action": "cancel", "until_s": seconds})
    bot.venue.market.mid -= 1.0
    bot.wait(lambda: not before & set(resting(bot).values()), seconds + 5, "cancelling")


def test_the_kill_switch_acts_within_three_seconds_of_a_bot_that_tries_again(bot: LiveBot) -> None:
    """Without the guard, while every cancel of Freqtrade's has just failed."""
    bot.venue.inject({"fault": "status", "code": 502, "action": "cancel", "until_s": 1.0})
    bot.venue.market.mid -= 1.0
    began = time.monotonic()
    bot.wait(lambda: time.monotonic() - began > 1.0, 2, "a failure")
    write_kill(bot.folder / "state", Kill(1))
    bot.wait(lambda: not resting(bot), 3, "the kill switch")
    remove_kill(bot.folder / "state")
