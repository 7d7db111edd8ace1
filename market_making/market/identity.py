"""One identity for a market: made from what the venue lists, and looked up by any of its names."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from market_making.market.instrument import Instrument, Listing
from market_making.market.names import USDC, Names, perpetual_names, spot_names

_DEX_ASSETS = 100_000
_ASSETS_OF_A_DEX = 10_000
_SPOT_ASSETS = 10_000


class Kind(StrEnum):
    """What is traded."""

    PERPETUAL = "perpetual"
    SPOT = "spot"


_PRICE_DECIMALS = {Kind.PERPETUAL: 6, Kind.SPOT: 8}


@dataclass(frozen=True)
class Dex:
    """A dex that lists perpetuals: its `name`, empty for the main one, its `place` among all, its `collateral`."""

    name: str = ""
    place: int = 0
    collateral: str = USDC

    def asset(self, place: int) -> int:
        """The venue's number of the perpetual at a place of this dex's listing."""
        return self._first + place

    @property
    def _first(self) -> int:
        return 0 if self.place == 0 else _DEX_ASSETS + _ASSETS_OF_A_DEX * self.place

    def place_of(self, asset: int) -> int:
        """The place in this dex's listing of the perpetual with this number."""
        return asset - self._first


MAIN_DEX = Dex()


class SpotTokens(NamedTuple):
    """The tokens of a spot market, as the venue names them; `is_stable` where both are quote assets."""

    base: str
    quote: str
    is_stable: bool = False


@dataclass(frozen=True)
class Market:
    """A market as its venue lists it.

    Parameters
    ----------
    names : Names
        On the wire, of Freqtrade, of files.
    kind : Kind
        Perpetual or spot.
    asset : int
        The venue's number, which orders name.
    listing : Listing
        Steps, leverage, what its fee depends on, and whether it is traded at all.
    dex : Dex
        Where it is listed.
    tokens : SpotTokens or None
        What a spot market exchanges; None for a perpetual.
    """

    names: Names
    kind: Kind
    asset: int
    listing: Listing
    dex: Dex = MAIN_DEX
    tokens: SpotTokens | None = None

    @classmethod
    def perpetual(cls, listing: Listing, place: int, dex: Dex = MAIN_DEX) -> "Market":
        """The perpetual that a dex lists at this place."""
        names = perpetual_names(listing.coin, dex.collateral)
        return cls(names, Kind.PERPETUAL, dex.asset(place), listing, dex)

    @classmethod
    def spot(cls, listing: Listing, index: int, tokens: SpotTokens, pair: str) -> "Market":
        """The spot market with this index; `pair` is ccxt's name of it."""
        names = spot_names(listing.coin, pair, tokens.base, tokens.quote)
        return cls(names, Kind.SPOT, _SPOT_ASSETS + index, listing, tokens=tokens)

    @property
    def wire(self) -> str:
        """The venue's name."""
        return self.names.wire

    @property
    def pair(self) -> str:
        """Ccxt's and Freqtrade's name."""
        return self.names.pair

    @property
    def key(self) -> str:
        """Name of its files."""
        return self.names.key

    @property
    def place(self) -> int:
        """Where a perpetual stands in the listing of its dex."""
        return self.dex.place_of(self.asset)

    @property
    def objection(self) -> str:
        """Why it cannot be recorded and traded; empty if it can."""
        if self.listing.delisted:
            return "delisted"
        if self.dex.collateral != USDC:
            return f"its collateral is {self.dex.collateral}, supported is {USDC}"
        return ""

    @property
    def is_tradable(self) -> bool:
        """Whether the venue takes orders, and in a currency that is supported."""
        return not self.objection

    @cached_property
    def instrument(self) -> Instrument:
        """Its prices and sizes."""
        return Instrument.of_names(self.names, self.listing.size_decimals, _PRICE_DECIMALS[self.kind])


class Markets:
    """The markets of a venue.

    Two markets that share a name, or a key but for its case, cannot be told apart in files or in Freqtrade: neither is
    found by any name, and `ambiguous` names them.

    Parameters
    ----------
    markets : iterable of Market
        In the venue's order.
    """

    def __init__(self, markets: Iterable[Market]) -> None:
        self._all = tuple(markets)
        bearers = defaultdict[str, set[int]](set)
        for place, market in enumerate(self._all):
            for name in (*market.names, market.key.lower()):
                bearers[name].add(place)
        unclear = {place for places in bearers.values() if len(places) > 1 for place in places}
        self.ambiguous = tuple(self._all[place] for place in sorted(unclear))
        self._clear = tuple(market for place, market in enumerate(self._all) if place not in unclear)
        self._named = {name: market for market in self._clear for name in market.names}
        self._numbered = {market.asset: market for market in self._all}

    def __iter__(self) -> Iterator[Market]:
        """Those that can be told apart."""
        return iter(self._clear)

    def __len__(self) -> int:
        return len(self._clear)

    def named(self, name: str) -> Market | None:
        """The market with this name on the wire, of Freqtrade or of files; None if there is none."""
        return self._named.get(name)

    def numbered(self, asset: int) -> Market | None:
        """The market with this number; None if there is none."""
        return self._numbered.get(asset)


def as_markets(listings: Iterable[Listing | Market]) -> list[Market]:
    """Markets of a source, numbered as a venue that lists nothing else does it.

    A listing that is no market yet is a perpetual of the main dex. Dexes and their perpetuals stand at the places in
    which they come.
    """
    markets, counts, dexes = [], Counter[str](), {"": 0}
    for each in listings:
        market = each if isinstance(each, Market) else Market.perpetual(each, 0)
        if market.kind is Kind.PERPETUAL:
            name = market.dex.name
            dex = Dex(name, dexes.setdefault(name, len(dexes)), market.dex.collateral)
            market = replace(market, asset=dex.asset(counts[name]), dex=dex)
            counts[name] += 1
        markets.append(market)
    return markets
