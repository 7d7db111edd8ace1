"""Whatever is injected into a running bot: said once in log, messages, state file and `mm status`, and cleared."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from eth_account import Account
from hyperliquid.exchange import Exchange

from market_making.market.errors import MalformedMessage
from market_making.market.sides import Direction
from market_making.ops.command_line import main
from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from market_making.safety.notice_tracker import SETTLED_MS
from market_making.safety.notices import CONDITIONS
from market_making.safety.state_file import BotState, read_state
from tests.live_bot import ROOT, LiveBot
from tests.message_sink import MessageSink
from tests.puppet_market import ADDRESS, KEY, PuppetMarket, VenueThread, parameters

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:hyperliquid"),
]

NAME = "market-making"
BY_NAME = {condition.name: condition for condition in CONDITIONS}
LOOPS_S = 6.0  # a few loops, and the time their requests take
SETTLED_S = SETTLED_MS / 1e3
SOON_S, LATER_S = 3.0 + LOOPS_S, 30.0 + LOOPS_S

Fault = Callable[["Watched"], AbstractContextManager[Any]]


class Watched:
    """A running bot, and the four places where a notice appears."""

    def __init__(self, bot: LiveBot, sink: MessageSink) -> None:
        self.bot = bot
        self._sink = sink

    @property
    def state(self) -> BotState | None:
        """The bot's own file; None while there is none to be read."""
        with suppress(OSError, MalformedMessage):
            state = read_state(self.bot.folder / "state" / f"{NAME}.json")
            assert isinstance(state, BotState)
            return state
        return None

    def in_force(self) -> dict[str, str]:
        """Severity of each notice in the state file, by name."""
        state = self.state
        return {} if state is None else {notice.name: notice.severity for notice in state.notices}

    def logged(self, name: str, word: str) -> int:
        """How often the log says that a notice has this severity, or is over."""
        return self.bot.log.count(f"[{name}] {word}:")

    def sent(self, name: str, *, over: bool) -> int:
        """How many messages say that a notice holds, with what to do, or that it is over; the end may be another's."""
        condition = BY_NAME[name]
        template = f"Over: {condition.over}" if over else f"{condition.sentence} {condition.remedy}"
        wording = re.sub(r"\\{\w+\\}", ".*", re.escape(template.replace("`", "")))
        return sum(bool(re.search(wording, text.replace("`", ""))) for text in self._sink.notices())

    def publish(self, **changes: Any) -> None:
        """Publish parameters that stay valid while the tests run."""
        self.bot.publish(valid_until_ms=int(time.time() * 1e3) + 900_000, **changes)

    def status(self) -> tuple[int, dict[str, str]]:
        """Exit status of `mm status`, and the severity of each notice it shows."""
        files = [str(ROOT / "user_data" / "config.json"), str(self.bot.folder / "private.json")]
        result = CliRunner().invoke(main, ["status", "--json", "-c", files[0], "-c", files[1]])
        document = orjson.loads(result.stdout)
        assert [bot["bot"] for bot in document["bots"]] == [NAME]
        return result.exit_code, {notice["name"]: notice["severity"] for notice in document["notices"]}


@contextmanager
def missing_parameters(watched: Watched) -> Iterator[None]:
    (watched.bot.folder / "parameters" / "ETH.json").unlink()
    yield
    watched.publish()


@contextmanager
def stale_parameters(watched: Watched) -> Iterator[None]:
    now_ms = int(time.time() * 1e3)
    watched.bot.publish(created_ms=now_ms - 90_000, valid_until_ms=now_ms - 30_000)
    yield
    watched.publish()


@contextmanager
def other_order_size(watched: Watched) -> Iterator[None]:
    watched.publish(model=parameters().model.model_copy(update={"order_size": 0.0666}))
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
        yield
        place.unlink()
        aside.rename(place)
        market.mid += 3.0

    return replaced


@contextmanager
def killed(watched: Watched) -> Iterator[None]:
    write_kill(watched.bot.folder / "state", Kill(int(time.time() * 1e3), by="a test"))
    yield
    assert remove_kill(watched.bot.folder / "state")


@contextmanager
def unknown_position(watched: Watched) -> Iterator[None]:
    exchange = Exchange(Account.from_key(KEY), watched.bot.venue.url, account_address=ADDRESS)
    assert exchange.market_open("ETH", True, 0.1)["status"] == "ok"
    yield
    opened = exchange.order("ETH", False, 0.1, 2_900.0, {"limit": {"tif": "Ioc"}}, reduce_only=True)
    assert opened["status"] == "ok"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A bot that quotes, one for all faults, in their order: the first ones find it flat."""
    folder: Path = tmp_path_factory.mktemp("bot")
    with VenueThread(PuppetMarket()) as venue, MessageSink() as sink:
        changes = {"webhook": sink.config, "market_making": {"quote": {"maximum_account_age_s": 0}}}
        running = LiveBot(venue, folder, changes=changes)
        result = Watched(running, sink)
        result.publish()
        with running:
            running.wait(lambda: bool(venue.open_orders()), 60, "a first quote")
            yield result


FLAT: dict[str, tuple[str, Fault, float]] = {
    "settings_differ": ("info", other_order_size, LOOPS_S),
    "clock_behind": ("warning", book_is(-5_000), SOON_S),
    "kill_switch": ("warning", killed, LOOPS_S),
    "log_unwritable": ("warning", unwritable("decisions"), LOOPS_S),
    "parameters_missing": ("warning", missing_parameters, LATER_S),
}
HELD: dict[str, tuple[str, Fault, float]] = {
    "parameters_stale": ("alarm", stale_parameters, SOON_S),
    "book_stale": ("alarm", book_is(60_000), SOON_S),
    "position_unknown": ("alarm", unknown_position, SOON_S),
}


def injected(watched: Watched, name: str, severity: str, fault: Fault, within_s: float) -> None:
    """Inject a fault, look for its notice everywhere, repair it, and see that the notice has gone."""
    bot, ended = watched.bot, watched.sent(name, over=True)
    assert name not in watched.in_force()
    with fault(watched):
        bot.wait(lambda: watched.in_force().get(name) == severity, within_s, name)
        bot.wait(lambda: watched.sent(name, over=False) == 1, LOOPS_S, f"the message of {name}")
        code, shown = watched.status()
        assert shown[name] == severity
        assert code == (4 if "alarm" in shown.values() else 0)
    bot.wait(lambda: name not in watched.in_force(), SETTLED_S + 2 * LOOPS_S, f"the end of {name}")
    bot.wait(lambda: watched.sent(name, over=True) == ended + 1, 2 * LOOPS_S, f"the message that {name} is over")
    assert (watched.logged(name, severity), watched.logged(name, "over"), watched.sent(name, over=False)) == (1, 1, 1)
    assert name not in watched.status()[1]


@pytest.mark.parametrize("name", FLAT)
def test_a_flat_bot_says_what_is_the_matter_once_and_when_it_is_over(watched: Watched, name: str) -> None:
    """In log, messages, state file and `mm status`, within its time."""
    injected(watched, name, *FLAT[name])


def test_a_state_file_that_cannot_be_written_is_told_in_log_and_message(watched: Watched) -> None:
    """It cannot tell of itself; the bot quotes on."""
    name, bot = "state_unwritable", watched.bot
    with unwritable("state")(watched):
        bot.wait(lambda: watched.sent(name, over=False) == 1, SOON_S, name)
        assert bot.venue.open_orders()
    bot.wait(lambda: watched.sent(name, over=True) == 1, SETTLED_S + 2 * LOOPS_S, f"the end of {name}")
    assert (watched.logged(name, "warning"), watched.logged(name, "over")) == (1, 1)


@pytest.fixture
def held(watched: Watched) -> Watched:
    """The same bot with a position, and an order that leaves it."""
    state, bot = watched.state, watched.bot
    if state is None or not state.pairs[0].coins:
        bot.wait(lambda: bool(bot.venue.open_orders()), 20, "a quote")
        is_bid = bot.venue.open_orders()[0]["side"] == "B"
        through = 2_950.0 if is_bid else 3_050.0
        bot.venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, through, 5.0)
        bot.wait(lambda: watched.state is not None and watched.state.pairs[0].coins != 0, 20, "a position")
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
