"""`mm guard` beside a stock bot: whatever holds the bot up, nothing of it rests for long, and its books stay right."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from market_making.market.reasons import Reason
from market_making.market.sides import Direction
from market_making.ops.commands.guarding import guard_options
from market_making.ops.demo.audit import unaccounted
from market_making.safety.guard_record import cancelled_by_guard
from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from market_making.safety.state_file import read_state
from market_making.venue.config import AccountConfig
from market_making.venue.faults.document import Faults
from tests.guard.scripted_bot import GuardThread, seconds_until
from tests.live_bot import ROOT, LiveBot
from tests.puppet_market import ADDRESS, OTHER_ADDRESS, PuppetMarket, VenueThread

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:hyperliquid"),
]

NAME = "market-making"
FIVE_USDC = 0.0017
AGAIN_S = 60.0  # without patience Freqtrade sleeps for half a minute where the pace has no weight left


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot that quotes both ways, one for all troubles."""
    folder: Path = tmp_path_factory.mktemp("bot")
    # Actions are plenty: how fast the bot spends them on this machine does not decide what a cancel is worth.
    accounts = (AccountConfig(ADDRESS, volume=1e6), AccountConfig(OTHER_ADDRESS))
    with VenueThread(PuppetMarket(), accounts=accounts, faults=Faults()) as venue:
        # Freqtrade's own pause after an error: half a minute in which only the guard acts.
        running = LiveBot(venue, folder, changes={"market_making": {"edge": {"patience": False}}})
        running.publish(valid_until_ms=int(time.time() * 1e3) + 3_600_000)
        with running:
            running.wait(lambda: bool(venue.open_orders()), 60, "a first quote")
            yield running


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some clients would ask the proxy of the environment for 127.0.0.1."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def guard(bot: LiveBot) -> Iterator[GuardThread]:
    """The guard, told as a user tells it."""
    with guarding(bot) as running:
        yield running.ready()


@contextmanager
def guarding(bot: LiveBot) -> Iterator[GuardThread]:
    files = [ROOT / "user_data" / "config.json", bot.folder / "private.json"]
    with GuardThread(guard_options([files])) as running:
        yield running


def pid_of(bot: LiveBot) -> int:
    return read_state(bot.folder / "state" / f"{NAME}.json").pid


@contextmanager
def frozen(bot: LiveBot) -> Iterator[None]:
    """The bot stopped by a signal while something rests."""
    bot.wait(lambda: bool(bot.venue.open_orders()), AGAIN_S, "a quote")
    os.kill(pid_of(bot), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid_of(bot), signal.SIGCONT)


def gone_within(bot: LiveBot, seconds: float) -> float:
    return seconds_until(lambda: not bot.venue.open_orders(), seconds, "it still rests")


def quotes_again(bot: LiveBot) -> None:
    """It goes on by itself, and its books are the venue's."""
    bot.wait(lambda: bool(bot.venue.open_orders()), AGAIN_S, "quoting again")
    bot.wait(lambda: not differences(bot), 10, "the books do not agree")


def differences(bot: LiveBot) -> list[str]:
    return unaccounted(bot.folder / "trades.sqlite", bot.venue.audit()["positions"], set())


def fill(bot: LiveBot, size: float) -> int:
    """Let somebody fill a part of what rests; return its id."""

    def is_filled() -> bool:
        return any(float(order["sz"]) < float(order["origSz"]) for order in bot.venue.open_orders())

    def trade() -> bool:
        for order in bot.venue.open_orders():
            direction, price = (Direction.SELL, 2900.0) if order["side"] == "B" else (Direction.BUY, 3100.0)
            bot.venue.market.print_trade(direction, price, size)
            with suppress(AssertionError):  # it may have been moved just then
                seconds_until(is_filled, 2, "nothing was filled")
        return is_filled()

    seconds_until(trade, AGAIN_S, "no order was filled in part")
    (order,) = bot.venue.open_orders()
    return int(order["oid"])


def why(bot: LiveBot, oid: int) -> Reason | None:
    because = cancelled_by_guard(bot.folder / "decisions", str(oid), int(time.time() * 1e3))
    return None if because is None else because.reason


def test_a_frozen_bots_quote_is_gone_within_five_seconds(bot: LiveBot, guard: GuardThread) -> None:
    """Also where the order cannot be asked about; then the bot goes on as if nothing had happened."""
    with frozen(bot):
        gone_within(bot, 5.0)
    quotes_again(bot)
    bot.venue.inject({"fault": "unknown", "info": "orderStatus"})
    with frozen(bot):
        gone_within(bot, 5.0)
    bot.venue.heal()
    quotes_again(bot)


def test_a_guard_that_starts_beside_a_frozen_bot_cancels(bot: LiveBot) -> None:
    """Within the same time of its start."""
    with frozen(bot), guarding(bot):
        gone_within(bot, 5.0)
    quotes_again(bot)


def test_a_first_fill_of_five_usdc_does_not_keep_the_rest(bot: LiveBot, guard: GuardThread) -> None:
    """Freqtrade cannot cancel it; the guard does, of a frozen bot, also where no order can be asked about."""
    for faults in ((), ({"fault": "unknown", "info": "orderStatus"},)):
        oid = fill(bot, FIVE_USDC)
        bot.venue.inject(*faults)
        with frozen(bot):
            gone_within(bot, 5.0)
        # The rest is cancelled sooner where the bot said before it froze that it does not want it any more.
        assert why(bot, oid) in {Reason.BOT_SILENT, Reason.BELOW_SMALLEST_ORDER}
        bot.venue.heal()
        quotes_again(bot)


def test_the_kill_switch_acts_within_three_seconds(bot: LiveBot, guard: GuardThread) -> None:
    """Of a bot that loops, of one that is asleep after an error, of one that is frozen."""
    write_kill(bot.folder / "state", Kill(1))
    gone_within(bot, 3.0)
    remove_kill(bot.folder / "state")
    quotes_again(bot)
    bot.venue.inject({"fault": "status", "action": "cancel", "code": 502})
    (order,) = bot.venue.open_orders()
    bot.venue.market.mid += 3.0 if order["side"] == "B" else -3.0  # away from it: the order is to be moved, not filled
    bot.wait(lambda: "retrying in 30 seconds" in bot.log, 20, "the bot does not sleep")
    bot.venue.heal()
    write_kill(bot.folder / "state", Kill(1))
    gone_within(bot, 3.0)
    remove_kill(bot.folder / "state")
    bot.wait(lambda: bool(bot.venue.open_orders()), 60, "quoting again")
    with frozen(bot):
        write_kill(bot.folder / "state", Kill(1))
        gone_within(bot, 3.0)
        remove_kill(bot.folder / "state")
    quotes_again(bot)


def test_a_quote_that_mid_comes_close_to_is_cancelled_and_the_bot_knows_who_did_it(
    bot: LiveBot, guard: GuardThread
) -> None:
    """Its decision log has the guard's reason, and it quotes on."""
    bot.wait(lambda: bool(bot.venue.open_orders()), AGAIN_S, "a quote")
    seconds_until(lambda: known_quote(bot) is not None, 5, "the state does not know it")
    with frozen(bot):  # else it may be as fast, and then the cancel is its own
        order = known_quote(bot)
        assert order is not None, "it has moved its quote although mid stands still"
        away = 1 if order["side"] == "B" else -1
        bot.venue.market.mid = round(float(order["limitPx"]) + away * 0.3, 1)
        seconds_until(lambda: why(bot, order["oid"]) is Reason.GUARD, 3, "the guard does nothing")
    bot.wait(lambda: Reason.GUARD in own_reasons(bot), AGAIN_S, "the bot does not know")
    quotes_again(bot)


def take(bot: LiveBot) -> None:
    """Let somebody fill what rests."""
    bot.wait(lambda: bool(bot.venue.open_orders()), AGAIN_S, "a quote")
    (order,) = bot.venue.open_orders()
    direction, price = (Direction.SELL, 2900.0) if order["side"] == "B" else (Direction.BUY, 3100.0)
    bot.venue.market.print_trade(direction, price, 10.0)
    bot.wait(lambda: order not in bot.venue.open_orders(), 5, "the order is not filled")


def own_reasons(bot: LiveBot) -> set[str | None]:
    """Reasons of the bot's own lines; the guard's record lies beside them."""
    return {line.get("reason") for line in bot.decisions() if "pair" in line}


def known_quote(bot: LiveBot) -> dict[str, Any] | None:
    """The order that rests, if the bot's state file names it."""
    resting = bot.venue.open_orders()
    return resting[0] if resting and resting_id(bot) == str(resting[0]["oid"]) else None


def resting_id(bot: LiveBot) -> str | None:
    (pair,) = read_state(bot.folder / "state" / f"{NAME}.json").pairs
    return None if pair.resting is None else pair.resting.order_id


def test_flatten_leaves_and_the_bot_goes_on_after_it(bot: LiveBot, guard: GuardThread) -> None:
    """The bot offers its position for ten seconds; nobody takes it, so the guard sells, and Freqtrade copes."""
    while bot.venue.audit()["positions"]:  # of an earlier test
        take(bot)
    take(bot)
    bot.wait(lambda: bool(bot.venue.audit()["positions"]), 10, "a position")
    write_kill(bot.folder / "state", Kill(1, flatten=True))
    took_s = bot.wait(lambda: not bot.venue.audit()["positions"], 20, "the position was not left")
    assert took_s > 5
    remove_kill(bot.folder / "state")
    quotes_again(bot)
