"""What a test of one loop at a time does with bot, venue and account."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import requests
from eth_account import Account
from freqtrade.persistence import Trade
from hyperliquid.exchange import Exchange

from market_making.market.sides import Direction
from tests.puppet_market import ADDRESS, KEY, VenueThread

LOT = 0.0333
ALL_FAULTS = bool(os.environ.get("ALL_FAULTS"))


def some(cases: Sequence[Any], count: int = 1) -> Sequence[Any]:
    """The first cases of a kind; with ALL_FAULTS=1 in the environment all of them."""
    return cases if ALL_FAULTS else cases[:count]


def loops(bot: Any, count: int = 1) -> None:
    """Run loops, with the pauses after them left out."""
    for _ in range(count):
        bot.process()
        bot.strategy._edge.loop.ended()


def until(bot: Any, condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Run loops until something holds; return how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{what} not within {seconds} s"
        loops(bot)
        time.sleep(0.1)
    return time.monotonic() - began


def resting(venue: VenueThread) -> list[str]:
    """Sides of the orders that rest."""
    return [order["side"] for order in venue.open_orders()]


def hand(venue: VenueThread) -> Exchange:
    """Somebody else with the key of the account."""
    return Exchange(Account.from_key(KEY), venue.url, account_address=ADDRESS)


def rest_by_hand(venue: VenueThread, *, buy: bool = True, price: float = 2500.0, size: float = 0.05) -> int:
    """Rest an order that the bot has not made; return its number."""
    answer = hand(venue).order("ETH", buy, size, price, {"limit": {"tif": "Alo"}})
    return int(answer["response"]["data"]["statuses"][0]["resting"]["oid"])


def fill(venue: VenueThread, size: float = 10.0) -> None:
    """Let somebody trade through what rests."""
    order = venue.open_orders()[0]
    is_bid = order["side"] == "B"
    venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, 2900.0 if is_bid else 3100.0, size)
    deadline = time.monotonic() + 5
    while any(each["oid"] == order["oid"] and each["sz"] == order["sz"] for each in venue.open_orders()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def strikes(venue: VenueThread) -> int:
    """How often a fault has struck since it was injected."""
    return len(requests.get(f"{venue.url}/faults", timeout=5).json()["strikes"])


def most_beside(bot: Any, venue: VenueThread, oid: int) -> int:
    """Run loops until an order is gone; return how many rested at most meanwhile."""
    most = 0

    def is_gone() -> bool:
        nonlocal most
        resting = {order["oid"] for order in venue.open_orders()}
        most = max(most, len(resting))
        return oid not in resting

    until(bot, is_gone, 8, "cancelling")
    return most


def held(venue: VenueThread) -> float:
    """What the account holds [coins, signed]."""
    return float(venue.audit()["positions"].get("ETH", 0.0))


def booked() -> float:
    """What the bot's database says it holds [coins, signed]."""
    return sum((-1 if trade.is_short else 1) * trade.amount for trade in Trade.get_open_trades())


def marked(venue: VenueThread) -> None:
    """Wait until the account's open result is that of the market."""
    question = {"type": "clearinghouseState", "user": ADDRESS}
    deadline = time.monotonic() + 10
    while True:
        (each,) = requests.post(f"{venue.url}/info", json=question, timeout=5).json()["assetPositions"]
        position = each["position"]
        result = float(position["szi"]) * (venue.market.mid - float(position["entryPx"]))
        if abs(float(position["unrealizedPnl"]) - result) < 0.02:
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def shown(venue: VenueThread) -> None:
    """Wait until the venue's book is that of the market."""

    def best() -> float:
        answer = requests.post(f"{venue.url}/info", json={"type": "l2Book", "coin": "ETH"}, timeout=5).json()
        return float(answer["levels"][1][0]["px"])

    deadline = time.monotonic() + 5
    while abs(best() - venue.market.mid) > 0.2:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def agree(venue: VenueThread) -> bool:
    """Whether the bot's books are the venue's: the same position and the same orders."""
    known = {order.order_id for trade in Trade.get_open_trades() for order in trade.open_orders}
    same_orders = known == {str(order["oid"]) for order in venue.open_orders()}
    return same_orders and abs(booked() - held(venue)) < 1e-9
