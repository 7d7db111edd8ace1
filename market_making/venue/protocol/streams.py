"""The websocket feeds: subscriptions, what they begin with, and what they get when something happens."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

import orjson

from market_making.hyperliquid.accounts import (
    LiquidationEvent,
    fill_fields,
    funding_fields,
    liquidation_delta,
    liquidation_fields,
)
from market_making.hyperliquid.contexts import CONTEXT, EVERY_CONTEXT, SPOT_CONTEXT
from market_making.hyperliquid.market_data import format_frame
from market_making.hyperliquid.orders import OrderState, basic_order, order_with_status
from market_making.market.events import BestQuote
from market_making.recording.streams import BOOK_LEVELS, FAST_BOOK_LEVELS
from market_making.venue.engine.exchange import Exchange
from market_making.venue.engine.notices import (
    BookNotice,
    FillNotice,
    FundingNotice,
    LiquidationNotice,
    Notice,
    OrderNotice,
    TradesNotice,
)
from market_making.venue.markets.candles import CandleAggregator
from market_making.venue.protocol.account_info import MOST_FILLS
from market_making.venue.protocol.connection import Connection, Topic
from market_making.venue.protocol.info import Info
from market_making.venue.protocol.stream_faults import StreamFaults
from market_making.venue.protocol.topics import FAST, REPEATED_CHANNELS, read_topic


def message(channel: str, data: Any) -> bytes:
    """One message of the websocket."""
    return orjson.dumps({"channel": channel, "data": data})


class Streams:
    """Who has subscribed to what, and the messages they get.

    Parameters
    ----------
    exchange : Exchange
        What the messages are about.
    info : Info
        Answers that some messages repeat.
    candles : CandleAggregator
        Candles of the feed of that name.
    way : StreamFaults
        Brings a message to a connection.
    """

    def __init__(self, exchange: Exchange, info: Info, candles: CandleAggregator, way: StreamFaults) -> None:
        self._state = exchange.state
        self._way = way
        self._info = info
        self._candles = candles
        self._dexes = [dex.name for dex in exchange.state.dexes]
        self._readers: dict[Topic, set[Connection]] = defaultdict(set)
        self._quotes: dict[str, BestQuote] = {}
        self._opened_ms: dict[Topic, int] = {}
        self._beginnings: dict[str, Callable[[Topic], bytes | None]] = {
            "l2Book": self._book,
            "bbo": self._first_quote,
            "trades": self._past_trades,
            "candle": self._candle,
            "activeAssetCtx": self._context,
            "allMids": self._mids,
            "userFills": self._past_fills,
            "userFundings": self._past_fundings,
            "userNonFundingLedgerUpdates": self._past_ledger,
            "clearinghouseState": self._clearinghouse,
            "spotState": self._spot,
            EVERY_CONTEXT: self._every_context,
            "webData3": self._user_state,
            "activeAssetData": self._asset_data,
        }

    def subscribe(self, connection: Connection, subscription: Any) -> None:
        """Add a feed to a connection: acknowledge, then send what it begins with.

        Raises
        ------
        MalformedMessage, UnknownCoin
            See `read_topic`.
        """
        topic = read_topic(subscription, self._state.by_name, self._dexes)
        if topic in connection.topics:
            connection.send(message("error", f"Already subscribed: {orjson.dumps(subscription).decode()}"))
            return
        connection.topics[topic] = subscription
        self._readers[topic].add(connection)
        connection.send(message("subscriptionResponse", {"method": "subscribe", "subscription": subscription}))
        begin = self._beginnings.get(topic.channel)
        beginning = None if begin is None else begin(topic)
        if beginning is not None:
            self._way.send(connection, topic, beginning)

    def unsubscribe(self, connection: Connection, subscription: Any) -> None:
        """Take a feed from a connection.

        Raises
        ------
        MalformedMessage, UnknownCoin
            See `read_topic`.
        """
        topic = read_topic(subscription, self._state.by_name, self._dexes)
        if connection.topics.pop(topic, None) is None:
            connection.send(message("error", f"Already unsubscribed: {orjson.dumps(subscription).decode()}"))
            return
        self._drop(topic, connection)
        connection.send(message("subscriptionResponse", {"method": "unsubscribe", "subscription": subscription}))

    def forget(self, connection: Connection) -> None:
        """Take all feeds from a connection that is gone."""
        for topic in connection.topics:
            self._drop(topic, connection)
        connection.topics.clear()

    def _drop(self, topic: Topic, connection: Connection) -> None:
        self._readers[topic].discard(connection)
        if not self._readers[topic]:
            del self._readers[topic]
            self._opened_ms.pop(topic, None)

    def tell(self, notices: Iterable[Notice]) -> None:
        """Send what has happened to those who want to know."""
        notices = list(notices)
        # Only the books are left aside: what happened to the orders of an account without anything between is one
        # message, as a modify is told by the real exchange.
        news = [notice for notice in notices if not isinstance(notice, BookNotice)]
        for address, group in groupby(news, lambda item: item.address if isinstance(item, OrderNotice) else None):
            if address is None:
                for notice in group:
                    self._tell(notice)
            else:
                self._tell_orders(address, [item.order for item in group if isinstance(item, OrderNotice)])
        for coin in dict.fromkeys(notice.coin for notice in notices if isinstance(notice, BookNotice)):
            self._tell_quote(coin)
        paid = (notice.address for notice in notices if isinstance(notice, FillNotice | FundingNotice))
        for address in dict.fromkeys(paid):
            for dex in self._dexes:
                self._send(Topic("clearinghouseState", user=address, detail=dex), self._clearinghouse)
            self._send(Topic("spotState", user=address), self._spot)

    def _tell_orders(self, address: str, orders: list[OrderState]) -> None:
        updates = [order_with_status(order, basic_order(order)) for order in orders]
        self._send(Topic("orderUpdates", user=address), lambda _: message("orderUpdates", updates))

    def _tell(self, notice: Notice) -> None:
        match notice:
            case TradesNotice(trades):
                self._send(Topic("trades", trades[0].coin), lambda _: format_frame(trades))
            case FillNotice(address, fill):
                self._tell_fill(address, fill_fields(fill))
            case FundingNotice(address, payment):
                self._tell_funding(address, funding_fields(payment))
            case LiquidationNotice(address, event):
                self._tell_liquidation(address, event)

    def send_books(self, *, fast: bool) -> None:
        """Send the books whose period is over."""
        for coin in self._state.by_name:
            topic = Topic("l2Book", coin, detail=FAST if fast else "")
            self._send(topic, self._book)

    def send_candles(self) -> None:
        """Send the candles that are growing, and the last state of one before the first of its successor."""
        for topic in [topic for topic in self._readers if topic.channel == "candle"]:
            current = self._candles.current(topic.coin, topic.detail)
            opened_ms = self._opened_ms.get(topic)
            if current is None:
                continue
            if opened_ms is not None and opened_ms != current["t"]:
                for closed in self._candles.snapshot(topic.coin, topic.detail, opened_ms, current["t"] - 1):
                    self._publish(topic, message("candle", closed))
            self._opened_ms[topic] = current["t"]
            self._publish(topic, message("candle", current))

    def send_contexts(self) -> None:
        """Send mark price and the like."""
        for coin in self._state.by_name:
            topic = Topic("activeAssetCtx", coin)
            self._send(topic, self._context)
        self._send(Topic(EVERY_CONTEXT), self._every_context)

    def send_accounts(self) -> None:
        """Send the state of the accounts that somebody watches."""
        for topic in [topic for topic in self._readers if topic.channel in REPEATED_CHANNELS]:
            begin = self._beginnings[topic.channel]
            self._send(topic, begin)

    def send_mids(self) -> None:
        """Send the mids of all coins."""
        for dex in self._dexes:
            self._send(Topic("allMids", detail=dex), self._mids)

    def _send(self, topic: Topic, write: Callable[[Topic], bytes | None]) -> None:
        """Write a message once, if anybody reads it."""
        text = write(topic) if self._readers.get(topic) else None
        if text is not None:
            self._publish(topic, text)

    def _publish(self, topic: Topic, text: bytes) -> None:
        for connection in list(self._readers.get(topic, ())):
            self._way.send(connection, topic, text)

    def _tell_quote(self, coin: str) -> None:
        topic = Topic("bbo", coin)
        if not self._readers.get(topic):
            return
        quote, last = self._quote(coin), self._quotes.get(coin)
        if last is None or (quote.bid, quote.ask) != (last.bid, last.ask):
            self._quotes[coin] = quote
            self._send(topic, lambda _: format_frame(quote))

    def _tell_fill(self, address: str, fill: dict[str, Any]) -> None:
        self._send(Topic("userFills", user=address), lambda _: message("userFills", {"user": address, "fills": [fill]}))
        self._send(Topic("userEvents", user=address), lambda _: message("user", {"fills": [fill]}))

    def _tell_funding(self, address: str, payment: dict[str, Any]) -> None:
        body = {"user": address, "fundings": [payment]}
        self._send(Topic("userFundings", user=address), lambda _: message("userFundings", body))
        self._send(Topic("userEvents", user=address), lambda _: message("user", {"funding": payment}))

    def _tell_liquidation(self, address: str, event: LiquidationEvent) -> None:
        body = {"user": address, "nonFundingLedgerUpdates": [liquidation_delta(event)]}
        self._send(
            Topic("userNonFundingLedgerUpdates", user=address), lambda _: message("userNonFundingLedgerUpdates", body)
        )
        self._send(
            Topic("userEvents", user=address), lambda _: message("user", {"liquidation": liquidation_fields(event)})
        )

    def _quote(self, coin: str) -> BestQuote:
        return self._state.by_name[coin].matching.best_quote(self._state.now_ms)

    def _first_quote(self, topic: Topic) -> bytes:
        # Whatever was sent before is known to the others; from now on only changes of this one are news.
        self._quotes[topic.coin] = self._quote(topic.coin)
        return format_frame(self._quotes[topic.coin])

    def _past_trades(self, topic: Topic) -> bytes | None:
        trades = tuple(self._state.by_name[topic.coin].trades)
        return format_frame(trades) if trades else None

    def _book(self, topic: Topic) -> bytes:
        levels = FAST_BOOK_LEVELS if topic.detail == FAST else BOOK_LEVELS
        return format_frame(self._state.by_name[topic.coin].matching.book(levels, self._state.now_ms))

    def _candle(self, topic: Topic) -> bytes | None:
        candle = self._candles.current(topic.coin, topic.detail)
        return None if candle is None else message("candle", candle)

    def _context(self, topic: Topic) -> bytes:
        coin = self._state.by_name[topic.coin]
        channel = SPOT_CONTEXT if coin.is_spot else CONTEXT
        return message(channel, {"coin": topic.coin, "ctx": self._info.context(coin)})

    def _every_context(self, _: Topic) -> bytes:
        contexts = [[dex, self._info.listings.contexts(dex)] for dex in self._dexes]
        return message(EVERY_CONTEXT, {"ctxs": contexts})

    def _mids(self, topic: Topic) -> bytes:
        named = {"dex": topic.detail} if topic.detail else {}
        return message("allMids", {"mids": self._info.mids(topic.detail), **named})

    def _past_fills(self, topic: Topic) -> bytes:
        fills = [fill_fields(fill) for fill in list(self._info.accounts.account(topic.user).fills)[-MOST_FILLS:]]
        return message("userFills", {"isSnapshot": True, "user": topic.user, "fills": fills})

    def _past_fundings(self, topic: Topic) -> bytes:
        payments = [funding_fields(payment) for payment in self._info.accounts.account(topic.user).fundings]
        return message("userFundings", {"isSnapshot": True, "user": topic.user, "fundings": payments})

    def _clearinghouse(self, topic: Topic) -> bytes:
        state = self._info.accounts.clearinghouse(topic.user, topic.detail)
        return message("clearinghouseState", {"dex": topic.detail, "user": topic.user, "clearinghouseState": state})

    def _spot(self, topic: Topic) -> bytes:
        return message("spotState", {"user": topic.user, "spotState": self._info.accounts.spot(topic.user)})

    def _past_ledger(self, topic: Topic) -> bytes:
        events = [liquidation_delta(event) for event in self._info.accounts.account(topic.user).liquidations]
        body = {"isSnapshot": True, "user": topic.user, "nonFundingLedgerUpdates": events}
        return message("userNonFundingLedgerUpdates", body)

    def _user_state(self, topic: Topic) -> bytes:
        return message("webData3", self._info.user_state(topic.user))

    def _asset_data(self, topic: Topic) -> bytes:
        return message("activeAssetData", self._info.accounts.asset_data(topic.user, topic.coin))
