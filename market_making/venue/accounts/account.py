"""An account: cash, positions, fills, and what it is allowed to do.

At any price the two sides of this identity are booked separately and agree to the last digit::

    cash + Σ isolated cash + Σ size · price  =  deposits + realised − fees + funding − seized + Σ unrealised
"""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from market_making.hyperliquid.accounts import Fill, FundingPayment, LiquidationEvent
from market_making.market.instrument import Instrument
from market_making.venue.accounts.budget import ActionBudget
from market_making.venue.accounts.position import ZERO, Position
from market_making.venue.accounts.statistics import Statistics
from market_making.venue.order_book.order import Order

DEFAULT_LEVERAGE = 20
REMEMBERED_FILLS = 10_000
REMEMBERED_ORDERS = 2_000
AGENT_LIFE_MS = 180 * 86_400_000


class Agent(NamedTuple):
    """A key that may trade for an account until a Unix time [ms]; the one without a name is not listed."""

    name: str
    valid_until_ms: int


@dataclass(slots=True)
class Account:
    """One address with its money and its orders; a sub-account has a `master`, a vault a `leader`."""

    address: str
    deposits: Decimal
    budget: ActionBudget
    master: str | None = None
    leader: str | None = None
    cash: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    seized: Decimal = ZERO
    positions: dict[str, Position] = field(default_factory=dict)
    open_orders: dict[int, Order] = field(default_factory=dict)
    finished_orders: deque[Order] = field(default_factory=deque)
    fills: deque[Fill] = field(default_factory=lambda: deque(maxlen=REMEMBERED_FILLS))
    fundings: deque[FundingPayment] = field(default_factory=lambda: deque(maxlen=REMEMBERED_FILLS))
    liquidations: list[LiquidationEvent] = field(default_factory=list)
    agents: dict[str, Agent] = field(default_factory=dict)
    builders: dict[str, Decimal] = field(default_factory=dict)
    referrer: str | None = None
    cancel_all_ms: int | None = None
    scheduled_cancels: dict[int, int] = field(default_factory=dict)
    statistics: Statistics = field(default_factory=Statistics)

    def __post_init__(self) -> None:
        self.cash = self.deposits

    def position(self, instrument: Instrument, maximum_leverage: int) -> Position:
        """The position in a coin, which may be flat."""
        if instrument.coin not in self.positions:
            leverage = min(DEFAULT_LEVERAGE, maximum_leverage)
            self.positions[instrument.coin] = Position(instrument.lot, maximum_leverage, leverage)
        return self.positions[instrument.coin]

    def acts_here(self, address: str, now_ms: int) -> bool:
        """Whether a key of this address may sign for the account: its own one, or that of a valid agent."""
        agent = self.agents.get(address)
        return address == self.address or (agent is not None and now_ms < agent.valid_until_ms)

    def held(self) -> dict[str, Position]:
        """Positions that are not flat."""
        return {coin: position for coin, position in self.positions.items() if position.lots}

    def orders_of(self, coin: str) -> list[Order]:
        """Open orders of one coin."""
        return [order for order in self.open_orders.values() if order.coin == coin]

    def trade(self, position: Position, lots: int, price: Decimal, fee: Decimal) -> Decimal:
        """Book a fill of signed `lots`; return the realised profit before fees [USDC]."""
        held_before = position.lots
        booking = position.trade(lots, price)
        self.cash += booking.cash - fee
        self.realised += booking.realised
        self.fees += fee
        if held_before and (held_before + lots) * held_before <= 0:
            self.statistics.round_trips += 1
        return booking.realised

    def pay_funding(self, position: Position, payment: FundingPayment) -> None:
        """Book a funding payment."""
        self.cash += position.pay_funding(payment.amount)
        self.funding += payment.amount
        self.fundings.append(payment)

    def charge(self, amount: Decimal) -> None:
        """Take a fee that no fill caused."""
        self.cash -= amount
        self.fees += amount

    def seize(self, amount: Decimal) -> None:
        """Give what a liquidation left to the liquidator; a debt (negative) is his, too."""
        self.cash -= amount
        self.seized += amount
