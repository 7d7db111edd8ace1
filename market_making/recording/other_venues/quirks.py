"""What the machinery must know of one venue, beyond what ccxt has made the same everywhere."""

from collections.abc import Mapping
from typing import Any, Protocol

from market_making.recording.streams import Stream

# Structures of ccxt are plain dictionaries; these names say which.
Market = Mapping[str, Any]
Ticker = Mapping[str, Any]
Print = Mapping[str, Any]


class VenueQuirks(Protocol):
    """One venue; the methods have the answers of a venue without quirks.

    Parameters
    ----------
    name : str
        ccxt's name of the venue, and its folder in the store.
    quote : str
        Quote currency that is meant when none is named.
    spot : bool
        Whether a coin means its spot market; otherwise it means its linear perpetual.
    connections : tuple of tuple of Stream
        What each ccxt client of a coin is asked for. Where no client is asked for `Stream.BBO`, the top of the book is
        the best quote. Books have a client of their own where ccxt would mix them up with the best quotes.
    options : mapping
        Options of the ccxt client.
    book_limit : int or None
        Levels to ask for, where the venue wants to be asked.
    """

    name: str
    quote: str
    spot: bool = False
    connections: tuple[tuple[Stream, ...], ...] = ((Stream.TRADES, Stream.BBO, Stream.BOOK),)
    options: Mapping[str, Any] = {}
    book_limit: int | None = None

    async def time_ms(self, client: Any) -> float:
        """The venue's clock [ms]."""
        return float(await client.fetch_time())

    def quote_ms(self, ticker: Ticker) -> int | None:
        """The venue's time of a best quote; None where it does not tell."""
        time_ms: int | None = ticker["timestamp"]
        return time_ms

    def is_market_order(self, trade: Print) -> bool:  # noqa: ARG002 - most venues print nothing else
        """Whether a print came from an order that met the book; liquidations taken over by a fund, say, did not."""
        return True

    @property
    def has_best_quotes(self) -> bool:
        """Whether the venue streams best quotes beside its books."""
        return any(Stream.BBO in streams for streams in self.connections)
