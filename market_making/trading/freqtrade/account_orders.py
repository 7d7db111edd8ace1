"""The account's open orders held against the bot's own: an unknown one is logged, closes its pair, and is cancelled."""

import logging
import time
from collections.abc import Iterable
from typing import Any

from freqtrade.exceptions import FreqtradeException, InvalidOrderException

from market_making.market.errors import MarketMakingError
from market_making.market.reasons import Because, Reason
from market_making.trading.freqtrade.edge.open_orders import open_orders_of
from market_making.trading.journal import Journal
from market_making.trading.open_orders import AccountOrder, OpenOrderWatch

log = logging.getLogger(__name__)

# At the end nobody tries again later; `docker stop` waits 10 s for all of it.
_END_S, _AGAIN_S = 4.0, 0.25


class AccountOrders:
    """Compares open orders at the start, after an order that did not appear, and else every ten seconds.

    Parameters
    ----------
    exchange : Any
        Freqtrade's exchange; None where no order is really placed, and then there is nothing to compare.
    journal : Journal or None
        Where an unknown order is written.
    """

    def __init__(self, exchange: Any, journal: Journal | None) -> None:
        self._exchange = exchange
        self._journal = journal
        self._watch = OpenOrderWatch()
        self._orders: list[AccountOrder] = []
        self._failure: Because | None = None
        self._told: set[str] = set()

    def look(self, trades: Iterable[Any], now_ms: int, *, missing: bool) -> None:
        """Compare, if that is due; `trades` are Freqtrade's open ones, `missing` says that an order did not appear."""
        if self._exchange is None:
            return
        if missing:
            self._watch.doubt()
        if self._watch.is_due(now_ms) and self._read(trades, now_ms):
            self._cancel(self._watch.to_cancel(now_ms), "which this bot does not know")

    def end(self, trades: Iterable[Any], now_ms: int) -> None:
        """Cancel whatever still rests at the end of the bot.

        That is an order whose answer has not come, or one that Freqtrade does not cancel: partly filled, and what is
        filled is too small to be sold. Where the exchange does not tell what rests, all that the books have open is
        cancelled: nobody would look at it any more.
        """
        if self._exchange is None:
            return
        trades = list(trades)
        orders = self._orders if self._read(trades, now_ms) else _open_in_books(trades)
        until_s = time.monotonic() + _END_S
        while (orders := self._cancel(orders, "which the bot would leave behind")) and time.monotonic() < until_s:
            time.sleep(_AGAIN_S)

    def no_opening(self, pair: str) -> Because | None:
        """Why a pair must not open anything, if there is a reason."""
        return self._watch.no_opening(pair) or self._failure

    def _read(self, trades: Iterable[Any], now_ms: int) -> bool:
        """Compare now; return whether the exchange has answered."""
        try:
            self._orders = open_orders_of(self._exchange)
        except (FreqtradeException, MarketMakingError) as error:  # the latter where the pace leaves the question out
            self._failure = Because(Reason.ACCOUNT_UNKNOWN, f"the open orders of the account are not known: {error}")
            return False
        self._failure = None
        known = {order.order_id for trade in trades for order in trade.orders if order.ft_is_open}
        self._watch.seen(self._orders, known, now_ms)
        self._tell(now_ms)
        return True

    def _tell(self, now_ms: int) -> None:
        unknown = self._watch.unknown
        for order in unknown:
            if order.order_id not in self._told and self._journal is not None:
                because = self._watch.no_opening(order.pair)
                assert because is not None  # noqa: S101 - it is unknown
                self._journal.foreign(order.pair, because, now_ms)
        self._told = {order.order_id for order in unknown}

    def _cancel(self, orders: Iterable[AccountOrder], why: str) -> list[AccountOrder]:
        """Cancel, and return those that may rest on."""
        left = []
        for order in orders:
            log.warning("cancelling an order of %s, %s: %s", order.pair, why, order)
            try:
                self._exchange.cancel_order(order.order_id, order.pair)
            except (FreqtradeException, MarketMakingError) as error:
                # The next loop asks about it again, the end of the bot tries again; filled or cancelled it is gone.
                log.warning("order %s is not cancelled: %s", order.order_id, error)
                if not isinstance(error, InvalidOrderException):
                    left.append(order)
        return left


def _open_in_books(trades: Iterable[Any]) -> list[AccountOrder]:
    return [
        AccountOrder(trade.pair, order.order_id, order.ft_order_side, order.safe_price, order.safe_remaining)
        for trade in trades
        for order in trade.open_orders
    ]
