"""Answers to ``/info``: the market, and by `AccountInfo` the accounts."""

from collections.abc import Callable
from typing import Any

import orjson

from market_making.hyperliquid.contexts import DayFigures, context_fields
from market_making.hyperliquid.listings import margin_table
from market_making.hyperliquid.market_data import book_fields, format_frame
from market_making.hyperliquid.numbers import to_wire
from market_making.hyperliquid.signing import read_address
from market_making.market.errors import MalformedMessage
from market_making.recording.streams import BOOK_LEVELS
from market_making.venue.engine.exchange import HOUR_MS, Exchange
from market_making.venue.markets.candles import CandleAggregator
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.protocol.account_info import MOST_FUNDINGS, AccountInfo, Request, read_period
from market_making.venue.protocol.listings import ListingAnswers

MOST_CANDLES = 5_000


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
        self.listings = listings = ListingAnswers(exchange.state, self.context)
        self.accounts = AccountInfo(exchange.state, listings, exchange.charges.fees)
        self._answers: dict[str, Callable[[Request], Any]] = {
            "spotMeta": lambda _: listings.spot_meta(),
            "spotMetaAndAssetCtxs": lambda _: [listings.spot_meta(), listings.spot_contexts()],
            "perpDexs": lambda _: listings.dexes(),
            "meta": lambda request: listings.meta(listings.dex(request)),
            "metaAndAssetCtxs": lambda request: listings.meta_and_contexts(listings.dex(request)),
            "exchangeStatus": lambda _: {"time": self._state.now_ms, "specialStatuses": None},
            "allMids": lambda request: self.mids(listings.dex(request)),
            "l2Book": self._book,
            "recentTrades": self._recent_trades,
            "candleSnapshot": self._candle_snapshot,
            "fundingHistory": self._funding_history,
            "allPerpMetas": lambda _: listings.metas(),
            "perpDexLimits": lambda request: listings.limits(listings.dex(request)),
            "marginTable": self._margin_table,
            "predictedFundings": self._predicted_fundings,
            "perpsAtOpenInterestCap": lambda request: self._capped(listings.dex(request)),
            "webData2": lambda request: self.overview(read_address(request.get("user"), "user")),
            **self.accounts.answers,
        }

    def answer(self, request: Any) -> Any:
        """Answer one request, ready for JSON.

        Raises
        ------
        MalformedMessage
            If its type is not known or a field is missing or wrong.
        """
        answer = self._answers[self.kind(request)]
        self.listings.dex(request)
        return answer(request)

    def kind(self, request: Any) -> str:
        """The type of a question.

        Raises
        ------
        MalformedMessage
            If it is not known.
        """
        kind = request.get("type") if isinstance(request, dict) else None
        if not isinstance(kind, str) or kind not in self._answers:
            raise MalformedMessage(f"no info of type {kind!r:.60}; there are {', '.join(sorted(self._answers))}")
        return kind

    def mids(self, dex: str = "") -> dict[str, str]:
        """Mid of every coin of a dex that has a two-sided book; those of spot are told with the main one."""
        mids = ((coin.listing.coin, coin.mid()) for coin in self._state.coins if coin.market.dex.name == dex)
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

    def context(self, coin: ListedCoin) -> dict[str, Any]:
        """Asset context of one coin, ready for JSON; open interest counts the clients' long positions."""
        name = coin.listing.coin
        accounts = () if coin.is_spot else self._state.accounts.values()
        lots = sum(max(account.position(name).lots, 0) for account in accounts)
        context = coin.context(self._state.config.funding_rate, lots, self._state.now_ms)
        day = self._candles.day(name)
        if day is None:
            return context_fields(context)
        return context_fields(context, DayFigures(day.open, day.notional, day.volume, coin.impact_prices()))

    def overview(self, address: str) -> dict[str, Any]:
        """``webData2`` of an address."""
        meta, contexts = self.listings.meta_and_contexts()
        return {
            **self.accounts.overview(address), "meta": meta, "assetCtxs": contexts,
            "spotAssetCtxs": self.listings.spot_contexts(), "serverTime": self._state.now_ms,
        }  # fmt: skip

    def user_state(self, address: str) -> dict[str, Any]:
        """``webData3`` of an address, a stream only."""
        dexes = [dex.name for dex in self._state.dexes]
        return {
            "userState": {**self.accounts.identity(address), "serverTime": self._state.now_ms},
            "perpDexStates": [
                {"totalVaultEquity": "0.0", "perpsAtOpenInterestCap": self._capped(dex)} for dex in dexes
            ],
        }

    def _book(self, request: Request) -> Any:
        return book_fields(self.coin(request).matching.book(BOOK_LEVELS, self._state.now_ms))

    def _recent_trades(self, request: Request) -> Any:
        frame = format_frame(tuple(reversed(self.coin(request).trades)))
        return orjson.loads(frame)["data"]

    def _candle_snapshot(self, request: Request) -> Any:
        wanted = request.get("req")
        if not isinstance(wanted, dict):
            raise MalformedMessage("candleSnapshot needs req with coin, interval, startTime and endTime")
        name, (start_ms, end_ms) = self.coin(wanted).listing.coin, read_period(wanted, self._state.now_ms)
        return self._candles.snapshot(name, str(wanted.get("interval")), start_ms, end_ms)[-MOST_CANDLES:]

    def _funding_history(self, request: Request) -> Any:
        coin, (start_ms, end_ms) = self.coin(request), read_period(request, self._state.now_ms)
        first, last = -(-start_ms // HOUR_MS), min(end_ms, self._state.now_ms) // HOUR_MS
        rate = to_wire(self._state.config.funding_rate)
        hours = range(max(first, 0), last + 1)[:MOST_FUNDINGS]
        return [
            {"coin": coin.listing.coin, "fundingRate": rate, "premium": "0.0", "time": hour * HOUR_MS} for hour in hours
        ]

    def _margin_table(self, request: Request) -> Any:
        number = request.get("id")
        known = {coin.listing.maximum_leverage for coin in self._state.coins}
        if type(number) is not int or number not in known:
            raise MalformedMessage(f"there is no margin table {number!r:.40}")
        return margin_table(number)

    def _capped(self, dex: str) -> list[str]:
        now_ms = self._state.now_ms
        return [coin.listing.coin for coin in self._state.perpetuals(dex) if now_ms < coin.capped_until_ms]

    def _predicted_fundings(self, _: Request) -> Any:
        venue = {
            "fundingRate": to_wire(self._state.config.funding_rate),
            "nextFundingTime": (self._state.now_ms // HOUR_MS + 1) * HOUR_MS,
            "fundingIntervalHours": 1,
        }
        return [[coin.listing.coin, [["HlPerp", venue]]] for coin in self._state.coins]
