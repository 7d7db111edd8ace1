"""`MarketMaking` with another model; every rule about orders is the same."""

from freqtrade.strategy import BooleanParameter, DecimalParameter, IntParameter
from MarketMaking import MarketMaking

from market_making.quoting.models import avellaneda_stoikov
from market_making.quoting.quote import Quoter


class AvellanedaStoikov(MarketMaking):
    """Reservation price and spread of Avellaneda and Stoikov (2008), volatility and fill decay calibrated live."""

    risk_aversion = DecimalParameter(0.001, 1.0, default=0.1, decimals=3, space="quote")
    horizon_seconds = IntParameter(10, 3600, default=60, space="quote")
    until_midnight = BooleanParameter(default=False, space="quote")
    tilt_bps = DecimalParameter(0.0, 5.0, default=0.0, decimals=1, space="quote")

    def quoter(self) -> Quoter:
        """Return the model with its settings bound."""
        model = self.settings.model
        settings = avellaneda_stoikov.AvellanedaStoikovSettings(
            risk_aversion=self.risk_aversion.value,
            order_notional=model.order_notional,
            horizon_s=self.horizon_seconds.value,
            until_midnight=self.until_midnight.value,
            maximum_inventory=model.maximum_inventory,
            maker_fee=model.maker_fee,
            tilt_bps=self.tilt_bps.value,
        )
        return avellaneda_stoikov.quoter(settings)
