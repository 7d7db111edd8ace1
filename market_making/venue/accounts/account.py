"""An account: its purses, tokens, orders and fills, and what it is allowed to do."""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from market_making.hyperliquid.accounts import Fill, FundingPayment, LiquidationEvent
from market_making.venue.accounts.budget import ActionBudget
from market_making.venue.accounts.position import ZERO, Position
from market_making.venue.accounts.purse import Purse
from market_making.venue.accounts.spot import SpotWallet
from market_making.venue.accounts.statistics import Statistics
from market_making.venue.order_book.order import Order

REMEMBERED_FILLS = 10_000
REMEMBERED_ORDERS = 2_000
AGENT_LIFE_MS = 180 * 86_400_000


class Agent(NamedTuple):
    """A key that may trade for an account until a Unix time [ms]; the one without a name is not listed."""

    name: str
    valid_until_ms: int


@dataclass(slots=True)
class Account:
    """One address with its money and its orders; a sub-account has a `master`, a vault a `leader`.

    `purse` is that of the main dex; `purses` holds those of other dexes, where they are apart, and `homes` the purse of
    each coin that lies in one of them.
    """

    address: str
    purse: Purse
    budget: ActionBudget
    master: str | None = None
    leader: str | None = None
    purses: dict[str, Purse] = field(default_factory=dict)
    homes: dict[str, Purse] = field(default_factory=dict)
    spot: SpotWallet = field(init=False)
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
        self.spot = SpotWallet(self.purse)

    @property
    def all_purses(self) -> list[Purse]:
        """Every purse of its own, that of spot included."""
        spot = [] if self.spot.purse is self.purse else [self.spot.purse]
        return [self.purse, *self.purses.values(), *spot]

    def on(self, dex: str) -> Purse:
        """The purse of a dex, by its name; of a unified account all dexes share one."""
        return self.purses.get(dex, self.purse)

    def home(self, coin: str) -> Purse:
        """The purse that the position in a perpetual lies in."""
        return self.homes.get(coin, self.purse)

    def position(self, coin: str) -> Position:
        """The position in a listed perpetual, which may be flat."""
        return self.home(coin).positions[coin]

    def total(self, name: str) -> Decimal:
        """Sum of a figure over all purses [USDC]."""
        amounts: list[Decimal] = [getattr(purse, name) for purse in self.all_purses]
        return sum(amounts, ZERO)

    def acts_here(self, address: str, now_ms: int) -> bool:
        """Whether a key of this address may sign for the account: its own one, or that of a valid agent."""
        agent = self.agents.get(address)
        return address == self.address or (agent is not None and now_ms < agent.valid_until_ms)

    def held(self) -> dict[str, Position]:
        """Positions that are not flat, on every dex."""
        return {coin: position for purse in self.all_purses for coin, position in purse.held().items()}

    def orders_of(self, coin: str) -> list[Order]:
        """Open orders of one coin."""
        return [order for order in self.open_orders.values() if order.coin == coin]

    def trade(self, coin: str, lots: int, price: Decimal, fee: Decimal) -> Decimal:
        """Book a fill of signed `lots`; return the realised profit before fees [USDC]."""
        purse = self.home(coin)
        position = purse.positions[coin]
        held_before = position.lots
        booking = position.trade(lots, price)
        purse.book(booking, fee)
        if held_before and (held_before + lots) * held_before <= 0:
            self.statistics.round_trips += 1
        return booking.realised

    def pay_funding(self, payment: FundingPayment) -> None:
        """Book a funding payment."""
        purse = self.home(payment.coin)
        purse.cash += purse.positions[payment.coin].pay_funding(payment.amount)
        purse.funding += payment.amount
        self.fundings.append(payment)
