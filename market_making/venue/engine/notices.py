"""What the exchange tells the outside: the streams turn each of these into messages."""

from typing import NamedTuple

from market_making.hyperliquid.accounts import Fill, FundingPayment, LiquidationEvent
from market_making.hyperliquid.orders import OrderState
from market_making.market.events import Trade


class OrderNotice(NamedTuple):
    """An order of an account has changed."""

    address: str
    order: OrderState


class FillNotice(NamedTuple):
    """An order of an account was filled."""

    address: str
    fill: Fill


class FundingNotice(NamedTuple):
    """An account has paid or received funding."""

    address: str
    payment: FundingPayment


class LiquidationNotice(NamedTuple):
    """An account was liquidated."""

    address: str
    event: LiquidationEvent


class TradesNotice(NamedTuple):
    """Trades everybody sees."""

    trades: tuple[Trade, ...]


class BookNotice(NamedTuple):
    """The book of a coin has changed."""

    coin: str
    time_ms: int


Notice = OrderNotice | FillNotice | FundingNotice | LiquidationNotice | TradesNotice | BookNotice
