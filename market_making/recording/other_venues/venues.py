"""The venues that can be recorded."""

from collections.abc import Iterable
from pathlib import Path

from market_making.market.errors import ConfigurationError
from market_making.market.identity import Market
from market_making.market.names import Names, perpetual_names
from market_making.recording.other_venues.binance import BinanceFutures, BinanceSpot
from market_making.recording.other_venues.bybit import Bybit
from market_making.recording.other_venues.dydx import Dydx
from market_making.recording.other_venues.okx import Okx
from market_making.recording.other_venues.quirks import VenueQuirks
from market_making.recording.store.market_file import read_market

NATIVE = "hyperliquid"
THROUGH_CCXT: dict[str, VenueQuirks] = {
    venue.name: venue for venue in (BinanceSpot(), BinanceFutures(), Bybit(), Okx(), Dydx())
}


def venue_named(name: str) -> VenueQuirks | None:
    """Quirks of a venue that is reached through ccxt; None for the native one.

    Raises
    ------
    ConfigurationError
        If no such venue can be recorded.
    """
    if name == NATIVE:
        return None
    if name not in THROUGH_CCXT:
        accepted = ", ".join([NATIVE, *sorted(THROUGH_CCXT)])
        raise ConfigurationError(f"the venue must be one of {accepted}, got {name!r}")
    return THROUGH_CCXT[name]


def pair_of(venue: str, coin: str) -> str:
    """Freqtrade's name of a coin's usual market; a venue that is not known is taken for a Hyperliquid."""
    quirks = THROUGH_CCXT.get(venue)
    if quirks is None:
        return perpetual_names(coin).pair
    return f"{coin}/{quirks.quote}" if quirks.spot else f"{coin}/{quirks.quote}:{quirks.quote}"


def names_of(root: Path | str, venue: str, coin: str, pairs: Iterable[str] = ()) -> Names:
    """Names of the market of a folder of recordings in the store at `root`.

    Through ccxt a folder is named after the coin, and which of its markets was recorded only the configuration tells:
    it is the one among the `pairs` traded, or else the usual one.
    """
    market = None if venue in THROUGH_CCXT else read_market(root, venue, coin)
    return names_with(market, venue, coin, pairs)


def names_with(market: Market | None, venue: str, coin: str, pairs: Iterable[str] = ()) -> Names:
    """Names as of `names_of`, of a folder whose market has been read already; None where nothing says which it is."""
    if market is not None:
        return market.names
    usual = pair_of(venue, coin)
    if venue not in THROUGH_CCXT:
        return Names(coin, usual, coin)
    return Names(coin, next((pair for pair in pairs if pair.startswith(f"{coin}/")), usual), coin)
