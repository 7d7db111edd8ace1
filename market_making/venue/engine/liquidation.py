"""Liquidation: what happens to an account whose margin no longer covers its positions.

Source: the exchange's documentation, "Liquidations" (August 2026): below the maintenance margin the positions are first
closed by market orders; an account below two thirds of it goes to the liquidator, positions and margin together. What
is left of a market liquidation stays with the account; there is no fee beside the taker's. The real exchange closes a
position above 100,000 USDC in parts of a fifth, with 30 s between them; here it is closed at once.
"""

from decimal import Decimal
from itertools import count

from market_making.hyperliquid.accounts import Liquidation, LiquidationEvent
from market_making.hyperliquid.orders import OrderTerms, TimeInForce
from market_making.market.sides import Side
from market_making.venue.accounts.account import Account
from market_making.venue.accounts.margin import (
    cross_maintenance,
    cross_summary,
    maintenance_margin,
    position_margin,
)
from market_making.venue.accounts.position import ZERO
from market_making.venue.accounts.purse import Purse
from market_making.venue.engine.bookkeeping import Bookkeeper
from market_making.venue.engine.notices import LiquidationNotice
from market_making.venue.engine.order_desk import Handling, OrderDesk
from market_making.venue.engine.state import State
from market_making.venue.order_book.order import Status

BACKSTOP_SHARE = Decimal(2) / 3
# A market order has no limit; this one is inside the band of prices the exchange accepts and beyond any book.
_LOW, _HIGH = 0.5, 1.5


class Liquidator:
    """Closes the positions of accounts without enough margin.

    Parameters
    ----------
    state : State
        What it works on.
    desk : OrderDesk
        Where it cancels and trades.
    books : Bookkeeper
        Where it books what nobody in the book takes.
    """

    def __init__(self, state: State, desk: OrderDesk, books: Bookkeeper) -> None:
        self._state = state
        self._desk = desk
        self._books = books
        self._numbers = count(1)

    def check(self) -> None:
        """Liquidate whatever lacks margin at the mark prices of now."""
        for account in self._state.accounts.values():
            for group in self._groups(account):
                if self._margin(account, group) < self._maintenance(account, group):
                    self._liquidate(account, group, is_forced=False)

    def liquidate(self, account: Account) -> None:
        """Liquidate every position of an account, whatever its margin."""
        for group in self._groups(account):
            self._liquidate(account, group, is_forced=True)

    def _groups(self, account: Account) -> list[list[str]]:
        """Coins whose positions stand and fall together: the cross ones of a purse, each isolated one by itself."""
        groups = []
        for purse in account.all_purses:
            held = purse.held()
            cross = [coin for coin, position in held.items() if position.is_cross]
            groups += [cross] if cross else []
            groups += [[coin] for coin, position in held.items() if not position.is_cross]
        return groups

    def _margin(self, account: Account, group: list[str]) -> Decimal:
        """What the positions of a group are backed by [USDC]."""
        position = account.position(group[0])
        if position.is_cross:
            return cross_summary(account.home(group[0]), self._state.prices).account_value
        return position_margin(position, self._state.prices[group[0]]) if position.lots else ZERO

    def _maintenance(self, account: Account, group: list[str]) -> Decimal:
        position = account.position(group[0])
        if position.is_cross:
            return cross_maintenance(account.home(group[0]), self._state.prices)
        return maintenance_margin(position, self._state.prices[group[0]])

    def _liquidate(self, account: Account, group: list[str], *, is_forced: bool) -> None:
        is_cross, purse = account.position(group[0]).is_cross, account.home(group[0])
        event = self._event(account, group, is_cross=is_cross)
        for order in list(account.open_orders.values()):
            shares = is_cross and order.tokens is None and account.home(order.coin) is purse
            if order.is_live and (shares or order.coin in group):
                self._desk.end(order, Status.LIQUIDATED)
        cash_before = purse.cash
        for coin in group:
            self._close_in_book(account, coin, is_cross=is_cross)
        held = [coin for coin in group if account.position(coin).lots]
        if held and (is_forced or self._is_for_backstop(account, held)):
            self._take_over(account, held, is_cross=is_cross)
            held = []
        if not held:
            _forgive(purse, purse.cash if is_cross else purse.cash - cash_before)
        if all(account.position(coin).size == size for coin, size in event.positions):
            return  # the book was empty; the next mark price tries again
        account.statistics.liquidations += 1
        account.liquidations.append(event)
        self._state.notices.append(LiquidationNotice(account.address, event))

    def _event(self, account: Account, group: list[str], *, is_cross: bool) -> LiquidationEvent:
        prices = self._state.prices
        return LiquidationEvent(
            time_ms=self._state.now_ms,
            hash=self._books.new_hash(),
            number=next(self._numbers),
            user=account.address,
            positions=tuple((coin, account.position(coin).size) for coin in group),
            notional=sum((abs(account.position(coin).value(prices[coin])) for coin in group), ZERO),
            account_value=self._margin(account, group),
            is_cross=is_cross,
        )

    def _close_in_book(self, account: Account, name: str, *, is_cross: bool) -> None:
        """Sell or buy back at the market what the book takes."""
        position, coin = account.position(name), self._state.by_name[name]
        if not position.lots:
            return
        mark = self._state.prices[name]
        side = Side.ASK if position.lots > 0 else Side.BID
        bound = coin.instrument.bid_price(float(mark) * (_LOW if side is Side.ASK else _HIGH))
        terms = OrderTerms(
            asset=coin.index, side=side, price=Decimal(repr(bound)), size=abs(position.size), reduce_only=True,
            tif=TimeInForce.IMMEDIATE, trigger=None, cloid=None,
        )  # fmt: skip
        liquidation = Liquidation(account.address, mark, is_backstop=False, is_cross=is_cross)
        self._desk.place(account, terms, Handling(liquidation=liquidation))

    def _is_for_backstop(self, account: Account, held: list[str]) -> bool:
        return self._margin(account, held) < BACKSTOP_SHARE * self._maintenance(account, held)

    def _take_over(self, account: Account, held: list[str], *, is_cross: bool) -> None:
        """Hand positions and their margin to the liquidator."""
        left = self._margin(account, held)
        for name in held:
            coin = self._state.by_name[name]
            liquidation = Liquidation(account.address, self._state.prices[name], is_backstop=True, is_cross=is_cross)
            trade = self._books.take_over(account, coin, self._desk.new_oid(), self._state.now_ms, liquidation)
            self._books.publish(coin, [trade])
        account.home(held[0]).seize(left)


def _forgive(purse: Purse, left: Decimal) -> None:
    """A position closed at a loss beyond its margin leaves no debt."""
    if left < 0:
        purse.seize(left)
