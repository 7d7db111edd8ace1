"""The ladders: one level of a ladder of limit orders, because stock Freqtrade rests one order (docs/strategy.md)."""

from datetime import datetime
from typing import Any

from freqtrade.persistence import Order, Trade
from freqtrade.strategy import DecimalParameter, IntParameter, stoploss_from_absolute
from MarketMaking import MarketMaking

from market_making.quoting.models import hedged_ladder, ladders
from market_making.quoting.models.hedges import ActiveHedge, crash_price
from market_making.quoting.models.ladder_shape import LadderShape
from market_making.quoting.quote import Quoter
from market_making.quoting.readings.observations import Balances


class LadderSpot(MarketMaking):
    """A ladder with even sizes, collapsed to the level that should earn most; it hedges itself in both ways."""

    shape: LadderShape | None = LadderShape.SPOT
    step_bps = DecimalParameter(1.0, 20.0, default=5.0, decimals=1, space="quote")
    levels = IntParameter(2, 12, default=6, space="quote")
    hedge_trigger = DecimalParameter(0.3, 0.9, default=0.65, decimals=2, space="risk")  # deviation from the reference
    crash_share = DecimalParameter(0.005, 0.08, default=0.0225, decimals=4, space="risk")  # of the opening price

    def quoter(self) -> Quoter:
        """Return the ladder with its settings bound: half stock, half money, both as large as the inventory bound."""
        model = self.settings.model
        settings = ladders.LadderSettings(
            shape=self.shape,
            start=Balances(model.maximum_inventory, model.maximum_inventory),
            up_range=self._reach,
            down_range=self._reach,
            step_bps=self.step_bps.value,
            live_orders=2 * self.levels.value,
            smallest_size=model.smallest_lots,
            maker_fee=model.maker_fee,
        )
        return hedged_ladder.quoter(settings, ActiveHedge.beyond(self.hedge_trigger.value))

    def bot_loop_start(self, current_time: datetime, **kwargs: Any) -> None:
        """Make the plans, and see that every position has its crash stop."""
        super().bot_loop_start(current_time, **kwargs)
        self.set_crash_stops()

    def order_filled(self, pair: str, trade: Trade, order: Order, current_time: datetime, **kwargs: Any) -> None:
        """Plan again, and move the crash stop with the mean opening price."""
        super().order_filled(pair, trade, order, current_time, **kwargs)
        self.set_crash_stops()

    def set_crash_stops(self) -> None:
        """Put the stop of every trade where the price has run through the whole ladder, nearer or farther than it was.

        `custom_stoploss` cannot: it returns a distance from the present price, which Freqtrade takes for one from the
        mean opening price at the next order. A position under water would be left that much too early.
        """
        for trade in Trade.get_open_trades():
            stop = crash_price(trade.open_rate, self.crash_share.value, self._reach, is_short=trade.is_short)
            distance = stoploss_from_absolute(stop, trade.open_rate, is_short=trade.is_short, leverage=trade.leverage)
            trade.adjust_stop_loss(trade.open_rate, distance, allow_refresh=True)

    @property
    def _reach(self) -> float:
        return float(self.levels.value * self.step_bps.value * 1e-4)
