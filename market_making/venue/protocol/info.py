"""Answers to ``/info``."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from market_making.hyperliquid.accounts import (
    account_fields,
    fee_fields,
    fill_fields,
    funding_delta,
    rate_limit_fields,
    spot_fields,
)
from market_making.hyperliquid.listings import universe_and_context_fields, universe_fields
from market_making.hyperliquid.market_data import book_fields, format_frame
from market_making.hyperliquid.numbers import to_wire
from market_making.hyperliquid.orders import basic_order, full_order, order_with_status, read_order_key
from market_making.hyperliquid.signing import read_address
from market_making.market.errors import MalformedMessage
from market_making.recording.streams import BOOK_LEVELS
from market_making.venue.accounts.account import DEFAULT_LEVERAGE, Account
from market_making.venue.accounts.budget import ActionBudget
from market_making.venue.accounts.margin import equity, summary
from market_making.venue.engine.exchange import HOUR_MS, Exchange
from market_making.venue.markets.candles import CandleAggregator
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.protocol.account_view import account_state

MOST_FILLS = 2_000
MOST_CANDLES = 5_000
MOST_FUNDINGS = 500
UNIFIED = ("unifiedAccount", "portfolioMargin")
SPOT_META = {
    "tokens": [
        {
            "name": "USDC",
            "szDecimals": 8,
            "weiDecimals": 8,
            "index": 0,
            "tokenId": "0x6d1e7cde53ba9467b783cb7c530ce054",
            "isCanonical": True,
            "evmContract": None,
            "fullName": None,
        }
    ],
    "universe": [],
}

Request = dict[str, Any]


class Info:
    """Answers questions about the market and about accounts.

    Parameters
    ----------
    exchange : Exchange
        What is asked about.
    candles : CandleAggregator
        Its candles.
    """

    def __init__(self, exchange: Exchange, candles: CandleAggregator) -> None:
        self._exchange = exchange
        self._state = exchange.state
        self._candles = candles
        self._answers: dict[str, Callable[[Request], Any]] = {
            "spotMeta": lambda _: SPOT_META,
            "spotMetaAndAssetCtxs": lambda _: [SPOT_META, []],
            "perpDexs": lambda _: [None],
            "meta": self._meta,
            "metaAndAssetCtxs": self._meta_and_contexts,
            "exchangeStatus": lambda _: {"time": self._state.now_ms, "specialStatuses": None},
            "allMids": lambda _: self.mids(),
            "l2Book": self._book,
            "recentTrades": self._recent_trades,
            "candleSnapshot": self._candle_snapshot,
            "fundingHistory": self._funding_history,
            "userAbstraction": lambda request: self._user(request) and self._state.config.abstraction,
            "clearinghouseState": lambda request: self.clearinghouse(self._user(request)),
            "spotClearinghouseState": self._spot_state,
            "activeAssetData": self._active_asset,
            "orderStatus": self._order_status,
            "openOrders": lambda request: [basic_order(order.state()) for order in self._open(request)],
            "frontendOpenOrders": lambda request: [full_order(order.state()) for order in self._open(request)],
            "historicalOrders": self._historical_orders,
            "userFills": self._user_fills,
            "userFillsByTime": self._user_fills_by_time,
            "userFunding": self._user_funding,
            "userFees": self._user_fees,
            "userRateLimit": self._user_rate_limit,
            "userRole": self._user_role,
            "maxBuilderFee": self._maximum_builder_fee,
            "userNonFundingLedgerUpdates": lambda _: [],
        }

    def answer(self, request: Any) -> Any:
        """Answer one request, ready for JSON.

        Raises
        ------
        MalformedMessage
            If its type is not known or a field is missing or wrong.
        """
        kind = request.get("type") if isinstance(request, dict) else None
        answer = self._answers.get(kind) if isinstance(kind, str) else None
        if answer is None:
            raise MalformedMessage(f"no info of type {kind!r:.60}; there are {', '.join(sorted(self._answers))}")
        if request.get("dex"):
            raise MalformedMessage(f"there is no dex {request['dex']!r:.60}")
        return answer(request)

    def account(self, address: str) -> Account:
        """An account by address; one that never deposited is empty."""
        return self._state.accounts.get(address) or Account(address, Decimal(0), ActionBudget(0))

    def clearinghouse(self, address: str) -> dict[str, Any]:
        """``clearinghouseState`` of an address."""
        return account_fields(account_state(self.account(address), self._state.prices, self._state.now_ms))

    def mids(self) -> dict[str, str]:
        """Mid of every coin that has a two-sided book."""
        mids = ((coin.listing.coin, coin.mid()) for coin in self._state.coins)
        return {name: to_wire(mid) for name, mid in mids if mid is not None}

    def coin(self, request: Request) -> ListedCoin:
        """The coin a request names.

        Raises
        ------
        MalformedMessage
            If the venue does not list it.
        """
        coin = self._state.by_name.get(str(request.get("coin")))
        if coin is None:
            raise MalformedMessage(f"coin {request.get('coin')!r:.60} is not listed")
        return coin

    def contexts(self) -> list[Any]:
        """Asset context of every coin, in the order of their asset numbers."""
        return [self.context(coin) for coin in self._state.coins]

    def context(self, coin: ListedCoin) -> Any:
        """Asset context of one coin; open interest counts the clients' long positions."""
        name = coin.listing.coin
        held = (account.positions[name].lots for account in self._state.accounts.values())
        return coin.context(self._state.config.funding_rate, sum(max(lots, 0) for lots in held))

    def _user(self, request: Request) -> str:
        return read_address(request.get("user"), "user")

    def _account(self, request: Request) -> Account:
        return self.account(self._user(request))

    def _meta(self, _: Request) -> Any:
        return universe_fields([coin.listing for coin in self._state.coins])

    def _meta_and_contexts(self, _: Request) -> Any:
        return universe_and_context_fields([coin.listing for coin in self._state.coins], self.contexts())

    def _book(self, request: Request) -> Any:
        return book_fields(self.coin(request).matching.book(BOOK_LEVELS, self._state.now_ms))

    def _recent_trades(self, request: Request) -> Any:
        frame = format_frame(tuple(reversed(self.coin(request).trades)))
        return orjson.loads(frame)["data"]

    def _candle_snapshot(self, request: Request) -> Any:
        wanted = request.get("req")
        if not isinstance(wanted, dict):
            raise MalformedMessage("candleSnapshot needs req with coin, interval, startTime and endTime")
        name, (start_ms, end_ms) = self.coin(wanted).listing.coin, self._period(wanted)
        return self._candles.snapshot(name, str(wanted.get("interval")), start_ms, end_ms)[-MOST_CANDLES:]

    def _period(self, request: Request) -> tuple[int, int]:
        start, end = request.get("startTime", 0), request.get("endTime")
        end = self._state.now_ms if end is None else end
        if type(start) is not int or type(end) is not int:
            raise MalformedMessage(f"startTime and endTime must be integers, saw {start!r:.40} and {end!r:.40}")
        return start, end

    def _funding_history(self, request: Request) -> Any:
        coin, (start_ms, end_ms) = self.coin(request), self._period(request)
        first, last = -(-start_ms // HOUR_MS), min(end_ms, self._state.now_ms) // HOUR_MS
        rate = to_wire(self._state.config.funding_rate)
        hours = range(max(first, 0), last + 1)[:MOST_FUNDINGS]
        return [
            {"coin": coin.listing.coin, "fundingRate": rate, "premium": "0.0", "time": hour * HOUR_MS} for hour in hours
        ]

    def _spot_state(self, request: Request) -> Any:
        account = self._account(request)
        if self._state.config.abstraction not in UNIFIED:
            return spot_fields(Decimal(0), Decimal(0))
        return spot_fields(equity(account, self._state.prices), summary(account, self._state.prices).used)

    def _active_asset(self, request: Request) -> Any:
        listing, account = self.coin(request).listing, self._account(request)
        position = account.positions.get(listing.coin)
        leverage = min(DEFAULT_LEVERAGE, listing.maximum_leverage) if position is None else position.leverage
        kind = "cross" if position is None or position.is_cross else "isolated"
        return {"user": account.address, "coin": listing.coin, "leverage": {"type": kind, "value": leverage}}

    def _order_status(self, request: Request) -> Any:
        order = self._state.find(self._account(request), read_order_key(request.get("oid")))
        if order is None:
            return {"status": "unknownOid"}
        return {"status": "order", "order": order_with_status(order.state(), full_order(order.state()))}

    def _open(self, request: Request) -> Any:
        # An order that waits for its parent is shown inside the parent.
        orders = self._account(request).open_orders.values()
        return [order for order in reversed(orders) if not order.waits_for_parent]

    def _historical_orders(self, request: Request) -> Any:
        account = self._account(request)
        orders = [*account.finished_orders, *account.open_orders.values()][::-1][:MOST_FILLS]
        return [order_with_status(order.state(), full_order(order.state())) for order in orders]

    def _user_fills(self, request: Request) -> Any:
        return [fill_fields(fill) for fill in list(self._account(request).fills)[: -MOST_FILLS - 1 : -1]]

    def _user_fills_by_time(self, request: Request) -> Any:
        start_ms, end_ms = self._period(request)
        fills = [fill for fill in self._account(request).fills if start_ms <= fill.time_ms <= end_ms]
        return [fill_fields(fill) for fill in fills[:MOST_FILLS]]

    def _user_funding(self, request: Request) -> Any:
        start_ms, end_ms = self._period(request)
        payments = [item for item in self._account(request).fundings if start_ms <= item.time_ms <= end_ms]
        return [funding_delta(payment) for payment in payments[:MOST_FUNDINGS]]

    def _user_fees(self, request: Request) -> Any:
        done, config = self._account(request).statistics, self._state.config
        day = datetime.fromtimestamp(self._state.now_ms / 1000, UTC).date().isoformat()
        maker, taker = Decimal(str(config.maker_fee)), Decimal(str(config.taker_fee))
        return fee_fields(maker, taker, done.maker_volume, done.taker_volume, day)

    def _user_rate_limit(self, request: Request) -> Any:
        budget = self._account(request).budget
        return rate_limit_fields(budget.volume, budget.used, budget.limit)

    def _user_role(self, request: Request) -> Any:
        address = self._user(request)
        account = self._state.accounts.get(address)
        if account is not None and account.master is not None:
            return {"role": "subAccount", "data": {"master": account.master}}
        if account is not None:
            return {"role": "user"}
        principal = next((item for item in self._state.accounts.values() if address in item.agents), None)
        if principal is not None:
            return {"role": "agent", "data": {"user": principal.address}}
        return {"role": "missing"}

    def _maximum_builder_fee(self, request: Request) -> Any:
        builder = read_address(request.get("builder"), "builder")
        return int(self._account(request).builders.get(builder, Decimal(0)) * 1000)
