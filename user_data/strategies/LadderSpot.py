"""The ladders: one level of a ladder of limit orders, because stock Freqtrade rests one order (docs/strategy.md)."""

from freqtrade.strategy import DecimalParameter, IntParameter
from MarketMaking import ANY_DEPTH, MarketMaking

from quoting import ladders
from quoting.ladder_shape import LadderShape
from quoting.observations import Balances
from quoting.quote import Quoter


class LadderSpot(MarketMaking):
    """A ladder with even sizes, collapsed to the level that should earn most."""

    shape: LadderShape | None = LadderShape.SPOT
    step_bps = DecimalParameter(1.0, 20.0, default=5.0, decimals=1, space="quote")
    levels = IntParameter(2, 12, default=6, space="quote")

    def quoter(self) -> Quoter:
        """Return the ladder with its settings bound: half stock, half money, both as large as the inventory bound."""
        model = self.settings.model
        reach = self.levels.value * self.step_bps.value * 1e-4
        settings = ladders.LadderSettings(
            shape=self.shape,
            start=Balances(model.maximum_inventory, model.maximum_inventory),
            up_range=reach,
            down_range=reach,
            step_bps=self.step_bps.value,
            live_orders=2 * self.levels.value,
            smallest_size=_SMALLEST_SIZE,
            maker_fee=model.maker_fee,
            bounds=ANY_DEPTH,
        )
        return ladders.quoter(settings)


_SMALLEST_SIZE = 0.01  # the plan has the exchange's own bound
