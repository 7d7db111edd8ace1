"""dYdX v4, through its indexer: perpetuals against USDC.

* There is no stream of best quotes: the top of the book is taken. Book messages carry no time, so they are stamped with
  the receiver's clock, corrected by the measured offset.
* There is no central book: what the indexer shows may be crossed for seconds. Such a book is recorded as it is; a
  reader treats the time until it uncrosses as not observed.
* All prints of a block carry the block's time: several takers of one block and direction count as one.
* On subscription comes a back-log of prints. ccxt does not clear a book when it subscribes again, one of the reasons
  why a client that failed is never used again.
"""

from typing import Any

from market_making.recording.other_venues.quirks import VenueQuirks
from market_making.recording.streams import Stream


class Dydx(VenueQuirks):
    """Perpetuals."""

    name = "dydx"
    quote = "USDC"
    connections = ((Stream.TRADES, Stream.BOOK),)

    async def time_ms(self, client: Any) -> float:
        """Time of the indexer; ccxt passes its seconds on as if they were milliseconds."""
        answer = await client.indexerGetTime()
        return float(answer["epoch"]) * 1e3
