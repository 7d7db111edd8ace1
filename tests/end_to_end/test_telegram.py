"""Stock Freqtrade's own Telegram with the shipped settings: what the chat hears, and what it can command."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from market_making.market.sides import Direction
from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from tests.live_bot import LiveBot
from tests.puppet_market import PuppetMarket, VenueThread
from tests.telegram_chat import TOKEN, Message, TelegramChat

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
LATER_S = 30.0


class Bench(NamedTuple):
    """A bot that quotes, and its chat."""

    bot: LiveBot
    chat: TelegramChat

    def heard(self, pattern: str) -> list[Message]:
        """The messages in which something stands."""
        return [message for message in self.chat.messages if re.search(pattern, message.text)]

    def wait_for(self, pattern: str) -> Message:
        """Wait for a message in which something stands."""
        self.bot.wait(lambda: bool(self.heard(pattern)), LATER_S, f"a message with {pattern!r}")
        return self.heard(pattern)[0]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One bot for all tests, with a fill and with orders that have been moved."""
    folder: Path = tmp_path_factory.mktemp("bot")
    market = PuppetMarket(step_ms=250)
    with VenueThread(market, history_s=130.0) as exchange, TelegramChat(folder) as chat:
        bot = LiveBot(exchange, folder, changes={"telegram": chat.config})
        bot.publish(valid_until_ms=2**53)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in chat.environment.items():
                patch.setenv(name, value)
            bot.__enter__()
        try:
            bot.wait(lambda: bool(exchange.open_orders()), 120, "a first quote")
            _move(bot)
            _fill(bot)
            yield Bench(bot, chat)
        finally:
            bot.__exit__(None, None, None)


def _move(bot: LiveBot) -> None:
    """Let mid rise until its order has been moved three times."""
    for _ in range(3):
        (order,) = bot.venue.open_orders()
        bot.venue.market.mid += 3.0
        bot.wait(lambda before=order: before not in bot.venue.open_orders(), LATER_S, "another order")
        bot.wait(lambda: len(bot.venue.open_orders()) == 1, LATER_S, "another order")


def _fill(bot: LiveBot) -> None:
    is_bid = bot.venue.open_orders()[0]["side"] == "B"
    through = bot.venue.market.mid + (-50.0 if is_bid else 50.0)
    bot.venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, through, 5.0)
    bot.wait(lambda: any(line["event"] == "fill" for line in bot.decisions()), LATER_S, "a fill")


def test_a_fill_comes_silently_and_a_moved_order_not_at_all(bench: Bench) -> None:
    """So that the messages which matter are seen."""
    assert bench.wait_for("filled").is_silent
    events = [line["event"] for line in bench.bot.decisions()]
    assert events.count("place") >= 4
    about_orders = bench.heard(r"#\d+|Pair:|(?i:cancel)")
    assert len(about_orders) <= events.count("fill")
    assert all(message.is_silent for message in about_orders)


def test_what_the_bot_itself_says_is_heard_when_it_begins_and_when_it_is_over(bench: Bench) -> None:
    """With what to do."""
    state = bench.bot.folder / "state"
    write_kill(state, Kill(0, by="a test"))
    try:
        said = bench.wait_for("mm stop --resume")
    finally:
        assert remove_kill(state)
    assert not said.is_silent
    assert not bench.wait_for("Over:").is_silent


def test_the_chat_sees_the_position_and_commands_the_bot(bench: Bench) -> None:
    """`/status` shows the trade; after `/stop` nothing rests, after `/start` something does."""
    bench.chat.write("/status")
    assert "ETH/USDC:USDC" in bench.wait_for("Trade ID").text
    for command, rests in (("/stop", False), ("/start", True)):
        bench.chat.write(command)
        bench.bot.wait(lambda rests=rests: bool(bench.bot.venue.open_orders()) is rests, LATER_S, f"obeyed {command}")


def test_the_token_is_in_no_log(bench: Bench) -> None:
    """It stands in the address of every request."""
    bench.wait_for("filled")
    assert TOKEN not in bench.bot.log
    assert TOKEN.split(":")[1] not in bench.bot.log
