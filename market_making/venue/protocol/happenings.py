"""What happens on the venue without a request: the exchange and other people act on the accounts."""

from collections.abc import Callable
from decimal import Decimal
from math import ceil
from random import Random
from typing import TypeVar

from market_making.hyperliquid.orders import OrderTerms, TimeInForce
from market_making.market.sides import Side
from market_making.venue.accounts.account import Account
from market_making.venue.engine.exchange import Exchange
from market_making.venue.engine.order_desk import Handling
from market_making.venue.faults.effects import (
    CancelOrder,
    Cap,
    Disconnect,
    Halt,
    HoldOracle,
    Interruption,
    Liquidate,
    ManualOrder,
    ManualTrade,
)
from market_making.venue.faults.fault import Fault, Where
from market_making.venue.faults.injector import Moment
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.order_book.order import Order, Status
from market_making.venue.protocol.fault_desk import FaultDesk

T = TypeVar("T")

_MARKET_ORDER_REACH = 0.05
_BASIS_POINT = 1e-4
# A little above the smallest order, so that a price that moves meanwhile does not refuse it.
_SMALLEST_NOTIONAL = 10.5


class Happenings:
    """Carries out what a fault schedule says about the venue itself.

    Parameters
    ----------
    exchange : Exchange
        Where it happens.
    desk : FaultDesk
        Knows what is due.
    disconnect : Callable[[], None]
        Cuts every websocket.
    """

    def __init__(self, exchange: Exchange, desk: FaultDesk, disconnect: Callable[[], None]) -> None:
        self._exchange = exchange
        self._state = exchange.state
        self._desk = desk
        self._disconnect = disconnect

    def work(self) -> None:
        """Let happen what is due."""
        for moment in self._desk.due():
            self._happen(moment)

    def _happen(self, moment: Moment) -> None:
        fault, chance = moment
        match fault.effect:
            case Disconnect():
                self._disconnect()
                self._desk.note_happening(fault, "", [])
            case CancelOrder(status, all_orders):
                self._cancel(fault, Status(status), chance, all_orders=all_orders)
            case Liquidate():
                for account in [account for account in self._accounts(fault.where) if account.held()]:
                    self._exchange.liquidator.liquidate(account)
                    self._desk.note_happening(fault, account.address, [])
            case Halt() | Cap() | HoldOracle():
                self._interrupt(fault, fault.effect, chance)
            case ManualTrade(notional, direction):
                self._trade(fault, chance, notional, direction, distance=None)
            case ManualOrder(notional, direction, distance_bps):
                self._trade(fault, chance, notional, direction, distance=distance_bps * _BASIS_POINT)

    def _interrupt(self, fault: Fault, effect: Interruption, chance: Random) -> None:
        """Interrupt the market that the fault names, or one that is drawn."""
        coins = [coin for coin in self._state.coins if coin.mark and fault.where.coin in ("", coin.listing.coin)]
        until_ms = self._state.now_ms + round(effect.seconds * 1e3)
        for coin in _one_of(coins, chance):
            match effect:
                case Halt():
                    self._exchange.interruptions.halt(coin, until_ms)
                case Cap():
                    self._exchange.interruptions.cap(coin, until_ms)
                case HoldOracle():
                    coin.hold_oracle(until_ms)
            self._desk.note_happening(fault, "", [])

    def _cancel(self, fault: Fault, status: Status, chance: Random, *, all_orders: bool) -> None:
        orders = [order for account in self._accounts(fault.where) for order in _open_orders(account, fault.where)]
        for order in orders if all_orders else _one_of(orders, chance):
            if order.is_live:
                self._exchange.desk.end(order, status)
                self._desk.note_happening(fault, order.owner, [order.oid])

    def _trade(
        self, fault: Fault, chance: Random, notional: float, direction: str | None, *, distance: float | None
    ) -> None:
        """Trade at once, or leave an order at a distance from mid [1]."""
        coins = [coin for coin in self._state.coins if coin.mark and fault.where.coin in ("", coin.listing.coin)]
        drawn = direction or chance.choice(["buy", "sell"])
        side = Side.BID if drawn == "buy" else Side.ASK
        for account in _one_of(self._accounts(fault.where), chance):
            for coin in _one_of(coins, chance):
                outcome = self._exchange.desk.place(account, _terms(coin, side, notional, distance), Handling())
                if isinstance(outcome, Order):
                    self._desk.note_happening(fault, account.address, [outcome.oid])

    def _accounts(self, where: Where) -> list[Account]:
        return [account for account in self._state.accounts.values() if where.user in ("", account.address)]


def _one_of(items: list[T], chance: Random) -> list[T]:
    return [chance.choice(items)] if items else []


def _open_orders(account: Account, where: Where) -> list[Order]:
    wanted = {"buy": Side.BID, "sell": Side.ASK}.get(where.side)
    return [
        order
        for order in account.open_orders.values()
        if not order.waits_for_parent
        and where.coin in ("", order.coin)
        and wanted in (None, order.side)
        and where.oid in (None, order.oid)
    ]


def _terms(coin: ListedCoin, side: Side, notional: float, distance: float | None) -> OrderTerms:
    mark, rules = float(coin.mark or 1), coin.instrument
    away = -1 if side is Side.BID else 1
    share = -_MARKET_ORDER_REACH if distance is None else distance
    price = rules.bid_price(mark * (1 + away * share))
    lots = ceil(max(notional / mark, _SMALLEST_NOTIONAL / price) / float(rules.lot))
    return OrderTerms(
        asset=coin.index, side=side, price=Decimal(repr(price)), size=lots * rules.lot, reduce_only=False,
        tif=TimeInForce.IMMEDIATE if distance is None else TimeInForce.GOOD_TILL_CANCELLED, trigger=None, cloid=None,
    )  # fmt: skip
