"""Rest one post-only quote of the Cartea–Jaimungal model on each pair, decided anew every loop (docs/strategy.md).

Every decision is one plan a pair and loop, made in `bot_loop_start` and made again when a fill changes what is held.
Freqtrade's hooks fail open: an exception in a price hook means the price at the touch. So the hooks that place an order
only look the plan up, and where there is no plan there is no order.
"""

from datetime import datetime
from functools import partial
from typing import Any

from freqtrade.enums import OPTIMIZE_MODES, RunMode, TradingMode
from freqtrade.exceptions import ConfigurationError as FreqtradeConfigurationError
from freqtrade.exceptions import FreqtradeException
from freqtrade.exchange import timeframe_to_msecs
from freqtrade.persistence import Order, Trade
from freqtrade.strategy import DecimalParameter, IStrategy
from pandas import DataFrame

from calibration.publication.parameter_cache import ParameterCache
from market_making.market.errors import ConfigurationError, MarketMakingError
from market_making.market.instrument import Instrument
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.placement import DepthBounds
from market_making.quoting.quote import MarketView, Quoter
from market_making.quoting.risk.toxicity import Regime
from market_making.settings.settings import Settings
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.chart_rows import ChartHistory
from market_making.trading.decision_log import DecisionLog
from market_making.trading.deferred_stop import DeferredStop
from market_making.trading.desk import Desk, PairInputs
from market_making.trading.freqtrade.account import AccountWatch
from market_making.trading.freqtrade.charts import PLOT_CONFIG, annotations, show
from market_making.trading.freqtrade.exchange_rules import instrument_of, post_only_flag
from market_making.trading.freqtrade.no_builder_fee import refuse_builder_fee
from market_making.trading.freqtrade.order_book import top_of_book
from market_making.trading.freqtrade.signals import last_bias, moments_of, signal_each, signal_last
from market_making.trading.freqtrade.trade import (
    adjustment_of,
    direction_of,
    holding_of,
    milliseconds,
    position_of,
    resting_order_of,
    smallest_notional,
    stake_of,
)
from market_making.trading.holding import Holding
from market_making.trading.legs.position import Legs
from market_making.trading.pair_observers import PairObservers
from market_making.trading.past.planner import BacktestDesk
from market_making.trading.plan import Planner
from market_making.trading.risk_watch import RiskWatch
from market_making.trading.rules import QuotingRules, rules_of

ANY_DEPTH = DepthBounds(0.0, 5000.0)  # the plan applies the bounds of the configuration, to every model alike


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
    depth_factor = DecimalParameter(0.5, 2.0, default=1.0, decimals=2, space="quote")  # on the model's depths
    inventory_share = DecimalParameter(0.3, 1.0, default=1.0, decimals=1, space="risk")  # of the configured bound
    # Stop opening for an hour after losing 5 % of the account within a day, and after any stop-loss.
    protections = [
        {"method": "StoplossGuard", "lookback_period": 60, "trade_limit": 1, "stop_duration": 60},
        {"method": "MaxDrawdown", "calculation_mode": "equity", "max_allowed_drawdown": 0.05}
        | {"lookback_period": 1440, "trade_limit": 10, "stop_duration": 60},
    ]

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        try:
            self.settings = Settings.from_section(config.get("market_making", {}))
        except ConfigurationError as error:
            raise FreqtradeConfigurationError(str(error)) from None
        self.can_short = self.settings.role.opens_with(Side.ASK)

    def quoter(self) -> Quoter:
        """Return the quoting model with its settings bound; this is what a variant overrides."""
        return cartea_jaimungal_quoter(self.settings.model.cartea_jaimungal(ANY_DEPTH))

    def bot_start(self, **kwargs: Any) -> None:
        """Prepare for quoting; live, make every order post-only and free of a builder fee."""
        settings = self.settings
        self._exchange_name = str(self.config["exchange"]["name"])
        self._model: Quoter | None = None  # Freqtrade loads the parameters of hyperopt after this
        self._parameters = ParameterCache(settings.parameters, settings.venue)
        self._live = self.dp.runmode in (RunMode.LIVE, RunMode.DRY_RUN)
        bot = f"{self.config.get('bot_name', 'freqtrade')}{'-dry-run' if self.config['dry_run'] else ''}"
        budget = ActionBudget(settings.quote.actions_per_minute)
        record = DecisionLog(settings.decisions, bot).write if self._live else None
        risk = RiskWatch(settings.risk_limits(), settings.risk.state, bot, partial(self.dp.send_msg, always_send=True))
        stop = DeferredStop(installed=self.dp.runmode is RunMode.LIVE)
        self._desk = Desk(budget, self.orders_before_flat, record, leg=settings.role.leg, risk=risk, stop=stop)
        self._legs = Legs(settings.legs, settings.role.leg)
        self._past = BacktestDesk(self._desk, settings)
        self._album = ChartHistory()
        self._memory = PairObservers(settings.model.maker_fee)
        spot, dry_run = self.config.get("trading_mode") == TradingMode.SPOT, self.config["dry_run"]
        self._account = AccountWatch(settings.quote.maximum_account_age_s * 1e3, spot=spot, dry_run=dry_run)
        if self.dp.runmode is RunMode.LIVE:
            # A configuration with "ALO", or on Hyperliquid with "PO", is refused; the attribute is read at each order.
            flag = post_only_flag(self._exchange_name)
            self.order_time_in_force = {"entry": flag, "exit": flag}
            if self._exchange_name == "hyperliquid":
                exchange = self.dp._exchange
                refuse_builder_fee(exchange._api, exchange._api_async, exchange._ws_async)

    def bot_loop_start(self, current_time: datetime, **kwargs: Any) -> None:
        """Make the plan of every pair; a pair for which anything is missing or doubtful has none."""
        self._desk.clear()
        if not self._live:
            return
        self._model = self._model or self.quoter()
        now_ms = milliseconds(current_time)
        trades = dict.fromkeys(self.dp.current_whitelist()) | {trade.pair: trade for trade in Trade.get_open_trades()}
        self._account.expect({pair: position_of(trade) for pair, trade in trades.items()})
        for pair, trade in trades.items():
            try:
                self._open_desk(pair, trade, now_ms)
            except MarketMakingError as error:
                self._desk.withhold(pair, error.because, now_ms)
            except FreqtradeException as error:
                self._desk.withhold(pair, Because(Reason.EXCHANGE_ERROR, str(error)), now_ms, failed=True)
            except OSError as error:
                self._desk.withhold(pair, Because(Reason.UNEXPECTED, str(error)), now_ms)

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Nothing: quotes come from the book and the calibration."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Signal the side that would open a position if none were held, also while one is: it may end in this loop."""
        if not self._live:
            return self._signals_of_the_past(dataframe, metadata["pair"])
        picture = self._desk.picture(metadata["pair"], self.settings.model.maker_fee)
        show(dataframe, self._album.with_last(metadata["pair"], dataframe["date"], picture))
        signal_last(dataframe, self._desk.opening_side(metadata["pair"]))
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Nothing: a position is left through `adjust_trade_position`."""
        return dataframe

    def check_entry_timeout(self, pair: str, trade: Trade, order: Order, current_time: datetime, **kwargs: Any) -> bool:
        """Cancel an order that the plan does not keep."""
        holding, now_ms = holding_of(trade), milliseconds(current_time)
        self._open_past_desk(pair, holding, now_ms)
        return self._desk.must_cancel(pair, holding, resting_order_of(order), now_ms)

    check_exit_timeout = check_entry_timeout

    def plot_annotations(self, dataframe: DataFrame, **kwargs: Any) -> list[dict[str, Any]]:
        """Mark in FreqUI where neither side is quoted."""
        return annotations(dataframe)

    def order_filled(self, pair: str, trade: Trade, order: Order, current_time: datetime, **kwargs: Any) -> None:
        """Plan again at once, so that the opposite quote is placed in this very loop."""
        if not self._live:
            self._past.filled(pair, milliseconds(current_time))
            return
        now_ms, planner, filled = milliseconds(current_time), self._desk.planner(pair), resting_order_of(order)
        self._desk.filled(pair, filled, now_ms, is_taker=order.order_type == "market")
        if planner is not None:
            self._memory.filled(pair, filled, planner.market, planner.lot, now_ms)
        self._desk.plan(pair, holding_of(trade))

    def adjust_trade_position(self, trade: Trade, current_time: datetime, max_stake: float, **kwargs: Any) -> Any:
        """Stake of the order that should rest: positive adds to the position, negative leaves it."""
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
        self._desk.asking(trade.pair, plan.order, now_ms)
        stake = adjustment_of(plan.order, trade)
        return None if stake > max_stake else stake

    def custom_entry_price(
        self, pair: str, trade: Trade | None, current_time: datetime, proposed_rate: float, side: str, **kwargs: Any
    ) -> float:
        """Price of the plan; without one a price far away, and `confirm_trade_entry` refuses the order."""
        self._open_past_desk(pair, holding_of(trade), milliseconds(current_time))
        order = self._desk.order(pair, grows=True)
        if order is None or direction_of(order.side) != side:
            return proposed_rate * (0.5 if side == "long" else 1.5)
        if trade is not None:  # an addition, which nobody asks to confirm
            self._desk.placing(pair, order, milliseconds(current_time))
        return order.price

    def custom_exit_price(self, pair: str, trade: Trade, proposed_rate: float, **kwargs: Any) -> float:
        """Price of the plan; without one a price far away."""
        order = self._desk.order(pair, grows=False)
        return proposed_rate * (0.5 if trade.is_short else 1.5) if order is None else order.price

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

    def lock_pair(self, pair: str, until: datetime, reason: str | None = None, side: str = "*") -> None:
        """Lock a pair, except for Freqtrade's pause after every closed trade: a maker re-enters at once."""
        if reason != "Auto lock":
            super().lock_pair(pair, until, reason, side)

    def _open_desk(self, pair: str, trade: Trade | None, now_ms: int) -> None:
        """Read and check everything the plan of one pair depends on, then make it."""
        instrument, position = instrument_of(self._exchange_name, self.dp.market(pair) or {}), position_of(trade)
        parameters = self._parameters.read(instrument.coin, now_ms).require_good()
        self._adopt_fee(parameters.model.maker_fee)
        self._account.check(self.wallets, instrument, position.closed, position.holding.resting, now_ms)
        planner = Planner(
            instrument=instrument,
            market=self._market(pair, position.holding, now_ms),
            flow=parameters.order_flow(),
            quoter=self._model,
            lot=parameters.model.order_size,
            rules=self._rules(instrument),
            now_ms=now_ms,
            other_leg=self._legs.exchange(instrument.coin, position.holding.coins, now_ms),
            regime=Regime(parameters.regime.state),
        )
        worth, lost = self._account.worth(self.wallets, self.stake_currency, pair), self._memory.take_lost(pair)
        locked = self.is_pair_locked(pair, side="*" if trade is None else trade.trade_direction)
        no_opening = Because(Reason.PAIR_LOCKED, "the pair is locked") if locked else None
        desk = PairInputs(planner, parameters.calibration_id, no_opening, False, *worth, lost)
        self._memory.planned(pair, self._desk.open(pair, desk, position.holding).quotes)

    def _market(self, pair: str, holding: Holding, now_ms: int) -> MarketView:
        # In a dry run our order is in no book, so there is nothing to leave out.
        own = holding.resting if self.dp.runmode is RunMode.LIVE else None
        book, limit_ms = self.dp.orderbook(pair, 20), self.settings.quote.maximum_book_age_s * 1e3
        market = top_of_book(dict(book), now_ms=now_ms, maximum_age_ms=limit_ms, own=own)
        candles, _ = self.dp.get_analyzed_dataframe(pair, self.timeframe)
        margin_used = self._account.margin_used(self.wallets, self.stake_currency)
        return self._memory.seen(pair, market, bias=last_bias(candles), margin_used=margin_used)

    def _rules(self, instrument: Instrument) -> QuotingRules:
        least = smallest_notional(instrument.minimum_notional, self.stoploss, self.config.get("amount_reserve_percent"))
        share = self.inventory_share.value
        return rules_of(self.settings, least, depth_factor=self.depth_factor.value, inventory_share=share)

    def _adopt_fee(self, fee: float) -> None:
        """Quote with the fee that the calibration was made with, unless the configuration has one of its own."""
        if fee != self.settings.model.maker_fee and not self.settings.has_own_fee:
            self.settings = self.settings.with_maker_fee(fee)
            self._model, self._memory.maker_fee = self.quoter(), fee

    def _signals_of_the_past(self, dataframe: DataFrame, pair: str) -> DataFrame:
        """Signal on every candle the side that would be opened after it, from the calibration published by then."""
        instrument = instrument_of(self._exchange_name, self.dp.market(pair) or {})
        moments = moments_of(dataframe, timeframe_to_msecs(self.timeframe))
        try:  # hyperopt has changed the parameters of the model since the last time
            plans = self._past.opening_plans(instrument, self._rules(instrument), self.quoter(), moments)
        except MarketMakingError as error:
            raise FreqtradeConfigurationError(str(error)) from None
        mode, fee = self.dp.runmode, self.settings.model.maker_fee
        is_drawn = mode not in OPTIMIZE_MODES or self.config.get("export") == "signals"
        signal_each(dataframe, plans, fee, drawn=is_drawn, told=mode is RunMode.BACKTEST)
        return dataframe

    def _open_past_desk(self, pair: str, holding: Holding, now_ms: int) -> None:
        """In a backtest, make the plan of the candle that opens now, unless it is made; live it is."""
        if not self._live:
            self._past.open(pair, now_ms, holding)
