"""What exists on the venue; the modules that change it share one instance."""

from dataclasses import dataclass, field
from decimal import Decimal

from market_making.venue.accounts.account import Account
from market_making.venue.config import VenueConfig
from market_making.venue.engine.notices import Notice
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.order_book.order import Order


@dataclass(slots=True)
class State:
    """Coins, accounts, orders, mark prices and the notices that nobody has collected yet."""

    config: VenueConfig
    now_ms: int
    coins: list[ListedCoin] = field(default_factory=list)
    by_name: dict[str, ListedCoin] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    oid_of: dict[tuple[str, str], int] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    start_ms: int = field(init=False)

    def __post_init__(self) -> None:
        self.start_ms = self.now_ms

    def coin_at(self, asset: int) -> ListedCoin | None:
        """The coin with this asset number."""
        return self.coins[asset] if asset < len(self.coins) else None

    def find(self, account: Account, key: int | str) -> Order | None:
        """An order of an account by its id or client order id; the newest where a client order id was used again."""
        oid = self.oid_of.get((account.address, key)) if isinstance(key, str) else key
        order = None if oid is None else self.orders.get(oid)
        return order if order is not None and order.owner == account.address else None
