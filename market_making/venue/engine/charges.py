"""What accounts pay on each market of the venue."""

from collections.abc import Iterable
from decimal import Decimal

from market_making.hyperliquid.fees import GROWTH_ACTIONS, AccountFees, Rates
from market_making.market.identity import Market
from market_making.venue.config import VenueConfig

# Source: the exchange's documentation, "HIP-3": volume in growth mode earns a tenth of the actions.
_GROWTH_SHARE = Decimal(repr(GROWTH_ACTIONS))
_RATE_STEP = Decimal("1e-12")


class Charges:
    """Rates by coin, for every account the same.

    Parameters
    ----------
    config : VenueConfig
        Base rates of every account.
    markets : iterable of Market
        What is listed.

    Raises
    ------
    MalformedMessage
        If a deployer's market does not tell its fee scale.
    """

    def __init__(self, config: VenueConfig, markets: Iterable[Market]) -> None:
        self.fees = AccountFees(
            Rates(config.maker_fee, config.taker_fee),
            Rates(config.spot_maker_fee, config.spot_taker_fee),
            config.referral_discount,
        )
        self._rates: dict[str, tuple[Decimal, Decimal]] = {}
        self._growing: set[str] = set()
        for market in markets:
            maker, taker = (Decimal(repr(rate)).quantize(_RATE_STEP) for rate in self.fees.on(market))
            self._rates[market.wire] = maker, taker
            if market.listing.growth:
                self._growing.add(market.wire)

    def rate(self, coin: str, *, is_maker: bool) -> Decimal:
        """Share of the value of a fill."""
        maker, taker = self._rates[coin]
        return maker if is_maker else taker

    def earned(self, coin: str, notional: Decimal) -> Decimal:
        """Volume that counts for actions [USDC]."""
        return notional * _GROWTH_SHARE if coin in self._growing else notional
