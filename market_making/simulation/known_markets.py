"""Markets of every kind that the local venue knows by name beside the perpetuals of the main dex."""

from market_making.market.identity import Dex, Kind, Market, SpotTokens
from market_making.market.instrument import Listing

_XYZ = Dex("xyz", 1)


def _spot(index: int, base: str, code: str, decimals: int) -> Market:
    wire = f"@{index}" if index else f"{base}/USDC"
    return Market.spot(Listing(wire, decimals), index, SpotTokens(base, "USDC"), f"{code}/USDC")


# Markets of every other kind: a growth-mode perpetual of a dex that others deployed, one that pays the deployer's full
# share, one that may only be held isolated, spot, and spot whose base token ccxt gives another name.
KNOWN_MARKETS: tuple[tuple[Market, float], ...] = (
    (Market.perpetual(Listing("xyz:NVDA", 3, 20, growth=True, fee_scale=1.0), 0, _XYZ), 222.0),
    (Market.perpetual(Listing("xyz:GOLD", 4, 25, fee_scale=1.0), 1, _XYZ), 4_321.0),
    (Market.perpetual(Listing("xyz:TSLA", 3, 10, isolated_only=True, growth=True, fee_scale=1.0), 2, _XYZ), 432.0),
    (_spot(0, "PURR", "PURR", 0), 0.21),
    (_spot(107, "HYPE", "HYPE", 2), 45.0),
    (_spot(142, "UBTC", "BTC", 5), 111_400.0),
    (_spot(151, "UETH", "ETH", 4), 3_337.0),
)


def market_called(name: str) -> Market:
    """The known market with this name on the wire, of Freqtrade or of files; else the perpetual of this name.

    >>> market_called("BTC/USDC").wire, market_called("BTC").pair
    ('@142', 'BTC/USDC:USDC')
    """
    known = (market for market, _ in KNOWN_MARKETS if name in market.names)
    return next(known, None) or Market.perpetual(Listing(name, 0), 0)


def is_spot(market: Market) -> bool:
    """Whether tokens are exchanged."""
    return market.kind is Kind.SPOT
