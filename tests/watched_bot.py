"""A running bot and the places where its notices appear: log, messages, state file, `mm status`, Prometheus' alerts."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import orjson
import requests
from click.testing import CliRunner

from market_making.market.errors import MalformedMessage
from market_making.ops.command_line import main
from market_making.safety.notices import CONDITIONS
from market_making.safety.state_file import BotState, read_state
from market_making.settings.settings import Settings
from tests.live_bot import LiveBot
from tests.message_sink import MessageSink
from tests.prometheus_server import INSTALLED, Prometheus, alerts_of
from tests.puppet_market import parameters

NAME = "market-making"
BY_NAME = {condition.name: condition for condition in CONDITIONS}
LOOPS_S = 6.0  # a few loops, and the time their requests take


def pair_of(coin: str) -> str:
    """The pair that trades a coin."""
    return f"{coin}/USDC:USDC"


def api_section(port: int) -> dict[str, Any]:
    """Freqtrade's own interface on this port, as FreqUI uses it."""
    address = {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": port}
    return address | {"username": "test", "password": "test", "jwt_secret_key": "a test's own secret, which is none"}


class Watched:
    """A running bot, and the places where a notice appears; a `pair` asks for what is about it alone."""

    def __init__(self, bot: LiveBot, sink: MessageSink, api_port: int, name: str = NAME) -> None:
        self.bot = bot
        self._name = name
        self._sink = sink
        self._api = f"http://127.0.0.1:{api_port}/api/v1"
        self._prometheus: Prometheus | None = None

    @contextmanager
    def alerting(self) -> Iterator[None]:
        """Where every notice is tried and Prometheus is installed, let it watch the bot meanwhile."""
        if not (INSTALLED and os.environ.get("EVERY_NOTICE")):
            yield
            return
        with Prometheus(Settings.from_files(self.bot.files)) as self._prometheus:
            yield
        self._prometheus = None

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Ask Freqtrade as FreqUI does."""
        answer = requests.request(method, f"{self._api}/{path}", json=document, auth=("test", "test"), timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    @property
    def state(self) -> BotState | None:
        """The bot's own file; None while there is none to be read."""
        with suppress(OSError, MalformedMessage):
            state = read_state(self.bot.folder / "state" / f"{self._name}.json")
            assert isinstance(state, BotState)
            return state
        return None

    def in_force(self, pair: str | None = None) -> dict[str, str]:
        """Severity of each notice in the state file, by name."""
        notices = () if self.state is None else self.state.notices
        return {notice.name: notice.severity for notice in notices if pair in (None, notice.pair)}

    def logged(self, name: str, word: str, pair: str = "") -> int:
        """How often the log says that a notice has this severity, or is over."""
        return sum(f"[{name}] {word}:" in line and pair in line for line in self.bot.log.splitlines())

    def sent(self, name: str, *, over: bool, pair: str = "") -> int:
        """How many messages say that a notice holds, with what to do, or that it is over; the end may be another's."""
        condition = BY_NAME[name]
        template = f"Over: {condition.over}" if over else f"{condition.sentence} {condition.remedy}"
        named = template.replace("{pair}", pair) if pair else template
        wording = re.sub(r"\\{\w+\\}", ".*", re.escape(named.replace("`", "")))
        return sum(bool(re.search(wording, text.replace("`", ""))) for text in self._sink.notices())

    def publish(self, coin: str = "ETH", **changes: Any) -> None:
        """Publish parameters that stay valid while the tests run."""
        until_ms = int(time.time() * 1e3) + 900_000
        given = {"valid_until_ms": until_ms, "coin": coin, "pair": pair_of(coin)} | changes
        parameters(**given).write(self.bot.folder / "parameters")

    def status(self) -> tuple[int, list[dict[str, Any]]]:
        """Exit status of `mm status`, and the notices it shows."""
        result = CliRunner().invoke(main, ["status", "--json", *(f"--config={file}" for file in self.bot.files)])
        document = orjson.loads(result.stdout)
        assert [bot["bot"] for bot in document["bots"]] == [self._name]
        return result.exit_code, document["notices"]

    def shown(self) -> tuple[int, dict[str, str]]:
        """Exit status of `mm status`, and the severity of each notice by name."""
        code, notices = self.status()
        return code, {notice["name"]: notice["severity"] for notice in notices}

    def alerts(self, *names: str, pair: str | None = None) -> None:
        """Wait until the alerts of these conditions fire, if Prometheus watches."""
        if (prometheus := self._prometheus) is not None:
            prometheus.until(lambda: alerts_of(*names) <= prometheus.firing(pair), f"the alert of {', '.join(names)}")

    def alerts_end(self, *names: str, pair: str | None = None) -> None:
        """Wait until none of these alerts fires."""
        if (prometheus := self._prometheus) is not None:
            prometheus.until(lambda: not alerts_of(*names) & prometheus.firing(pair), f"the end of {', '.join(names)}")
