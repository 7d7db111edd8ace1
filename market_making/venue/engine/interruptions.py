"""What the deployer of a market may do to it: halt it, let it reach its cap of open interest, leave its oracle alone.

Source: the exchange's pages on HIP-3: a halt cancels every order and settles every position at the mark price, without
notice; the same action opens the market again. At the cap of open interest positions only shrink, and what rests to
open ends as ``openInterestCapCanceled``.
"""

from collections.abc import Iterator

from market_making.market.events import BookSnapshot
from market_making.market.sides import Side
from market_making.venue.engine.bookkeeping import Bookkeeper
from market_making.venue.engine.notices import BookNotice
from market_making.venue.engine.order_desk import OrderDesk
from market_making.venue.engine.state import State
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.order_book.order import Order, Status


class Interruptions:
    """Interrupts the trading of markets.

    Parameters
    ----------
    state : State
        What it works on.
    desk : OrderDesk
        Where it ends orders.
    books : Bookkeeper
        Where it settles positions.
    """

    def __init__(self, state: State, desk: OrderDesk, books: Bookkeeper) -> None:
        self._state, self._desk, self._books = state, desk, books

    def halt(self, coin: ListedCoin, until_ms: int) -> None:
        """Cancel every order, settle every position, and show an empty book until a time."""
        for order in list(self._orders(coin)):
            if order.is_live:
                self._desk.end(order, Status.CANCELLED)
        for account in self._state.accounts.values():
            if not coin.is_spot and coin.mark is not None and account.position(coin.listing.coin).lots:
                trade = self._books.take_over(account, coin, self._desk.new_oid(), self._state.now_ms)
                self._books.publish(coin, [trade])
        list(coin.matching.on_snapshot(BookSnapshot(coin.listing.coin, self._state.now_ms, (), ())))
        coin.halted_until_ms = until_ms
        self._state.notices.append(BookNotice(coin.listing.coin, self._state.now_ms))

    def cap(self, coin: ListedCoin, until_ms: int) -> None:
        """Let positions only shrink until a time, and end what rests to open."""
        coin.capped_until_ms = until_ms
        for order in list(self._orders(coin)):
            if order.is_live and not order.reduce_only and not self._shrinks(order):
                self._desk.end(order, Status.INTEREST_CAP_CANCELLED)

    def _orders(self, coin: ListedCoin) -> Iterator[Order]:
        for account in self._state.accounts.values():
            yield from account.orders_of(coin.listing.coin)

    def _shrinks(self, order: Order) -> bool:
        held = self._state.accounts[order.owner].position(order.coin).lots
        return held < 0 if order.side is Side.BID else held > 0
