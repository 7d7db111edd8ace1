"""What the guard must know: whose orders, where the files are, and how patient it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from market_making.guard.alarms import TelegramChat
from market_making.guard.client import Identity
from market_making.guard.leader import LeaderFeed
from market_making.guard.quote_guard import QuoteGuardRules
from market_making.guard.watch import WatchRules
from market_making.market.identity import Kind, Market
from market_making.market.names import Names
from market_making.market.selection import Selection


@dataclass(frozen=True)
class GuardedBot:
    """One bot and its account; `owns_key` says that the guard signs with the bot's own key.

    `database` is Freqtrade's sqlite file by the configuration; that of the state file goes before it. `parameters` is
    the folder of the parameter files, `coins` are those of the configuration.
    """

    name: str
    identity: Identity
    database: Path
    parameters: Path
    coins: Selection = Selection(())  # noqa: RUF009 - immutable
    owns_key: bool = True


@dataclass(frozen=True)
class GuardOptions:
    """The whole guard. `quotes` is None where the quote guard is off, `leader` where no other venue moves first."""

    url: str
    state: Path
    record: Path
    bots: tuple[GuardedBot, ...]
    rules: WatchRules = field(default_factory=WatchRules)
    quotes: QuoteGuardRules | None = field(default_factory=QuoteGuardRules)
    telegram: TelegramChat | None = None
    leader: LeaderFeed | None = None
    tick_s: float = 0.2


@dataclass(frozen=True)
class Markets:
    """What the exchange lists: number and decimals of each coin by its name on the wire, the coin of each pair.

    `dexes` has the dex of each coin that lies on another than the main one, `spot` the coins that are spot markets.
    """

    assets: Mapping[str, int] = field(default_factory=dict)
    decimals: Mapping[str, int] = field(default_factory=dict)
    coins_of: Mapping[str, str] = field(default_factory=dict)
    names: tuple[Names, ...] = ()
    tradable: frozenset[str] = frozenset()
    dexes: Mapping[str, str] = field(default_factory=dict)
    spot: frozenset[str] = frozenset()

    @classmethod
    def of(cls, listed: Iterable[Market]) -> Self:
        """What is listed, looked up as the guard does it."""
        found = tuple(listed)
        return cls(
            assets={market.wire: market.asset for market in found},
            decimals={market.wire: market.listing.size_decimals for market in found},
            coins_of={market.pair: market.wire for market in found},
            names=tuple(market.names for market in found),
            tradable=frozenset(market.wire for market in found if market.is_tradable),
            dexes={market.wire: market.dex.name for market in found if market.dex.name},
            spot=frozenset(market.wire for market in found if market.kind is Kind.SPOT),
        )

    def dexes_of(self, selection: Selection) -> list[str]:
        """The dexes that an account may have orders and positions on: the main one, and those of the coins selected."""
        chosen = selection.choose(self.names).chosen if self.dexes else ()
        return ["", *sorted({self.dexes[names.wire] for names in chosen if names.wire in self.dexes})]
