"""What FreqUI asks a running bot for, by Freqtrade's own client: every answer is there and says something sensible."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from freqtrade_client import FtRestClient
from websockets.sync.client import connect

from market_making.market.sides import Direction
from market_making.ops.demo.processes import free_port
from market_making.trading.chart_rows import ChartRow
from tests.live_bot import LiveBot
from tests.puppet_market import PuppetMarket, VenueThread
from tests.watched_bot import api_section

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets"),
]
PAIR, LATER_S = "ETH/USDC:USDC", 30.0
# What the views of FreqUI load: trade, dashboard, chart, logs and settings.
QUESTIONS = (
    "balance", "blacklist", "count", "daily", "entries", "exits", "health", "locks", "logs", "mix_tags", "monthly",
    "performance", "ping", "plot_config", "profit", "show_config", "stats", "status", "sysinfo", "trades", "version",
    "weekly", "whitelist",
)  # fmt: skip


class Bench(NamedTuple):
    """A bot that holds a position and quotes, and its own interface."""

    bot: LiveBot
    client: FtRestClient
    address: str

    def candles(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The answer of a chart, and its rows by column."""
        answer = self.client.pair_candles(PAIR, "1m", 60)
        return answer, [dict(zip(answer["columns"], row, strict=True)) for row in answer["data"]]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One bot for all tests, after its first fill."""
    folder: Path = tmp_path_factory.mktemp("bot")
    address, market = f"127.0.0.1:{free_port()}", PuppetMarket(step_ms=250)
    changes = {"api_server": api_section(int(address.rpartition(":")[2]))}
    with VenueThread(market, history_s=130.0) as exchange:
        bot = LiveBot(exchange, folder, changes=changes)
        bot.publish(valid_until_ms=2**53)
        with bot:
            bot.wait(lambda: bool(exchange.open_orders()), 120, "a first quote")
            _fill(bot)
            bot.wait(lambda: bool(exchange.open_orders()), LATER_S, "the opposite quote")
            yield Bench(bot, FtRestClient(f"http://{address}", "test", "test"), address)


def _fill(bot: LiveBot) -> None:
    is_bid = bot.venue.open_orders()[0]["side"] == "B"
    through = bot.venue.market.mid + (-50.0 if is_bid else 50.0)
    bot.venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, through, 5.0)
    bot.wait(lambda: any(line["event"] == "fill" for line in bot.decisions()), LATER_S, "a fill")


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_of_freq_ui_is_answered(bench: Bench, question: str) -> None:
    """An error would be a document with `error` or `detail` in it, and a box on the screen."""
    answer = getattr(bench.client, question)()
    assert answer is not None
    assert not (isinstance(answer, dict) and {"error", "detail"} & set(answer)), answer


def test_the_position_is_shown_with_the_tag_of_each_of_its_orders(bench: Bench) -> None:
    """One that opened it and has filled, and one that offers it."""
    (trade,) = bench.client.status()
    assert (trade["pair"], trade["strategy"], trade["enter_tag"]) == (PAIR, "MarketMaking", "open")
    tags = {order["ft_order_tag"]: order["is_open"] for order in trade["orders"]}
    assert tags["open"] is False
    assert set(tags) <= {"open", "add", "reduce"}
    assert {order["order_type"] for order in trade["orders"]} == {"limit"}


def test_the_chart_has_every_column_that_is_drawn_and_marks_where_nothing_was_quoted(bench: Bench) -> None:
    """The newest candle has the quote around mid; those before the bot began are one area without a quote."""
    bench.bot.wait(lambda: bench.candles()[1][-1]["bid"] is not None, 90, "a chart with a quote")
    answer, rows = bench.candles()
    config = bench.client.plot_config()
    drawn = set(config["main_plot"]).union(*config["subplots"].values())
    assert drawn == set(ChartRow._fields) <= set(answer["columns"])
    assert rows[-1]["bid"] < rows[-1]["mid"] < rows[-1]["ask"]
    assert rows[-1]["fill_decay"] == pytest.approx(1.5)
    (area, *_) = answer["annotations"]
    assert (area["type"], area["label"]) == ("area", "no quote")
    assert rows[0]["bid"] is None


def test_freq_ui_logs_in_and_hears_what_happens(bench: Bench) -> None:
    """By the token that it gets for name and password; a wrong password gets none."""
    login = f"http://{bench.address}/api/v1/token/login"
    assert not requests.post(login, auth=("test", "wrong"), timeout=5).ok
    token = requests.post(login, auth=("test", "test"), timeout=5).json()["access_token"]
    with connect(f"ws://{bench.address}/api/v1/message/ws?token={token}", proxy=None) as socket:
        socket.send(json.dumps({"type": "subscribe", "data": ["whitelist", "analyzed_df"]}))
        socket.send(json.dumps({"type": "whitelist", "data": None}))
        heard = json.loads(socket.recv(10))
    assert heard == {"type": "whitelist", "data": [PAIR]}
