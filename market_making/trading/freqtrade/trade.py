"""How a trade and its orders, as Freqtrade keeps them, read as a holding. Freqtrade itself is not needed for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from market_making.market.sides import Side
from market_making.trading.holding import Holding, Position, RestingOrder
from market_making.trading.plan import PlannedOrder

_HAIR = 1e-9


class FreqtradeOrder(Protocol):
    """What is needed of ``freqtrade.persistence.Order``.

    `side` and `price` are not: Hyperliquid's answer to a new order has neither, and Freqtrade leaves them empty until
    it asks again.
    """

    order_id: str
    ft_order_side: str
    ft_order_tag: str | None
    order_type: str | None
    average: float | None

    @property
    def safe_placement_price(self) -> float:
        """Price at which it was placed."""
        ...

    @property
    def safe_remaining(self) -> float:
        """Size still open [coins]."""
        ...

    @property
    def safe_filled(self) -> float:
        """Size filled [coins]."""
        ...

    @property
    def order_date_utc(self) -> datetime:
        """When it was placed."""
        ...


class FreqtradeTrade(Protocol):
    """What is needed of ``freqtrade.persistence.Trade``; `amount` counts finished orders only."""

    amount: float
    open_rate: float
    stake_amount: float
    leverage: float
    is_short: bool
    is_open: bool

    @property
    def orders(self) -> Sequence[FreqtradeOrder]:
        """Every order so far."""
        ...

    @property
    def open_orders(self) -> Sequence[FreqtradeOrder]:
        """Orders that rest."""
        ...


def holding_of(trade: FreqtradeTrade | None) -> Holding:
    """What is held, with the filled part of the resting order."""
    coins, resting = closed_position(trade), None
    if trade is None or not trade.is_open:
        return Holding()
    for order in trade.open_orders:
        resting = resting_order_of(order)
        coins += resting.filled if resting.side is Side.BID else -resting.filled
    return Holding(coins, resting, len(trade.orders))


def position_of(trade: FreqtradeTrade | None) -> Position:
    """What is held, and for how much it was opened."""
    if trade is None:
        return Position()
    bought = sum(order.safe_filled for order in trade.orders if order.ft_order_side == "buy")
    return Position(closed_position(trade), trade.open_rate, holding_of(trade), bought)


def closed_position(trade: FreqtradeTrade | None) -> float:
    """Position from finished orders only [coins, signed]."""
    if trade is None or not trade.is_open:
        return 0.0
    return -trade.amount if trade.is_short else trade.amount


def resting_order_of(order: FreqtradeOrder) -> RestingOrder:
    """One order."""
    return RestingOrder(
        order_id=order.order_id,
        side=Side.BID if order.ft_order_side == "buy" else Side.ASK,
        price=order.safe_placement_price,
        remaining=order.safe_remaining,
        filled=order.safe_filled,
        placed_ms=milliseconds(order.order_date_utc),
        tag=order.ft_order_tag or "",
        is_taker=order.order_type == "market",
        average=order.average,
    )


def stake_of(order: PlannedOrder, leverage: float) -> float:
    """Stake from which Freqtrade, which truncates amounts, arrives at the planned size: a hair more."""
    return order.size * order.price / leverage * (1 + _HAIR)


def adjustment_of(order: PlannedOrder, trade: FreqtradeTrade) -> float:
    """What ``adjust_trade_position`` returns for an order: its stake, negative if it reduces the position.

    A reduction is a share of the trade's own stake; exactly all of it closes the trade.
    """
    if order.grows:
        return stake_of(order, trade.leverage)
    if order.closes:
        return -trade.stake_amount
    return -order.size * (1 + _HAIR) * trade.stake_amount / trade.amount


def direction_of(side: Side) -> str:
    """Direction of the position that an order on this side opens, in Freqtrade's words."""
    return "long" if side is Side.BID else "short"


def milliseconds(time: datetime) -> int:
    """Unix time [ms]."""
    return int(time.timestamp() * 1e3)
