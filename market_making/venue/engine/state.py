"""What exists on the venue; the modules that change it share one instance."""

from dataclasses import dataclass, field
from decimal import Decimal

from market_making.market.identity import MAIN_DEX, Dex, SpotTokens
from market_making.venue.accounts.account import Account
from market_making.venue.config import VenueConfig
from market_making.venue.engine.notices import Notice
from market_making.venue.order_book.listed_coin import ListedCoin
from market_making.venue.order_book.order import Order


@dataclass(slots=True)
class State:
    """Coins, accounts, orders, mark prices and the notices that nobody has collected yet.

    `dexes` are the main one and the others in the order of their places; `prices` are marks by coin, `token_prices` by
    the base token of a spot market.
    """

    config: VenueConfig
    now_ms: int
    coins: list[ListedCoin] = field(default_factory=list)
    by_name: dict[str, ListedCoin] = field(default_factory=dict)
    numbered: dict[int, ListedCoin] = field(default_factory=dict)
    dexes: tuple[Dex, ...] = (MAIN_DEX,)
    prices: dict[str, Decimal] = field(default_factory=dict)
    token_prices: dict[str, Decimal] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    oid_of: dict[tuple[str, str], int] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    start_ms: int = field(init=False)

    def __post_init__(self) -> None:
        self.start_ms = self.now_ms

    def coin_at(self, asset: int) -> ListedCoin | None:
        """The coin with this asset number."""
        return self.numbered.get(asset)

    def add(self, coin: ListedCoin) -> None:
        """Take in a coin."""
        self.coins.append(coin)
        self.by_name[coin.listing.coin] = coin
        self.numbered[coin.index] = coin

    def perpetuals(self, dex: str = "") -> list[ListedCoin]:
        """Perpetuals of a dex, by its name, in the order of their places."""
        return [coin for coin in self.coins if not coin.is_spot and coin.market.dex.name == dex]

    @property
    def spot(self) -> list[ListedCoin]:
        """Spot markets."""
        return [coin for coin in self.coins if coin.is_spot]

    def spot_orders(self, account: Account) -> list[tuple[SpotTokens, Order]]:
        """Open orders of an account in spot markets, each with the tokens of its market."""
        found = ((self.by_name[order.coin].market.tokens, order) for order in account.open_orders.values())
        return [(tokens, order) for tokens, order in found if tokens is not None]

    def find(self, account: Account, key: int | str) -> Order | None:
        """An order of an account by its id or client order id; the newest where a client order id was used again."""
        oid = self.oid_of.get((account.address, key)) if isinstance(key, str) else key
        order = None if oid is None else self.orders.get(oid)
        return order if order is not None and order.owner == account.address else None
