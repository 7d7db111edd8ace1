"""What trading costs the account of a fee tier on each market, for a scan."""

from calibration.fee_tier import FeeTier
from calibration.scanning.candidates import MarketTerms, TermsOf
from market_making.hyperliquid.fees import GROWTH_ACTIONS, TIERS


def terms_at(tier: FeeTier) -> TermsOf:
    """What the account of a tier pays and earns on the market of each folder.

    Raises
    ------
    MalformedMessage
        When a market is asked about whose listing does not tell its fee.
    """

    def terms(coin: str) -> MarketTerms:
        market = tier.market_of(coin)
        if market is None:
            return MarketTerms(tier.fee_of(coin))
        earned = GROWTH_ACTIONS if market.listing.growth else 1.0
        fees = tuple((each.volume, each.fees.on(market).maker) for each in TIERS)
        return MarketTerms(tier.fee_of(coin), earned, fees)

    return terms
