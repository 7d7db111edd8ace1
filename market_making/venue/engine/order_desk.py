"""The life of the clients' orders: entry, fills, triggers, end."""

from typing import NamedTuple

from market_making.hyperliquid.accounts import Liquidation
from market_making.hyperliquid.actions import Builder
from market_making.hyperliquid.orders import OrderTerms, TimeInForce
from market_making.market.events import Trade
from market_making.market.sides import Side
from market_making.venue.accounts.account import REMEMBERED_ORDERS, Account
from market_making.venue.engine.bookkeeping import Bookkeeper
from market_making.venue.engine.notices import BookNotice, OrderNotice
from market_making.venue.engine.order_checks import Refusal, refuse_order, refuse_terms
from market_making.venue.engine.state import State
from market_making.venue.engine.triggers import Triggers
from market_making.venue.order_book.book_side import Execution
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.order_book.order import Order, Status

FIRST_ORDER_ID = 100_000_001
HALTED = Refusal(Status.REJECTED, "Trading is halted.")
NOTHING_TO_MODIFY = Refusal(Status.REJECTED, "Cannot modify canceled or filled order")


class Handling(NamedTuple):
    """What belongs to an order beside its terms."""

    builder: Builder | None = None
    waits_for_parent: bool = False
    whole_position: bool = False
    liquidation: Liquidation | None = None


class OrderDesk:
    """Accepts, fills and ends orders.

    Parameters
    ----------
    state : State
        What it works on.
    books : Bookkeeper
        Where the fills go.
    """

    def __init__(self, state: State, books: Bookkeeper) -> None:
        self._state = state
        self._books = books
        self._triggers = Triggers()
        self._next_oid = FIRST_ORDER_ID

    def place(
        self, account: Account, terms: OrderTerms, handling: Handling, replaced: Order | None = None
    ) -> Order | Refusal:
        """Accept an order, or say why not; what it trades at once has happened when this returns.

        `replaced` is cancelled if, and only if, the new order is accepted.
        """
        coin = self._state.coin_at(terms.asset)
        if coin is None or coin.mark is None or self._state.now_ms < coin.halted_until_ms:
            return HALTED
        order = self._new_order(account, coin, terms, handling)
        refusal = refuse_terms(terms, coin, whole_position=handling.whole_position)
        refusal = refusal or refuse_order(order, coin, account, self._state, replaced)
        if refusal is not None:
            self._finish(order, refusal.status)
            outcome: Order | Refusal = refusal
        else:
            outcome = self._admit(order, coin, replaced)
        if order.cloid is not None:
            self._name(order, order.cloid, is_refused=isinstance(outcome, Refusal))
        return outcome

    def modify(
        self, account: Account, key: int | str, terms: OrderTerms, *, always_placed: bool = False
    ) -> Order | Refusal:
        """Replace an order that is still open by a new one, which is placed without it only if it always is."""
        order = self._state.find(account, key)
        if order is None or not order.is_live:
            return self.place(account, terms, Handling()) if always_placed else NOTHING_TO_MODIFY
        return self.place(account, terms, Handling(order.builder, whole_position=order.whole_position), order)

    def end(self, order: Order, status: Status) -> None:
        """Take an order that is not filled out of the market."""
        self._triggers.disarm(order)
        if order.is_resting:
            self._state.by_name[order.coin].matching.remove(order)
        self._finish(order, status)
        self._tell_book(order.coin)
        for child in order.children:
            if child.is_live and child.waits_for_parent:
                self.end(child, Status.CANCELLED)

    def end_all(self, account: Account, status: Status) -> None:
        """End every open order of an account."""
        for order in list(account.open_orders.values()):
            if order.is_live:
                self.end(order, status)

    def fill_maker(self, execution: Execution, cause: Trade) -> Trade | None:
        """Book what the source's market took from a resting order; return the public trade."""
        order = execution.maker
        if order is None:
            return None
        trade = self._books.trade_of_maker(order, execution, cause)
        self._settle(order, execution, trade, None)
        return trade

    def fire_triggers(self, coin: ListedCoin) -> None:
        """Enter the orders whose trigger the mark price has reached."""
        if coin.mark is None:
            return
        for order in self._triggers.due(coin.listing.coin, coin.mark):
            if not order.is_live or order.trigger is None:
                continue
            order.status, order.status_ms = Status.TRIGGERED, self._state.now_ms
            order.tif = TimeInForce.IMMEDIATE if order.trigger.is_market else TimeInForce.GOOD_TILL_CANCELLED
            account = self._state.accounts[order.owner]
            if order.whole_position:
                order.lots = order.original_lots = abs(account.position(order.coin).lots)
            self._tell(order)
            refusal = refuse_order(order, coin, account, self._state, None)
            if refusal is None:
                self._enter(order, coin)
            else:
                self._finish(order, refusal.status)

    def new_oid(self) -> int:
        """Identity of the next order."""
        self._next_oid += 1
        return self._next_oid - 1

    def capacity(self, order: Order) -> int:
        """Lots an order may still trade: a reduce-only order not more than the position it reduces."""
        if not order.reduce_only:
            return order.lots
        return self._state.accounts[order.owner].position(order.coin).closing_lots(_signed(order))

    def _new_order(self, account: Account, coin: ListedCoin, terms: OrderTerms, handling: Handling) -> Order:
        lots = int(terms.size / coin.instrument.lot)
        order = Order(
            oid=self.new_oid(), owner=account.address, instrument=coin.instrument, side=terms.side,
            price=float(terms.price), lots=lots, original_lots=lots, placed_ms=self._state.now_ms, tif=terms.tif,
            reduce_only=terms.reduce_only, trigger=terms.trigger, cloid=terms.cloid, builder=handling.builder,
            status_ms=self._state.now_ms, waits_for_parent=handling.waits_for_parent,
            whole_position=handling.whole_position, liquidation=handling.liquidation, tokens=coin.market.tokens,
        )  # fmt: skip
        self._state.orders[order.oid] = order
        return order

    def _admit(self, order: Order, coin: ListedCoin, replaced: Order | None) -> Order | Refusal:
        """Let an order in that nothing forbids; one that must trade at once may still find nobody to trade with."""
        if replaced is not None:
            self._tell(order)  # clients learn of the new order before the end of the old one
            self.end(replaced, Status.CANCELLED)
        self._state.accounts[order.owner].open_orders[order.oid] = order
        if order.trigger is None:
            return self._enter(order, coin)
        if not order.waits_for_parent:
            self._triggers.arm(order)
        self._tell_open(order)
        return order

    def _name(self, order: Order, cloid: str, *, is_refused: bool) -> None:
        """Let a client order id lead to an order; a refused one does not take it from an order that is still open."""
        holder = self._state.find(self._state.accounts[order.owner], cloid)
        if not is_refused or holder is None or not holder.is_live:
            self._state.oid_of[order.owner, cloid] = order.oid

    def _enter(self, order: Order, coin: ListedCoin) -> Order | Refusal:
        """Let an order take what it can, then rest or end."""
        if order.tif is not TimeInForce.POST_ONLY:
            self._take(order, coin)
        if not order.is_live:
            return order
        if order.tif is not TimeInForce.IMMEDIATE and self.capacity(order):
            coin.matching.rest(order)
            order.is_resting = True
            self._state.accounts[order.owner].statistics.rests(order.coin, order.side, self._state.now_ms)
            self._tell_open(order)
            self._tell_book(order.coin)
            return order
        if order.filled_lots:
            is_immediate = order.tif is TimeInForce.IMMEDIATE
            self._finish(order, Status.CANCELLED if is_immediate else Status.REDUCE_ONLY_CANCELLED)
            return order
        text = f"Order could not immediately match against any resting orders. asset={coin.index}"
        refusal = Refusal(Status.NO_MATCH if order.trigger is None else Status.NO_LIQUIDITY, text)
        self._finish(order, refusal.status)
        return refusal

    def _take(self, order: Order, coin: ListedCoin) -> None:
        transaction, trades = self._books.new_hash(), []
        for execution in coin.matching.take(order, min(order.lots, self.capacity(order))):
            order.lots -= execution.lots
            trade = self._books.trade_of_taker(order, execution, transaction, self._state.now_ms)
            if execution.maker is not None:
                self._settle(execution.maker, execution, trade, order.liquidation)
            self._settle(order, execution, trade, order.liquidation)
            trades.append(trade)
        if trades:
            self._books.publish(coin, trades)
            self._tell_book(order.coin)

    def _settle(self, order: Order, execution: Execution, trade: Trade, liquidation: Liquidation | None) -> None:
        account = self._state.accounts[order.owner]
        self._books.fill(account, order, execution, trade, liquidation)
        if not order.lots:
            self._finish(order, Status.FILLED)
            self._wake_family(order)
        if order.tokens is None:
            self._drop_useless(account, order.coin)

    def _wake_family(self, order: Order) -> None:
        """Arm what waited for this order, end what competed with it."""
        for child in order.children:
            if child.is_live and child.waits_for_parent:
                child.waits_for_parent = False
                self._triggers.arm(child)
        for sibling in order.siblings:
            if sibling.is_live:
                self.end(sibling, Status.SIBLING_FILLED)

    def _drop_useless(self, account: Account, coin: str) -> None:
        """End reduce-only orders that have nothing to reduce any more."""
        position = account.position(coin)
        for order in account.orders_of(coin):
            if not order.reduce_only or not order.is_live or order.waits_for_parent:
                continue
            # A stop may stand on either side of a position that turns; only without any position it is of no use.
            useless = not position.lots if order.waits_for_mark else not self.capacity(order)
            if useless and (order.is_resting or order.waits_for_mark):
                self.end(order, Status.REDUCE_ONLY_CANCELLED)

    def _finish(self, order: Order, status: Status) -> None:
        """Record the end of an order."""
        account = self._state.accounts[order.owner]
        order.status, order.status_ms = status, self._state.now_ms
        if order.is_resting:
            order.is_resting = False
            account.statistics.leaves(order.coin, order.side, self._state.now_ms)
        account.open_orders.pop(order.oid, None)
        account.finished_orders.append(order)
        if len(account.finished_orders) > REMEMBERED_ORDERS:
            self._forget(account.finished_orders.popleft())
        self._tell(order)

    def _forget(self, order: Order) -> None:
        del self._state.orders[order.oid]
        if order.cloid is not None and self._state.oid_of.get((order.owner, order.cloid)) == order.oid:
            del self._state.oid_of[order.owner, order.cloid]

    def _tell_open(self, order: Order) -> None:
        """Tell of an order that rests or waits, unless its last news say the same."""
        if not order.history or order.history[-1] != order.state():
            self._tell(order)

    def _tell(self, order: Order) -> None:
        state = order.state()
        order.note(state)
        self._state.notices.append(OrderNotice(order.owner, state))

    def _tell_book(self, coin: str) -> None:
        self._state.notices.append(BookNotice(coin, self._state.now_ms))


def _signed(order: Order) -> int:
    return order.lots if order.side is Side.BID else -order.lots
