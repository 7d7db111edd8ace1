"""Rest one post-only quote of the Cartea–Jaimungal model on each pair, decided anew every loop (docs/strategy.md).

Every decision is one plan a pair and loop, made in `bot_loop_start` and made again when a fill changes what is held.
Freqtrade's hooks fail open: an exception in a price hook means the price at the touch. So the hooks that place an order
only look the plan up, and where there is no plan there is no order.
"""

from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from typing import Any

from freqtrade.exceptions import ConfigurationError as FreqtradeConfigurationError
from freqtrade.persistence import Order, Trade
from freqtrade.strategy import DecimalParameter, IStrategy
from pandas import DataFrame

from market_making.market.errors import MarketMakingError
from market_making.market.sides import Side
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.quote import Quoter
from market_making.settings.settings import Settings
from market_making.trading.chart_rows import ChartHistory
from market_making.trading.freqtrade import live
from market_making.trading.freqtrade.charts import PLOT_CONFIG, annotations, show
from market_making.trading.freqtrade.halts import claim_account, start_as_left
from market_making.trading.freqtrade.past_signals import signal_past
from market_making.trading.freqtrade.promises import broken_promises
from market_making.trading.freqtrade.signals import signal_last
from market_making.trading.freqtrade.trade import (
    adjustment_of,
    direction_of,
    holding_of,
    milliseconds,
    resting_order_of,
    stake_of,
)
from market_making.trading.holding import Holding
from market_making.trading.past.desk import BacktestDesk
from market_making.trading.plan import PlannedOrder


class MarketMaking(IStrategy):
    """Post-only market maker that rests whichever side its inventory calls for."""

    # No base class but IStrategy: Freqtrade sends hyperopt's workers the modules of all others, down to the builtins.
    INTERFACE_VERSION = 3
    plot_config = PLOT_CONFIG
    timeframe = "1m"
    process_only_new_candles = False  # the entry signal is the plan of this loop, not of the last candle
    startup_candle_count = 1  # none is needed; Freqtrade's recursive-analysis refuses 0
    minimal_roi: dict[str, float] = {}
    stoploss = -0.10
    use_exit_signal = False
    position_adjustment_enable = True
    max_entry_position_adjustment = -1
    order_types = dict.fromkeys(("entry", "exit"), "limit") | {"stoploss_on_exchange": False}
    order_types |= dict.fromkeys(("stoploss", "emergency_exit", "force_exit"), "market")
    # A dead-man's switch only; re-quoting is done by check_entry_timeout and check_exit_timeout. With a timeout count
    # the N-th re-quote would become a market order.
    unfilledtimeout = {"entry": 900, "exit": 900, "exit_timeout_count": 0, "unit": "seconds"}
    # Freqtrade copies a trade with all its orders several times a loop: 500 of them take 0.1 s, 900 take 0.35 s.
    orders_before_flat = 400
    needs_deep_book = False  # whether the model looks beyond the five best levels, which the websocket has
    depth_factor = DecimalParameter(0.5, 2.0, default=1.0, decimals=2, space="quote")  # on the model's depths
    inventory_share = DecimalParameter(0.3, 1.0, default=1.0, decimals=1, space="risk")  # of the configured bound
    _bot: live.RunningBot | None = None  # until it has started, which may be refused
    # Stop opening for an hour after losing 5 % of the account within a day, and after any stop-loss.
    protections = [
        {"method": "StoplossGuard", "lookback_period": 60, "trade_limit": 1, "stop_duration": 60},
        {"method": "MaxDrawdown", "calculation_mode": "equity", "max_allowed_drawdown": 0.05}
        | {"lookback_period": 1440, "trade_limit": 10, "stop_duration": 60},
    ]

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        try:
            self.settings = Settings.from_freqtrade(config)
            claim_account(config, self.settings.state)
        except (MarketMakingError, OSError) as error:
            raise FreqtradeConfigurationError(str(error)) from None
        start_as_left(config, self.settings.state)
        if broken := list(broken_promises(self, config, self.settings)):
            raise FreqtradeConfigurationError("; ".join(broken))
        self.can_short = self.settings.role.opens_with(Side.ASK)

    def quoter(self) -> Quoter:
        """Return the quoting model with its settings and the bound in force; this is what a variant overrides."""
        model = self.settings.model.cartea_jaimungal()
        bound = ceil(model.maximum_inventory * self.inventory_share.value - 1e-9)
        return cartea_jaimungal_quoter(replace(model, maximum_inventory=bound))

    def bot_start(self, **kwargs: Any) -> None:
        """Prepare for quoting; live, make every order post-only."""
        live.refuse_placeholders(self)
        live.refuse_mixed_database(self)
        self._live = live.is_running(self)
        self._bot = live.RunningBot.of(self)
        self._desk = self._bot.desk
        self._past = BacktestDesk(self._desk, self.settings)
        self._charts = ChartHistory()
        live.make_post_only(self)
        self._edge = live.edge_of(self, self._desk)
        self._bot.watch_other_leg(self._edge)
        self._follows_touch = live.follows_touch(self)

    def bot_loop_start(self, current_time: datetime, **kwargs: Any) -> None:
        """Make the plan of every pair; a pair for which anything is missing or doubtful has none."""
        if not self._live:
            self._desk.clear()
            return
        try:
            with self._edge.loop.planning():
                self._edge.want(self.dp.current_whitelist())
                self._bot.start_loop(milliseconds(current_time), self._edge)
        except Exception:
            self._desk.clear()  # Freqtrade goes on to its orders: no plan may be left for them
            raise

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Nothing: quotes come from the book and the calibration."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Signal the side that would open a position if none were held, also while one is: it may end in this loop."""
        if not self._live:
            return signal_past(self, self._past, dataframe, metadata["pair"])
        row = self._desk.chart_row(metadata["pair"], self._bot.reader.fee(metadata["pair"]))
        show(dataframe, self._charts.with_last(metadata["pair"], dataframe["date"], row))
        signal_last(dataframe, self._desk.opening_side(metadata["pair"]))
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Nothing: a position is left through `adjust_trade_position`."""
        return dataframe

    def check_entry_timeout(self, pair: str, trade: Trade, order: Order, current_time: datetime, **kwargs: Any) -> bool:
        """Cancel an order that the plan does not keep, unless the edge does so because it cannot be asked about."""
        holding, now_ms = holding_of(trade), milliseconds(current_time)
        self._open_past_desk(pair, holding, now_ms)
        is_unwanted = self._desk.must_cancel(pair, holding, resting_order_of(order), now_ms)
        return is_unwanted and not self._edge.cancels(order.order_id)

    check_exit_timeout = check_entry_timeout

    def plot_annotations(self, dataframe: DataFrame, **kwargs: Any) -> list[dict[str, Any]]:
        """Mark in FreqUI where neither side is quoted."""
        return annotations(dataframe)

    def order_filled(self, pair: str, trade: Trade, order: Order, current_time: datetime, **kwargs: Any) -> None:
        """Plan again at once, so that the opposite quote is placed in this very loop."""
        if not self._live:
            self._past.filled(pair, milliseconds(current_time))
            return
        self._desk.finished(pair, resting_order_of(order), milliseconds(current_time))
        self._desk.plan(pair, holding_of(trade))

    def adjust_trade_position(self, trade: Trade, current_time: datetime, max_stake: float, **kwargs: Any) -> Any:
        """Stake and tag of the order that should rest: positive adds to the position, negative leaves it."""
        now_ms = milliseconds(current_time)
        if trade.amount == 0 or trade.has_open_orders or self._past.has_filled(trade.pair, now_ms):
            # An unfilled first entry is repriced by cancelling it: if it were replaced from here and the new order
            # rejected, a trade without order or position would remain, which Freqtrade never looks at again.
            return None
        holding = holding_of(trade)
        self._open_past_desk(trade.pair, holding, now_ms)
        plan = self._desk.plan(trade.pair, holding)
        if plan is None or plan.order is None:
            return None
        stake = adjustment_of(plan.order, trade)
        if plan.order.grows:
            self._desk.asking(trade.pair, now_ms)
        return None if stake > max_stake else (stake, self._desk.tag(trade.pair))

    def custom_entry_price(
        self, pair: str, trade: Trade | None, current_time: datetime, proposed_rate: float, side: str, **kwargs: Any
    ) -> float:
        """Price of the plan; without one a price far away, and `confirm_trade_entry` refuses the order."""
        self._open_past_desk(pair, holding_of(trade), milliseconds(current_time))
        order = self._planned(pair, proposed_rate, grows=True)
        if order is None or direction_of(order.side) != side:
            return proposed_rate * (0.5 if side == "long" else 1.5)
        if trade is not None:  # an addition, which nobody asks to confirm
            self._desk.placing(pair, order, milliseconds(current_time))
        return order.price

    def custom_exit_price(
        self, pair: str, trade: Trade, current_time: datetime, proposed_rate: float, exit_tag: str, **kwargs: Any
    ) -> float:
        """Price of the plan; without one a price far away."""
        order = self._planned(pair, proposed_rate, grows=False)
        if order is None:
            return proposed_rate * (0.5 if trade.is_short else 1.5)
        if exit_tag == self._desk.tag(pair):  # else a person leaves at a limit, and has not asked for this order
            self._desk.placing(pair, order, milliseconds(current_time))
        return order.price

    def custom_stake_amount(self, pair: str, leverage: float, **kwargs: Any) -> float:
        """Stake of the planned entry, 0 without one."""
        order = self._desk.order(pair, grows=True)
        return 0.0 if order is None else stake_of(order, leverage)

    def leverage(self, max_leverage: float, **kwargs: Any) -> float:
        """Leverage of the configuration, as far as the exchange allows it."""
        return min(self.settings.leverage, max_leverage)

    def confirm_trade_entry(
        self, pair: str, amount: float, rate: float, current_time: datetime, side: str, **kwargs: Any
    ) -> bool:
        """Last gate: the order about to be placed must be the planned one."""
        order = self._desk.planned_entry(pair, rate, amount)
        now_ms = milliseconds(current_time)
        if order is None or direction_of(order.side) != side or self._past.has_filled(pair, now_ms):
            return False
        self._desk.placing(pair, order, now_ms)
        return True

    def ft_bot_cleanup(self) -> None:
        """Record the end; Freqtrade has cancelled the orders by now, if it is configured to."""
        super().ft_bot_cleanup()
        if self._bot is not None:
            self._bot.end(milliseconds(datetime.now(UTC)))

    def lock_pair(self, pair: str, until: datetime, reason: str | None = None, side: str = "*") -> None:
        """Lock a pair, except for Freqtrade's pause after every closed trade: a maker re-enters at once."""
        if reason != "Auto lock":
            super().lock_pair(pair, until, reason, side)

    def _planned(self, pair: str, touch: float, *, grows: bool) -> PlannedOrder | None:
        """The planned order; live, its price follows the touch of the book that Freqtrade has just read."""
        if self._follows_touch:
            return self._desk.follow(pair, touch, grows=grows)
        return self._desk.order(pair, grows=grows)

    def _open_past_desk(self, pair: str, holding: Holding, now_ms: int) -> None:
        """In a backtest, make the plan of the candle that opens now, unless it is made; live it is."""
        if not self._live:
            self._past.open(pair, now_ms, holding)
