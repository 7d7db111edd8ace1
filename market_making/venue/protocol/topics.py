"""What a client may subscribe to."""

from collections.abc import Iterable
from typing import Any

from market_making.hyperliquid.contexts import EVERY_CONTEXT
from market_making.hyperliquid.signing import read_address
from market_making.market.errors import MalformedMessage, UnknownCoin
from market_making.venue.markets.candles import INTERVALS_MS
from market_making.venue.protocol.connection import Topic

COIN_CHANNELS = ("l2Book", "bbo", "trades", "candle", "activeAssetCtx")
USER_CHANNELS = (
    "userFills", "orderUpdates", "userEvents", "userFundings", "clearinghouseState", "webData3", "notification",
    "userNonFundingLedgerUpdates", "spotState",
)  # fmt: skip
# Of one dex, the main one if none is named.
DEX_CHANNELS = ("allMids", "clearinghouseState")
# Of an account, or of an account in a coin: sent again and again, because they may change at any time.
REPEATED_CHANNELS = ("clearinghouseState", "webData3", "activeAssetData", "spotState")
FAST = "fast"


def read_topic(subscription: Any, coins: Iterable[str], dexes: Iterable[str] = ("",)) -> Topic:
    """Read what a client wants to subscribe to.

    Parameters
    ----------
    subscription : object
        As it was sent.
    coins, dexes : iterable of str
        What is listed, by names on the wire.

    Raises
    ------
    MalformedMessage
        If it is no subscription this venue knows.
    UnknownCoin
        If it names a coin that is not listed.
    """
    channel = subscription.get("type") if isinstance(subscription, dict) else None
    if channel == EVERY_CONTEXT:
        return Topic(channel)
    if channel in DEX_CHANNELS:
        user = read_address(subscription.get("user"), "user") if channel in USER_CHANNELS else ""
        return Topic(channel, user=user, detail=_dex(subscription, dexes))
    if channel in USER_CHANNELS:
        return Topic(channel, user=read_address(subscription.get("user"), "user"))
    if channel == "activeAssetData":
        return Topic(channel, _coin(subscription, coins), read_address(subscription.get("user"), "user"))
    if channel not in COIN_CHANNELS:
        raise MalformedMessage(f"no subscription of type {channel!r:.60}")
    return Topic(channel, _coin(subscription, coins), detail=_detail(channel, subscription))


def _coin(subscription: dict[str, Any], coins: Iterable[str]) -> str:
    coin = subscription.get("coin")
    if not isinstance(coin, str) or coin not in coins:
        raise UnknownCoin(f"{coin!r:.60} is not listed")
    return coin


def _dex(subscription: dict[str, Any], dexes: Iterable[str]) -> str:
    name = subscription.get("dex") or ""
    if name not in dexes:
        raise MalformedMessage(f"there is no dex {name!r:.60}")
    return str(name)


def _detail(channel: str, subscription: dict[str, Any]) -> str:
    if channel != "candle":
        return FAST if channel == "l2Book" and subscription.get("fast") else ""
    detail = str(subscription.get("interval"))
    if detail not in INTERVALS_MS:
        raise MalformedMessage(f"no candles of {detail!r:.60}")
    return detail
