"""Hyperliquid through ccxt: only to compare this path with the native one, which users get.

ccxt has neither the stream of best quotes nor the fast book of this venue, and the slow book comes every five seconds.
"""

from market_making.recording.other_venues.quirks import VenueQuirks
from market_making.recording.streams import Stream


class HyperliquidThroughCcxt(VenueQuirks):
    """Perpetuals."""

    name = "hyperliquid"
    quote = "USDC"
    connections = ((Stream.TRADES, Stream.BOOK),)
