"""Bybit: linear perpetuals.

* Best quotes are its book of one level (every 10 ms), which arrives as snapshots. ccxt keeps all books of a market in
  one object, so those snapshots would cut the book of 50 levels (every 20 ms) to one level; therefore the book has a
  client of its own.
* Books are stamped with ``ts``, when they were sent; the time of the matching engine, ``cts``, is not passed on by
  ccxt. Prints are stamped with the time of their fill, so a quote is late by some milliseconds, never early.
* ``S`` of a print is the taker's side.
"""

from collections.abc import Mapping
from typing import Any

from market_making.recording.other_venues.quirks import VenueQuirks
from market_making.recording.streams import Stream


class Bybit(VenueQuirks):
    """Linear perpetuals."""

    name = "bybit"
    quote = "USDT"
    connections = ((Stream.TRADES, Stream.BBO), (Stream.BOOK,))
    options: Mapping[str, Any] = {"fetchMarkets": {"types": ["linear"]}}
    book_limit = 50
