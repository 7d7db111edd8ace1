"""Where the local venue takes its market from: a simulation or a recording, behind one protocol."""

from collections.abc import Iterator
from typing import Any, Protocol

from market_making.market.events import BookSnapshot, Trade
from market_making.market.identity import Market
from market_making.market.instrument import Listing

__all__ = ["Listing", "Source"]


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
