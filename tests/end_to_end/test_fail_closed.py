"""Whatever goes wrong with what a quote depends on: no new order, and the resting one gone within two loops."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from hyperliquid.exchange import Exchange

from tests.live_bot import LiveBot
from tests.puppet_market import ADDRESS, KEY, PuppetMarket, VenueThread, parameters

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:hyperliquid"),
]

LOOP_S = 1.0
# Two loops, and the time their requests take.
CANCELLED_WITHIN_S = 2 * LOOP_S + 1.0
WATCHED_S = 3 * LOOP_S

STRATEGY = '''
from pathlib import Path
from MarketMaking import MarketMaking


class Brittle(MarketMaking):
    """Its model raises an error of no known kind while a file exists."""

    def quoter(self):
        model, broken = super().quoter(), Path(r"{flag}")

        def quote(*arguments):
            if broken.exists():
                raise RuntimeError("the model broke")
            return model(*arguments)

        return quote
'''

Fault = Callable[[LiveBot], Callable[[], None]]


def parameter_fault(spoil: Callable[[LiveBot], Any]) -> Fault:
    """A fault of the parameter file, repaired by publishing again."""

    def fault(bot: LiveBot) -> Callable[[], None]:
        spoil(bot)
        return bot.publish

    return fault


def book_fault(spoil: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """A fault of the book, repaired by the next answer."""

    def fault(bot: LiveBot) -> Callable[[], None]:
        bot.venue.spoil = spoil
        return lambda: setattr(bot.venue, "spoil", None)

    return fault


def write_text(change: Callable[[str], str]) -> Callable[[LiveBot], Any]:
    """Write over the parameter file as a careless program would."""

    def spoil(bot: LiveBot) -> None:
        path = bot.folder / "parameters" / "ETH.json"
        path.write_text(change(path.read_text()))

    return spoil


def expire(bot: LiveBot) -> None:
    now_ms = int(time.time() * 1e3)
    bot.publish(created_ms=now_ms - 90_000, valid_until_ms=now_ms - 30_000)


def other_coin(bot: LiveBot) -> None:
    bot.publish(coin="BTC")
    (bot.folder / "parameters" / "BTC.json").replace(bot.folder / "parameters" / "ETH.json")


def crossed(book: dict[str, Any]) -> dict[str, Any]:
    bids, asks = book["levels"]
    return book | {"levels": [[bids[0] | {"px": str(float(asks[0]["px"]) + 1)}, *bids[1:]], asks]}


def stopped(book: dict[str, Any]) -> dict[str, Any]:
    return book | {"time": book["time"] - 60_000}


def unknown_position(bot: LiveBot) -> Callable[[], None]:
    exchange = Exchange(Account.from_key(KEY), bot.venue.url, account_address=ADDRESS)
    assert exchange.market_open("ETH", True, 0.1)["status"] == "ok"

    def repair() -> None:
        assert exchange.market_close("ETH", 0.1)["status"] == "ok"

    return repair


def broken_model(bot: LiveBot) -> Callable[[], None]:
    flag = bot.folder / "broken"
    flag.touch()
    return flag.unlink


FAULTS: dict[str, Fault] = {
    "missing file": parameter_fault(lambda bot: (bot.folder / "parameters" / "ETH.json").unlink()),
    "stale file": parameter_fault(expire),
    "torn file": parameter_fault(write_text(lambda text: text[: len(text) // 2])),
    "wrong coin": parameter_fault(other_coin),
    "wrong pair": parameter_fault(lambda bot: bot.publish(pair="ETH/USDT:USDT")),
    "another market's mid": parameter_fault(
        lambda bot: bot.publish(market=parameters().market.model_copy(update={"mid": 3.0}))
    ),
    "NaN": parameter_fault(
        write_text(lambda text: text.replace('"value":1.5', '"value":NaN').replace(": 1.5", ": NaN"))
    ),
    "crossed book": book_fault(crossed),
    "empty book": book_fault(lambda book: book | {"levels": [[], book["levels"][1]]}),
    "stale book": book_fault(stopped),
    "unknown position": unknown_position,
    "exception inside the plan": broken_model,
}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot that quotes, one for all faults."""
    folder: Path = tmp_path_factory.mktemp("bot")
    (folder / "Brittle.py").write_text(STRATEGY.format(flag=folder / "broken"))
    changes = {"market_making": {"quote": {"maximum_account_age_s": 0}}}
    with VenueThread(PuppetMarket()) as venue:
        running = LiveBot(venue, folder, strategy="Brittle", changes=changes)
        running.publish()
        with running:
            yield running


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_quoting_within_two_loops(bot: LiveBot, name: str) -> None:
    """The resting quote goes within two loops, nothing is placed while the fault lasts, then quoting resumes."""
    bot.publish()
    bot.wait(lambda: bool(bot.venue.open_orders()), 60, "a first quote")
    repair = FAULTS[name](bot)
    try:
        bot.wait(lambda: not bot.venue.open_orders(), CANCELLED_WITHIN_S, f"{name}: the quote was not cancelled")
        before = bot.venue.audit()["orders_by_tif"].get("Alo", 0)
        deadline = time.monotonic() + WATCHED_S
        bot.wait(lambda: time.monotonic() > deadline, WATCHED_S + 1, "the watch")
        assert bot.venue.audit()["orders_by_tif"].get("Alo", 0) == before, f"{name}: an order was placed"
    finally:
        repair()
    bot.wait(lambda: bool(bot.venue.open_orders()), 15, "quoting again")


@pytest.mark.slow
def test_the_printed_example_does_not_go_live(tmp_path):
    """With the placeholders of the example Freqtrade ends at start, with one sentence and without an order."""
    changes = {"exchange": {"walletAddress": "0x" + "0" * 40, "privateKey": "0x…"}}
    with VenueThread(PuppetMarket()) as venue, LiveBot(venue, tmp_path, changes=changes) as bot:
        assert bot.wait_end(60) != 0
        assert "exchange.walletAddress must be your account, got the placeholder" in bot.log
        assert "Traceback" not in bot.log
        assert venue.open_orders() == []
