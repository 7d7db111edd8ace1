"""What the websocket feeds say, without a socket."""

from typing import Any

import orjson
import pytest

from market_making.market.errors import MalformedMessage, UnknownCoin
from market_making.market.events import BookSnapshot, Level, Trade
from market_making.market.instrument import Listing
from market_making.market.sides import Direction
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.engine.exchange import HOUR_MS, Exchange
from market_making.venue.markets.candles import CandleAggregator
from market_making.venue.protocol.fault_desk import FaultDesk
from market_making.venue.protocol.info import Info
from market_making.venue.protocol.stream_faults import StreamFaults
from market_making.venue.protocol.streams import Streams, read_topic

ALICE = "0x" + "a" * 40


class Recorder:
    """Stands for a connection: keeps what it would send."""

    def __init__(self) -> None:
        self.topics: dict[Any, Any] = {}
        self.sent: list[dict[str, Any]] = []

    def send(self, message: bytes) -> None:
        self.sent.append(orjson.loads(message))

    def of(self, channel: str) -> list[Any]:
        return [message["data"] for message in self.sent if message["channel"] == channel]


class Hall:
    """An exchange, its candles and streams, and one reader."""

    def __init__(self) -> None:
        config = VenueConfig(accounts=(AccountConfig(ALICE),), funding_rate=0.0001)
        self.exchange = Exchange([Listing("ETH", 4, 25)], config, 0)
        self.candles = CandleAggregator()
        way = StreamFaults(FaultDesk(None, 1, lambda: 0.0))
        self.streams = Streams(self.exchange, Info(self.exchange, self.candles), self.candles, way)
        self.reader = Recorder()
        self.exchange.on_book(BookSnapshot("ETH", 0, (Level(2999.9, 1.0),), (Level(3000.1, 1.0),)))

    def subscribe(self, **subscription: Any) -> None:
        self.streams.subscribe(self.reader, subscription)  # type: ignore[arg-type]

    def tell(self) -> None:
        self.streams.tell(self.exchange.drain())


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_a_candle_is_complete_before_the_next_one_begins(hall: Hall):
    """The last message of a candle holds every print of it, and comes before the first of its successor."""
    hall.subscribe(type="candle", coin="ETH", interval="1m")
    for number, time_ms in enumerate((59_000, 59_900, 60_100)):
        hall.candles.on_trade(Trade("ETH", time_ms, Direction.BUY, 3000.0 + number, 1.0, str(number)))
        if number != 1:
            hall.streams.send_candles()
    assert [(candle["t"], candle["n"], candle["c"]) for candle in hall.reader.of("candle")] == [
        (0, 1, "3000"), (0, 2, "3001"), (60_000, 1, "3002")
    ]  # fmt: skip


def test_funding_reaches_whoever_watches_the_account(hall: Hall):
    """A payment appears in userFundings, in userEvents, and in the state of the account; the past comes first."""
    account = hall.exchange.state.accounts[ALICE]
    account.trade("ETH", 10_000, hall.exchange.state.prices["ETH"], account.purse.fees)
    for kind in ("userFundings", "userEvents", "clearinghouseState"):
        hall.subscribe(type=kind, user=ALICE.upper().replace("X", "x"))
    hall.exchange.advance(HOUR_MS)
    hall.tell()
    past, now = hall.reader.of("userFundings")
    assert past == {"isSnapshot": True, "user": ALICE, "fundings": []}
    assert now["fundings"] == [
        {"time": HOUR_MS, "coin": "ETH", "usdc": "-0.3", "szi": "1.0", "fundingRate": "0.0001", "nSamples": None}
    ]
    assert hall.reader.of("user") == [{"funding": now["fundings"][0]}]
    before, after = (state["clearinghouseState"] for state in hall.reader.of("clearinghouseState"))
    assert before["marginSummary"]["accountValue"] == "10000.0"
    assert after["assetPositions"][0]["position"]["cumFunding"]["sinceOpen"] == "0.3"


def test_a_market_without_trades_has_no_backlog(hall: Hall):
    """A subscription before the first trade is acknowledged, and begins with nothing rather than an empty message."""
    hall.subscribe(type="trades", coin="ETH")
    assert [message["channel"] for message in hall.reader.sent] == ["subscriptionResponse"]


def test_who_has_left_gets_nothing(hall: Hall):
    """After a connection is forgotten no message is written for it, and no trace of its feeds is kept."""
    hall.subscribe(type="trades", coin="ETH")
    hall.streams.forget(hall.reader)  # type: ignore[arg-type]
    hall.exchange.on_trade(Trade("ETH", 1, Direction.BUY, 3000.1, 1.0, "1"))
    hall.tell()
    assert hall.reader.of("trades") == []
    assert not hall.streams._readers


@pytest.mark.parametrize("subscription", [
    None, 7, {}, {"type": "dance"}, {"type": ["bbo"]}, {"type": "userFills"}, {"type": "userFills", "user": "me"},
    {"type": "candle", "coin": "ETH"}, {"type": "candle", "coin": "ETH", "interval": "7m"},
])  # fmt: skip
def test_a_malformed_subscription_is_refused(subscription: Any):
    """What is no subscription is an error that leaves the connection."""
    with pytest.raises(MalformedMessage):
        read_topic(subscription, ["ETH"])


@pytest.mark.parametrize("coin", ["NOPE", None, "eth", ["ETH"]])
def test_a_subscription_to_an_unlisted_coin_is_another_error(coin: Any):
    """Names are exact, and an unknown one is told apart, because the exchange cuts the connection for it."""
    with pytest.raises(UnknownCoin):
        read_topic({"type": "bbo", "coin": coin}, ["ETH"])
