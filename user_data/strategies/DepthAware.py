"""`MarketMaking` with another model; every rule about orders is the same."""

from freqtrade.strategy import DecimalParameter, IntParameter
from MarketMaking import MarketMaking

from market_making.quoting.models import depth_aware
from market_making.quoting.quote import Quoter


class DepthAware(MarketMaking):
    """Tiers around the microprice by volatility, book, own fills and position, collapsed to one tier."""

    needs_deep_book = True
    tiers = IntParameter(5, 15, default=12, space="quote")
    minimum_edge_bps = DecimalParameter(0.0, 5.0, default=0.0, decimals=1, space="quote")
    skew_strength = DecimalParameter(0.0, 0.5, default=0.1, decimals=2, space="quote")
    one_sided_from = DecimalParameter(0.3, 1.0, default=0.5, decimals=1, space="risk")

    def quoter(self) -> Quoter:
        """Return the model with its settings bound; a side of the book must hold 200 orders of ours."""
        model = self.settings.model
        settings = depth_aware.DepthAwareSettings(
            tiers=self.tiers.value,
            side_size=model.maximum_inventory,
            smallest_size=model.smallest_lots,
            maximum_inventory=model.maximum_inventory,
            skew_strength=self.skew_strength.value,
            one_sided_from=self.one_sided_from.value,
            least_notional=_LEAST_ORDERS * model.order_notional,
            maker_fee=model.maker_fee,
            minimum_edge_bps=self.minimum_edge_bps.value,
        )
        return depth_aware.quoter(settings)


_LEAST_ORDERS = 200
