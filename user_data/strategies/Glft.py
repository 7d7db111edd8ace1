"""`MarketMaking` with another model; every rule about orders is the same."""

from freqtrade.strategy import CategoricalParameter, DecimalParameter
from MarketMaking import MarketMaking

from market_making.quoting.models import glft
from market_making.quoting.quote import Quoter


class Glft(MarketMaking):
    """Closed form of Guéant, Lehalle and Fernandez-Tapia (2013): constant half-spread, skew linear in inventory."""

    risk_aversion = DecimalParameter(0.001, 1.0, default=0.1, decimals=3, space="quote")
    objective = CategoricalParameter(["penalised", "exponential"], default="penalised", space="quote")

    def quoter(self) -> Quoter:
        """Return the model with its settings bound."""
        model = self.settings.model
        settings = glft.GlftSettings(
            risk_aversion=self.risk_aversion.value,
            order_notional=model.order_notional,
            objective=self.objective.value,
            maximum_inventory=model.maximum_inventory,
            maker_fee=model.maker_fee,
        )
        return glft.quoter(settings)
