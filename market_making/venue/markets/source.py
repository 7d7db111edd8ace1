"""Where the local venue takes its market from: a simulation or a recording, behind one protocol."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from market_making.market.events import BookSnapshot, Trade
from market_making.market.identity import Dex, Kind, Market
from market_making.market.instrument import Listing

__all__ = ["Listing", "Source", "as_markets"]


class Source(Protocol):
    """A market made by others: what happens before any order of a client of the venue."""

    @property
    def listings(self) -> tuple[Listing | Market, ...]:
        """The coins of this market; a listing is that of a perpetual of the main dex."""
        ...

    def events(self, start_ms: int) -> Iterator[BookSnapshot | Trade]:
        """Events re-based so that the market's start falls on `start_ms`, ascending in time.

        At equal stamps the trades of a coin come before its book. A snapshot is the whole visible book.
        """
        ...

    def truth(self) -> dict[str, dict[str, Any]] | None:
        """The true parameters of each coin, where the source knows them."""
        ...


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
