"""Whatever is injected into a running bot: said once in log, messages, state file and `mm status`, and cleared.

With EVERY_NOTICE=1, Prometheus beside it has the alert of each as long as it lasts.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from hyperliquid.exchange import Exchange

from market_making.market.sides import Direction
from market_making.ops.demo.processes import free_port
from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from market_making.safety.notice_tracker import SETTLED_MS
from market_making.trading.legs.leg_file import LegState, leg_path, publish_leg
from market_making.venue.faults.document import Faults
from tests.live_bot import LiveBot
from tests.message_sink import MessageSink
from tests.puppet_market import ADDRESS, KEY, PuppetMarket, VenueThread
from tests.watched_bot import LOOPS_S, Watched, api_section

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:hyperliquid"),
]

EVERY = pytest.mark.skipif(not os.environ.get("EVERY_NOTICE"), reason="takes minutes: EVERY_NOTICE=1")
SETTLED_S = SETTLED_MS / 1e3
SOON_S, LATER_S = 3.0 + LOOPS_S, 30.0 + LOOPS_S
POLLED_S, MINUTE_S = 10.0, 60.0  # how often open orders, and a limit that is near, are read
ASKED_IN_A_LOOP = ["clearinghouseState", "orderStatus"]  # each answered, if late: in time for the bot's patience
NO_OPEN_ORDERS = {"fault": "status", "code": 502, "info": ["openOrders", "frontendOpenOrders"]}
_SUMMARY = {"accountValue": "-5.0", "totalNtlPos": "0.0", "totalRawUsd": "-5.0", "totalMarginUsed": "0.0"}
IN_DEBT = {
    "fault": "content",
    "info": "clearinghouseState",
    "content": {
        "marginSummary": _SUMMARY,
        "crossMarginSummary": _SUMMARY,
        "withdrawable": "-5.0",
        "assetPositions": [],
    },
}
SPENT = "Too many cumulative requests sent (10400 > 10000) for cumulative volume traded $0.00."

Fault = Callable[["Watched"], AbstractContextManager[Any]]


@contextmanager
def stale_parameters(watched: Watched) -> Iterator[None]:
    now_ms = int(time.time() * 1e3)
    watched.bot.publish(created_ms=now_ms - 90_000, valid_until_ms=now_ms - 30_000)
    yield
    watched.publish()


def book_is(late_ms: int) -> Fault:
    @contextmanager
    def spoiled(watched: Watched) -> Iterator[None]:
        watched.bot.venue.spoil = lambda book: book | {"time": book["time"] - late_ms}
        yield
        watched.bot.venue.spoil = None

    return spoiled


def unwritable(folder: str) -> Fault:
    """A file stands where a folder was: nothing can be written there, not even by root."""

    @contextmanager
    def replaced(watched: Watched) -> Iterator[None]:
        place, aside = watched.bot.folder / folder, watched.bot.folder / f"{folder}-aside"
        place.rename(aside)
        place.touch()
        market = watched.bot.venue.market
        market.mid += 3.0  # the order is moved, which is written; upwards, so that a bid is not filled
        try:
            yield
        finally:
            place.unlink()
            aside.rename(place)
            market.mid += 3.0

    return replaced


@contextmanager
def killed(watched: Watched) -> Iterator[None]:
    write_kill(watched.bot.folder / "state", Kill(int(time.time() * 1e3), by="a test"))
    try:
        yield
    finally:
        assert remove_kill(watched.bot.folder / "state")


@contextmanager
def unknown_position(watched: Watched) -> Iterator[None]:
    exchange = Exchange(Account.from_key(KEY), watched.bot.venue.url, account_address=ADDRESS)
    assert exchange.market_open("ETH", True, 0.1)["status"] == "ok"
    yield
    opened = exchange.order("ETH", False, 0.1, 2_900.0, {"limit": {"tif": "Ioc"}}, reduce_only=True)
    assert opened["status"] == "ok"


def venue(*faults: dict[str, Any]) -> Fault:
    """Faults of the exchange, which end all at once."""

    @contextmanager
    def struck(watched: Watched) -> Iterator[None]:
        watched.bot.venue.inject(*faults)
        yield
        watched.bot.venue.heal()

    return struck


@contextmanager
def paused(watched: Watched) -> Iterator[None]:
    watched.ask("POST", "pause")
    yield
    watched.ask("POST", "start")


@contextmanager
def spent(watched: Watched) -> Iterator[None]:
    """The exchange says once that the address has no actions left, and the bot reads the limit."""
    limit = {"cumVlm": "0.0", "nRequestsUsed": 10_400, "nRequestsCap": 10_000, "nRequestsSurplus": 0}
    told = {"fault": "content", "info": "userRateLimit", "content": limit}
    watched.bot.venue.inject(told, {"fault": "refuse", "action": "order", "whole": True, "times": 1, "text": SPENT})
    watched.bot.venue.market.mid += 3.0  # the order is moved; upwards, so that a bid is not filled
    yield
    watched.bot.venue.heal()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A bot that quotes, one for all faults, in their order: the first ones find it flat."""
    folder: Path = tmp_path_factory.mktemp("bot")
    with watched_bot(folder) as result:
        yield result


@contextmanager
def watched_bot(folder: Path, **settings: Any) -> Iterator[Watched]:
    """A bot of one pair that quotes, with these settings of `market_making`."""
    market, port = PuppetMarket(coins=("ETH", "BTC"), step_ms=250), free_port()
    with VenueThread(market, proxied=True, faults=Faults(), history_s=130.0) as exchange, MessageSink() as sink:
        section = {"quote": {"maximum_account_age_s": 0}} | settings
        changes = {"webhook": sink.config, "api_server": api_section(port), "market_making": section}
        changes |= {"exchange": {"markets_refresh_interval": 1}}
        running = LiveBot(exchange, folder, changes=changes)
        result = Watched(running, sink, port)
        result.publish()
        with running, result.alerting():
            running.wait(lambda: bool(exchange.open_orders()), 120, "a first quote")
            yield result


FLAT: dict[str, tuple[str, Fault, float]] = {
    "kill_switch": ("warning", killed, LOOPS_S),
    "log_unwritable": ("warning", unwritable("decisions"), LOOPS_S),
}
FLAT_TOO: dict[str, tuple[str, Fault, float]] = {
    "paused": ("warning", paused, LATER_S),
    "account_unknown": ("warning", venue(NO_OPEN_ORDERS), LATER_S + POLLED_S),
    "clock_behind": ("warning", book_is(-900), SOON_S),
    "equity_unknown": ("warning", venue(IN_DEBT), MINUTE_S + SOON_S),  # a value below nothing is never believed
    "loop_slow": ("warning", venue({"fault": "delay", "info": ASKED_IN_A_LOOP, "seconds": 3.0}), LATER_S + 20.0),
}  # fmt: skip
HELD: dict[str, tuple[str, Fault, float]] = {
    "parameters_stale": ("alarm", stale_parameters, SOON_S),
    "book_stale": ("alarm", book_is(60_000), SOON_S),
    "position_unknown": ("alarm", unknown_position, SOON_S),
}


def injected(
    watched: Watched, name: str, severity: str, fault: Fault, within_s: float, *, lasts_s: float = 0.0
) -> None:
    """Inject a fault, look for its notice everywhere, repair it, and see that the notice has gone."""
    bot, ended = watched.bot, watched.sent(name, over=True)
    assert name not in watched.in_force()
    with fault(watched):
        bot.wait(lambda: watched.in_force().get(name) == severity, within_s, name)
        bot.wait(lambda: watched.sent(name, over=False) == 1, LOOPS_S, f"the message of {name}")
        code, shown = watched.shown()
        assert shown[name] == severity
        assert code == (4 if "alarm" in shown.values() else 0)
        watched.alerts(name)
    bot.wait(lambda: name not in watched.in_force(), lasts_s + SETTLED_S + 2 * LOOPS_S, f"the end of {name}")
    bot.wait(lambda: watched.sent(name, over=True) == ended + 1, 2 * LOOPS_S, f"the message that {name} is over")
    assert (watched.logged(name, severity), watched.logged(name, "over"), watched.sent(name, over=False)) == (1, 1, 1)
    assert name not in watched.shown()[1]
    watched.alerts_end(name)


@pytest.mark.parametrize("name", FLAT)
def test_a_flat_bot_says_what_is_the_matter_once_and_when_it_is_over(watched: Watched, name: str) -> None:
    """In log, messages, state file and `mm status`, within its time."""
    injected(watched, name, *FLAT[name])


@EVERY
@pytest.mark.parametrize("name", FLAT_TOO)
def test_a_flat_bot_says_the_rest_as_well(watched: Watched, name: str) -> None:
    """What takes half a minute each."""
    injected(watched, name, *FLAT_TOO[name], lasts_s=POLLED_S)


@EVERY
def test_a_bot_without_actions_says_how_few_are_left_and_that_it_does_not_quote(watched: Watched) -> None:
    """Two notices, in force together; the limit is read again within a minute."""
    name = "actions_spent"
    with spent(watched):
        watched.bot.wait(lambda: "actions_low" in watched.in_force(), POLLED_S + SOON_S, "actions_low")
        watched.bot.wait(lambda: watched.in_force().get(name) == "warning", LATER_S, name)
        watched.bot.wait(lambda: watched.sent("actions_low", over=False) == 1, LOOPS_S, "the message of actions_low")
        assert {"actions_low", name} <= set(watched.shown()[1])
        watched.alerts("actions_low", name)
    watched.bot.wait(lambda: not watched.in_force(), MINUTE_S + SETTLED_S + 2 * LOOPS_S, "the end of both")
    watched.bot.wait(lambda: watched.sent("actions_low", over=True) == 1, LOOPS_S, "the message that it is over")
    watched.alerts_end("actions_low", name)
    said = (
        watched.logged("actions_low", "warning") + watched.logged("actions_low", "alarm"),
        watched.logged(name, "over"),
    )
    assert said == (1, 1)


def test_a_state_file_that_cannot_be_written_is_told_in_log_and_message(watched: Watched) -> None:
    """It cannot tell of itself. Nothing is opened: the names of orders could not be written down either."""
    name, bot = "state_unwritable", watched.bot
    with unwritable("state")(watched):
        bot.wait(lambda: watched.sent(name, over=False) == 1, SOON_S, name)
    bot.wait(lambda: watched.sent(name, over=True) == 1, SETTLED_S + 2 * LOOPS_S, f"the end of {name}")
    assert (watched.logged(name, "warning"), watched.logged(name, "over")) == (1, 1)
    bot.wait(lambda: bool(bot.venue.open_orders()), 20, "a quote")


def fill(watched: Watched) -> None:
    """Let somebody fill the order that rests, and wait until the bot knows it."""
    bot = watched.bot
    is_bid = bot.venue.open_orders()[0]["side"] == "B"
    through = 2_950.0 if is_bid else 3_050.0
    bot.venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, through, 5.0)
    bot.wait(lambda: watched.state is not None and watched.state.pairs[0].coins != 0, 20, "a position")


@pytest.fixture
def held(watched: Watched) -> Watched:
    """The same bot with a position, and an order that leaves it."""
    state, bot = watched.state, watched.bot
    if state is None or not state.pairs[0].coins:
        bot.wait(lambda: bool(bot.venue.open_orders()), 20, "a quote")
        fill(watched)
    bot.wait(lambda: watched.state is not None and watched.state.pairs[0].quoting, 20, "an order that leaves it")
    return watched


@pytest.mark.parametrize("name", HELD)
def test_with_a_position_it_is_an_alarm_at_once(held: Watched, name: str) -> None:
    """And `mm status` ends with status 4."""
    injected(held, name, *HELD[name])


def test_a_risk_rule_is_told_once_and_by_nobody_else(held: Watched) -> None:
    """A jump of mid by 2 % closes the pair for five minutes; the rules themselves send no message beside the notice."""
    before = len(held._sink.notices())
    held.bot.venue.market.mid *= 1.02
    held.bot.wait(lambda: "risk_rule" in held.in_force(), SOON_S, "risk_rule")
    held.bot.wait(lambda: held.sent("risk_rule", over=False) == 1, LOOPS_S, "the message of risk_rule")
    about_opening = [text for text in held._sink.notices()[before:] if "open" in text.split(". ")[0]]
    assert len(about_opening) == 1
    assert held.logged("risk_rule", "warning") + held.logged("risk_rule", "alarm") == 1


@EVERY
def test_a_leg_says_that_the_other_one_is_silent(tmp_path: Path) -> None:
    """And that it answers again."""

    def answer() -> None:
        while not ended.wait(1.0):
            if not silent.is_set():
                publish_leg(leg_path(tmp_path / "legs", "ETH", "short"), LegState(), now_ms=int(time.time() * 1e3))

    ended, silent = threading.Event(), threading.Event()
    other = threading.Thread(target=answer)
    other.start()

    @contextmanager
    def silence(_: Watched) -> Iterator[None]:
        silent.set()
        yield
        silent.clear()

    try:
        with watched_bot(tmp_path, sides="long_leg") as watched:
            injected(watched, "other_leg_silent", "warning", silence, 10.0 + LATER_S)
    finally:
        ended.set()
        other.join()


@EVERY
def test_a_pair_that_is_delisted_is_told_and_so_is_a_bot_that_has_none(tmp_path: Path) -> None:
    """Freqtrade drops it from its list when it reads the markets again, once per minute here."""
    with watched_bot(tmp_path) as watched:
        meta = requests.post(f"{watched.bot.venue.url}/info", json={"type": "metaAndAssetCtxs"}, timeout=5).json()
        universe = [each | ({"isDelisted": True} if each["name"] == "ETH" else {}) for each in meta[0]["universe"]]
        gone = [meta[0] | {"universe": universe}, meta[1]]
        faults = (
            {"fault": "content", "info": "metaAndAssetCtxs", "content": gone},
            {"fault": "content", "info": "meta", "content": gone[0]},
        )
        injected(watched, "no_pair", "warning", venue(*faults), MINUTE_S + LATER_S, lasts_s=MINUTE_S)
        watched.bot.wait(lambda: bool(watched.bot.venue.open_orders()), MINUTE_S, "quoting again")
        fill(watched)
        injected(watched, "market_unknown", "alarm", venue(*faults), MINUTE_S + SOON_S, lasts_s=MINUTE_S)
