"""Whatever becomes of the guard beside it, a stock bot quotes on: it moves its quote and answers fills."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_making.market.reasons import Reason
from market_making.market.sides import Direction
from market_making.ops.demo.audit import unaccounted
from market_making.safety.guard_record import NAME as GUARD
from market_making.safety.state_file import BotState, SidecarState, read_state
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT, LiveBot
from tests.puppet_market import PuppetMarket, VenueThread

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets")]

NAME = "market-making"


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot that quotes both ways, one for all troubles."""
    with VenueThread(PuppetMarket(), faults=Faults()) as venue:
        running = LiveBot(venue, tmp_path_factory.mktemp("bot"))
        running.publish(valid_until_ms=int(time.time() * 1e3) + 1_800_000)
        with running:
            running.wait(lambda: bool(venue.open_orders()), 60, "a first quote")
            yield running


@contextlib.contextmanager
def guarding(bot: LiveBot) -> Iterator[subprocess.Popen[bytes]]:
    """`mm guard` as a process of its own."""
    files = [ROOT / "user_data" / "config.json", bot.folder / "private.json"]
    command = [sys.executable, "-m", "market_making.ops", "guard", *(f"--config={path}" for path in files)]
    (bot.folder / "state" / f"{GUARD}.json").unlink(missing_ok=True)
    environment = os.environ | {"NO_PROXY": "127.0.0.1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            bot.wait(lambda: guard_state(bot) is not None, 40, "the guard")
            yield process
        finally:
            process.kill()


def guard_state(bot: LiveBot) -> SidecarState | None:
    """What the guard says, once it hears the exchange."""
    path = bot.folder / "state" / f"{GUARD}.json"
    state = read_state(path) if path.exists() else None
    return state if isinstance(state, SidecarState) and state.figures["sockets"] == 1 else None


def loops(bot: LiveBot) -> int:
    state = read_state(bot.folder / "state" / f"{NAME}.json")
    assert isinstance(state, BotState)
    return state.loop


def quotes_on(bot: LiveBot) -> None:
    """It moves its quote when mid leaves it, answers a fill on the other side, and goes on looping."""
    venue = bot.venue
    bot.wait(lambda: bool(venue.open_orders()), 10, "a quote")
    first = loops(bot)
    (before,) = venue.open_orders()
    venue.market.mid += 3.0 if before["side"] == "B" else -3.0  # away from it: the guard has nothing to do with that
    bot.wait(lambda: before["oid"] not in {order["oid"] for order in venue.open_orders()}, 6, "moving its quote")
    bot.wait(lambda: bool(venue.open_orders()), 6, "a quote where mid is now")
    order = venue.open_orders()[0]
    assert abs(float(order["limitPx"]) - venue.market.mid) < 3.0
    sold = order["side"] == "B"
    venue.market.print_trade(Direction.SELL if sold else Direction.BUY, 2900.0 if sold else 3100.0, 10.0)
    bot.wait(lambda: any(each["side"] != order["side"] for each in venue.open_orders()), 10, "answering a fill")
    bot.wait(lambda: not differences(bot), 10, "books that agree")
    assert loops(bot) > first


def differences(bot: LiveBot) -> list[str]:
    return unaccounted(bot.folder / "trades.sqlite", bot.venue.audit()["positions"], set())


def cancelled_for(bot: LiveBot) -> set[str | None]:
    """Reasons of the guard's cancels, other than that mid came too close."""
    path: Path = bot.folder / "decisions"
    lines = [json.loads(line) for file in path.glob(f"{GUARD}-*.jsonl") for line in file.read_text().splitlines()]
    return {line.get("reason") for line in lines} - {Reason.GUARD}


def test_a_guard_that_is_killed_or_stopped_is_not_missed(bot: LiveBot) -> None:
    """Killed it is gone at once; stopped it holds its connections and files, and goes on later without harm."""
    with guarding(bot) as guard:
        quotes_on(bot)
        assert [line["detail"] for line in bot.decisions() if line["event"] == "withhold"] == []  # both have just begun
        guard.send_signal(signal.SIGSTOP)
        quotes_on(bot)
        guard.send_signal(signal.SIGCONT)
        quotes_on(bot)
        guard.kill()
        guard.wait()
        quotes_on(bot)
    assert cancelled_for(bot) == set()
