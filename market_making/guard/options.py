"""What the guard must know: whose orders, where the files are, and how patient it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from market_making.guard.alarms import TelegramChat
from market_making.guard.client import Identity
from market_making.guard.leader import LeaderFeed
from market_making.guard.quote_guard import QuoteGuardRules
from market_making.guard.tokens import TokenHolding
from market_making.guard.watch_rules import WatchRules
from market_making.market.identity import Market
from market_making.market.instrument import Instrument
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
    """What the exchange lists: number and rules of each coin by its name on the wire, the coin of each pair.

    `dexes` has the dex of each coin that lies on another than the main one, `bases` the token of each spot market.
    """

    assets: Mapping[str, int] = field(default_factory=dict)
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    coins_of: Mapping[str, str] = field(default_factory=dict)
    names: tuple[Names, ...] = ()
    tradable: frozenset[str] = frozenset()
    dexes: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, listed: Iterable[Market]) -> Self:
        """What is listed, looked up as the guard does it."""
        found = tuple(listed)
        return cls(
            assets={market.wire: market.asset for market in found},
            instruments={market.wire: market.instrument for market in found},
            coins_of={market.pair: market.wire for market in found},
            names=tuple(market.names for market in found),
            tradable=frozenset(market.wire for market in found if market.is_tradable),
            dexes={market.wire: market.dex.name for market in found if market.dex.name},
            bases={market.wire: market.tokens.base for market in found if market.tokens is not None},
        )

    def dexes_of(self, coins: Iterable[str]) -> list[str]:
        """The dexes to ask about these coins: the main one, which has spot as well, and theirs."""
        return ["", *sorted({self.dexes[coin] for coin in coins if coin in self.dexes})]

    def token_of(self, coin: str, held: float, booked: float, filled: float) -> TokenHolding:
        """What an account has of the token of a spot market [coins]; a market that is not listed has no lot."""
        instrument = self.instruments.get(coin)
        return TokenHolding(held, booked, filled, 0.0 if instrument is None else float(instrument.lot))
