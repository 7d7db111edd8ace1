"""Hyperliquid's public websocket, both directions: frames of text to events and back.

A frame as the exchange sends it::

    {"channel":"bbo","data":{"coin":"ETH","time":1757015216253,"bbo":[{"px":"4268.9","sz":"10.1152","n":4},null]}}

`parse_frame` and `format_frame` are inverses of each other: what the collector reads, the local venue can send.
Source: the exchange's documentation, "Websocket: subscriptions"; `fast` books (5 levels every 0.5 s beside 20 levels
every 5 s) since July 2026. Fast and slow books carry the same channel name, so they need a connection each.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from market_making.hyperliquid.contexts import (
    EVERY_CONTEXT,
    EveryContext,
    context_channel,
    context_fields,
    parse_context,
    parse_every_context,
    parse_spot_context,
)
from market_making.hyperliquid.numbers import milliseconds, positive, to_wire
from market_making.market.errors import MalformedMessage
from market_making.market.events import AssetContext, BestQuote, BookSnapshot, Level, Trade
from market_making.market.sides import Direction

DIRECTION_OF = {"B": Direction.BUY, "A": Direction.SELL}
_new_tuple = tuple.__new__
LETTER_OF = {direction: letter for letter, direction in DIRECTION_OF.items()}


class Subscription(NamedTuple):
    """One feed of one coin; `channel` is the venue's word (``l2Book``, ``bbo``, ``trades``, ``activeAssetCtx``)."""

    channel: str
    coin: str
    fast: bool = False


class Acknowledged(NamedTuple):
    """The venue has taken a subscription."""

    subscription: Subscription


class Refused(NamedTuple):
    """The venue reports an error of ours in its own words."""

    text: str


class Pong(NamedTuple):
    """Answer to a ping."""


class Greeting(NamedTuple):
    """The plain text with which a connection may begin."""


class UnknownChannel(NamedTuple):
    """A message of a channel this program does not read; not an error."""

    channel: str


Frame = (
    BookSnapshot
    | BestQuote
    | tuple[Trade, ...]
    | AssetContext
    | EveryContext
    | Acknowledged
    | Refused
    | Pong
    | Greeting
    | UnknownChannel
)

# The official SDK 0.24.0 still knows this text; whether the exchange sends it today is not known.
GREETING = b"Websocket connection established."
PING = b'{"method":"ping"}'


def format_subscribe(subscription: Subscription, *, method: str = "subscribe") -> bytes:
    """Request that a client sends to receive (or, with ``unsubscribe``, no longer receive) a feed."""
    return orjson.dumps({"method": method, "subscription": _subscription_fields(subscription)})


def parse_frame(text: bytes | str) -> Frame:
    """Read one message of the venue.

    Raises
    ------
    MalformedMessage
        If it is not JSON, or a message of a known channel lacks what that channel must have.
    """
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if text in (GREETING, GREETING.decode()):
            return Greeting()
        raise MalformedMessage(f"not JSON ({error}): {text[:80]!r}") from None
    if not isinstance(message, dict) or not isinstance(channel := message.get("channel"), str):
        raise MalformedMessage(f"a message must be an object with a channel, got {text[:80]!r}")
    parse = _PARSERS.get(channel)
    if parse is None:
        return UnknownChannel(channel)
    try:
        return parse(message.get("data"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"{channel} message lacks {error}: {text[:200]!r}") from None
    except MalformedMessage as error:
        raise MalformedMessage(f"{channel} message: {error}") from None


def parse_book(data: Any) -> BookSnapshot:
    """Read the body of an ``l2Book`` message, which is also the answer of the REST request of that name.

    Raises
    ------
    MalformedMessage
        If prices are not sorted away from the middle, or are not numbers.
    """
    bids, asks = data["levels"]
    return BookSnapshot(
        coin=_coin(data),
        time_ms=milliseconds(data["time"]),
        bids=_sorted_levels(bids, sign=-1, what="bids"),
        asks=_sorted_levels(asks, sign=1, what="asks"),
    )


def book_fields(book: BookSnapshot) -> dict[str, Any]:
    """Body of an ``l2Book`` message, ready for JSON."""
    levels = [[_level_fields(level) for level in side] for side in (book.bids, book.asks)]
    return {"coin": book.coin, "time": book.time_ms, "levels": levels}


def format_frame(frame: Frame) -> bytes:
    """Write one message as the venue does; the inverse of `parse_frame`."""
    if isinstance(frame, Greeting):
        return GREETING
    channel, data = _body(frame)
    return orjson.dumps({"channel": channel} if data is None else {"channel": channel, "data": data})


def _body(frame: Frame) -> tuple[str, Any]:  # noqa: C901, PLR0911 - one return for each kind of message
    match frame:
        case BookSnapshot():
            return "l2Book", book_fields(frame)
        case BestQuote(coin, time_ms, bid, ask):
            sides = [None if level is None else _level_fields(level) for level in (bid, ask)]
            return "bbo", {"coin": coin, "time": time_ms, "bbo": sides}
        case AssetContext():
            return context_channel(frame), {"coin": frame.coin, "ctx": context_fields(frame)}
        case EveryContext(by_dex):
            return EVERY_CONTEXT, {"ctxs": [[dex, contexts] for dex, contexts in by_dex.items()]}
        case Acknowledged(subscription):
            return "subscriptionResponse", {
                "method": "subscribe",
                "subscription": _subscription_fields(subscription),
            }
        case Refused(text):
            return "error", text
        case UnknownChannel(channel):
            return channel, None
        case Pong():
            return "pong", None
        case trades:
            return "trades", [_trade_fields(trade) for trade in trades]


def _level(fields: Any) -> Level:
    orders = fields.get("n", 1)
    if type(orders) is not int or orders < 0:
        _whole_number(orders, "n")
    # Most of what the exchange sends is levels, and this is half the time a NamedTuple takes by its name.
    return _new_tuple(Level, (positive(fields["px"], "px"), positive(fields["sz"], "sz"), orders))


def _level_fields(level: Level) -> dict[str, Any]:
    return {"px": to_wire(level.price), "sz": to_wire(level.size), "n": level.orders}


def _sorted_levels(rows: Any, *, sign: int, what: str) -> tuple[Level, ...]:
    levels = tuple([_level(row) for row in rows])
    prices = [level[0] for level in levels]
    if prices != sorted(set(prices), reverse=sign < 0):
        raise MalformedMessage(f"{what} are not sorted away from the middle: {prices}")
    return levels


def _coin(data: Any) -> str:
    coin = _text(data["coin"], "coin")
    if not coin:
        raise MalformedMessage("the name of the coin is empty")
    return coin


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise MalformedMessage(f"{what} must be text, got {value!r:.80}")
    return value


def _whole_number(value: Any, what: str) -> int:
    if type(value) is not int or value < 0:
        raise MalformedMessage(f"{what} must be a whole number, got {value!r:.80}")
    return value


def _parse_quote(data: Any) -> BestQuote:
    bid, ask = (None if side is None else _level(side) for side in data["bbo"])
    return BestQuote(_coin(data), milliseconds(data["time"]), bid, ask)


def _parse_trades(data: Any) -> tuple[Trade, ...]:
    return tuple(_trade(fields) for fields in data)


def _trade(fields: Any) -> Trade:
    buyer, seller = fields.get("users") or ("", "")
    return Trade(
        coin=_coin(fields),
        time_ms=milliseconds(fields["time"]),
        direction=DIRECTION_OF[fields["side"]],
        price=positive(fields["px"], "px"),
        size=positive(fields["sz"], "sz"),
        trade_id=str(_whole_number(fields["tid"], "tid")),
        hash=_text(fields.get("hash") or "", "hash"),
        buyer=_text(buyer, "buyer"),
        seller=_text(seller, "seller"),
    )


def _trade_fields(trade: Trade) -> dict[str, Any]:
    if not trade.trade_id.isdigit():
        raise MalformedMessage(f"a trade id must be a number on this wire, got {trade.trade_id!r}")
    return {
        "coin": trade.coin,
        "side": LETTER_OF[trade.direction],
        "px": to_wire(trade.price),
        "sz": to_wire(trade.size),
        "time": trade.time_ms,
        "hash": trade.hash,
        "tid": int(trade.trade_id),
        "users": [trade.buyer, trade.seller],
    }


def _parse_acknowledgement(data: Any) -> Acknowledged | UnknownChannel:
    if data["method"] == "unsubscribe":
        return UnknownChannel("subscriptionResponse")
    fields = data["subscription"]
    return Acknowledged(Subscription(str(fields["type"]), str(fields.get("coin", "")), bool(fields.get("fast"))))


def _subscription_fields(subscription: Subscription) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": subscription.channel}
    if subscription.coin:
        fields["coin"] = subscription.coin
    return {**fields, "fast": True} if subscription.fast else fields


_PARSERS: dict[str, Callable[[Any], Frame]] = {
    "l2Book": parse_book,
    "bbo": _parse_quote,
    "trades": _parse_trades,
    "activeAssetCtx": lambda data: parse_context(_coin(data), data["ctx"]),
    EVERY_CONTEXT: parse_every_context,
    "activeSpotAssetCtx": lambda data: parse_spot_context(_coin(data), data["ctx"]),
    "subscriptionResponse": _parse_acknowledgement,
    "error": lambda data: Refused(str(data)),
    "pong": lambda data: Pong(),  # noqa: ARG005 - a pong has no body
}
