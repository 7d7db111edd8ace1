"""An order whose answer is lost is known to Freqtrade in the same loop, or it was never placed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ccxt
import pytest
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Order, Trade

from market_making.market.sides import Direction
from market_making.safety.order_names import OrderNames, noted_names
from market_making.settings.edge import EdgeSettings
from market_making.trading.freqtrade.edge import sleep
from market_making.trading.freqtrade.edge.door import Door
from market_making.trading.freqtrade.edge.named_orders import NamedOrders
from market_making.venue.faults.document import Faults
from tests.live_bot import ROOT
from tests.puppet_market import ADDRESS, PuppetMarket, VenueThread, parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")
Start = Callable[..., FreqtradeBot]
LOST = (
    {"fault": "status", "code": 504, "executed": True},
    {"fault": "status", "code": 429, "executed": True},
    {"fault": "cut"},
    {"fault": "half"},
    {"fault": "null"},
    {"fault": "empty"},
    {"fault": "twice"},
)


@pytest.fixture
def venue() -> Iterator[VenueThread]:
    """A venue whose answers can be lost."""
    with VenueThread(PuppetMarket(), faults=Faults()) as running:
        yield running


@pytest.fixture
def bot(start: Start, tmp_path: Path, venue: VenueThread) -> Iterator[FreqtradeBot]:
    """A market maker with this override only."""
    parameters().write(tmp_path / "parameters")
    edge = dict.fromkeys(EdgeSettings.model_fields, False) | {"named": True}
    yield start("MarketMaking", ROOT / "user_data" / "strategies", market_making={"edge": edge})
    sleep.restore()


def resting(venue: VenueThread) -> list[str]:
    return [str(order["oid"]) for order in venue.open_orders()]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: f"{fault['fault']}{fault.get('code', '')}")
def test_an_order_whose_answer_is_lost_is_known_at_once(
    bot: FreqtradeBot, venue: VenueThread, fault: dict[str, Any]
) -> None:
    """One order rests and Freqtrade has its number; the next loop places no second one."""
    venue.inject(fault | {"action": "order", "times": 1})
    bot.process()
    assert [strike["kind"] for strike in venue.heal()] == ["order"]
    assert len(resting(venue)) == 1
    assert [order.order_id for order in Order.get_open_orders()] == resting(venue)
    before = resting(venue)
    bot.process()
    assert resting(venue) == before


def test_an_order_that_was_filled_before_it_was_found_is_booked(bot: FreqtradeBot, venue: VenueThread) -> None:
    """The position is the bot's own, and it offers it."""
    venue.inject(
        {"fault": "cut", "action": "order", "times": 1}, {"fault": "late", "seconds": 1.0, "info": "orderStatus"}
    )
    stock = bot.exchange._api.publicPostInfo

    def ask(question: dict[str, Any]) -> Any:
        if question["type"] == "orderStatus":
            venue.market.print_trade(Direction.SELL, 2900.0, 10.0)
        return stock(question)

    bot.exchange._api.publicPostInfo = ask
    bot.process()
    venue.heal()
    bot.process()
    (trade,) = Trade.get_open_trades()
    assert trade.amount == pytest.approx(venue.audit()["positions"]["ETH"])


def test_an_order_that_was_never_placed_is_an_error_as_before(
    bot: FreqtradeBot, venue: VenueThread, caplog: pytest.LogCaptureFixture
) -> None:
    """Freqtrade says so and decides what follows; nothing rests, nothing is booked."""
    venue.inject({"fault": "status", "code": 502, "action": "order", "executed": False, "times": 1})
    bot.process()
    assert "Unable to create trade for ETH/USDC:USDC" in caplog.text
    assert resting(venue) == []
    assert Order.get_open_orders() == []


def test_a_refusal_in_the_exchanges_words_is_believed_without_a_question(bot: FreqtradeBot, venue: VenueThread) -> None:
    """No further request for it."""
    venue.inject(
        {"fault": "refuse", "action": "order", "text": "Insufficient margin to place order. asset=0"},
        {"fault": "unknown", "info": "orderStatus"},
    )
    bot.process()
    assert {strike["fault"] for strike in venue.heal()} == {"refuse"}


class Lost:
    """A client whose orders are never answered and never known."""

    def __init__(self) -> None:
        self.now_s, self.asked, self.sends = 0.0, 0, True
        self.timeout = 10_000
        self.words: ccxt.BaseError = ccxt.OrderNotFound("unknownOid")

    def create_order(self, *_: Any) -> Any:
        if self.sends:
            self.request("exchange", params={"action": {"type": "order"}})
        raise ccxt.RequestTimeout("no answer")

    def request(self, path: str, api: Any = "", method: str = "", params: Any = None, config: Any = None) -> Any:
        self.asked += path == "info"

    def handle_public_address(self, method: str, params: Any) -> Any:
        return ADDRESS, params

    def publicPostInfo(self, question: Any) -> Any:  # noqa: N802 - ccxt's name
        self.asked += 1
        raise self.words

    def pause(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.mark.parametrize(("sends", "least", "most"), [(True, 5, 15), (False, 0, 0)])
def test_it_asks_for_three_seconds_and_not_at_all_for_what_was_never_sent(
    sends: bool, least: int, most: int, tmp_path: Path
) -> None:
    """Then the error is the one that ccxt has raised."""
    client = Lost()
    client.sends = sends
    named = NamedOrders(client, OrderNames(tmp_path, "maker"), clock=lambda: client.now_s, pause=client.pause)
    Door(client, [named.step])
    with pytest.raises(ccxt.RequestTimeout):
        named.create("ETH/USDC:USDC", "limit", "buy", 0.1, 3000.0)
    assert least <= client.asked <= most
    assert client.now_s == pytest.approx(3.0 if sends else 0.0, abs=0.4)


def test_it_asks_longer_where_the_question_is_not_answered(tmp_path: Path) -> None:
    """Silence says less than "no such order"."""
    client = Lost()
    client.words = ccxt.RequestTimeout("no answer")
    named = NamedOrders(client, OrderNames(tmp_path, "maker"), clock=lambda: client.now_s, pause=client.pause)
    Door(client, [named.step])
    with pytest.raises(ccxt.RequestTimeout):
        named.create("ETH/USDC:USDC", "limit", "buy", 0.1, 3000.0)
    assert client.now_s == pytest.approx(5.0, abs=0.4)


@pytest.fixture
def no_names(tmp_path: Path) -> OrderNames:
    """Names that cannot be written down: their folder is a file."""
    (tmp_path / "state").write_text("")
    return OrderNames(tmp_path / "state", "maker")


def test_what_cannot_be_written_down_is_not_sent_unless_it_leaves(no_names: OrderNames) -> None:
    """Freqtrade could not book an entry either; a position is left all the same."""
    client = Lost()
    named = NamedOrders(client, no_names, clock=lambda: client.now_s, pause=client.pause)
    Door(client, [named.step])
    with pytest.raises(ccxt.InvalidOrder, match="cannot be written down"):
        named.create("ETH/USDC:USDC", "limit", "buy", 0.1, 3000.0)
    assert client.asked == 0
    with pytest.raises(ccxt.RequestTimeout):
        named.create("ETH/USDC:USDC", "limit", "sell", 0.1, 3000.0, {"reduceOnly": True})
    assert client.asked > 0


def test_the_name_of_every_order_is_written_down(bot: FreqtradeBot, venue: VenueThread, tmp_path: Path) -> None:
    """The exchange tells the same name."""
    bot.process()
    (oid,) = resting(venue)
    answer = bot.exchange._api.publicPostInfo({"type": "orderStatus", "user": ADDRESS, "oid": int(oid)})
    assert answer["order"]["order"]["cloid"] in noted_names(tmp_path / "state", "market-making")
