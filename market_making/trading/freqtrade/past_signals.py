"""The signals of a backtest: on every candle the side that would be opened after it."""

from functools import partial
from typing import Any

from freqtrade.enums import OPTIMIZE_MODES, RunMode
from freqtrade.exceptions import ConfigurationError
from freqtrade.exchange import timeframe_to_msecs

from market_making.market.errors import MarketMakingError
from market_making.quoting.quote import Quoter
from market_making.trading.freqtrade.exchange_rules import instrument_of
from market_making.trading.freqtrade.pair_reader import QuotingStrategy, quoting_rules
from market_making.trading.freqtrade.signals import opens_of, signal_each
from market_making.trading.past.desk import BacktestDesk


def signal_past(strategy: QuotingStrategy, past: BacktestDesk, dataframe: Any, pair: str) -> Any:
    """Signal on every candle, from the calibration published by then.

    Raises
    ------
    freqtrade.exceptions.ConfigurationError
        If there is no calibration in that period.
    """
    name, mode = str(strategy.config["exchange"]["name"]), strategy.dp.runmode
    instrument = instrument_of(name, strategy.dp.market(pair) or {})
    opens = opens_of(dataframe, timeframe_to_msecs(strategy.timeframe))
    rules, charged = quoting_rules(strategy, instrument), _charged(strategy, pair)
    try:  # hyperopt has changed the parameters of the model since the last time
        plans = past.opening_plans(instrument, rules, partial(_model_with, strategy), opens, charged)
    except MarketMakingError as error:
        raise ConfigurationError(str(error)) from None
    is_drawn = mode not in OPTIMIZE_MODES or strategy.config.get("export") == "signals"
    signal_each(dataframe, plans, drawn=is_drawn, logged=mode is RunMode.BACKTEST)
    return dataframe


def _model_with(strategy: QuotingStrategy, maker_fee: float) -> Quoter:
    """The model of a strategy for this fee, whatever its settings say."""
    settings = strategy.settings
    if maker_fee == settings.model.maker_fee:
        return strategy.quoter()
    strategy.settings = settings.with_maker_fee(maker_fee)
    try:
        return strategy.quoter()
    finally:
        strategy.settings = settings


def _charged(strategy: QuotingStrategy, pair: str) -> float | None:
    """The fee that Freqtrade takes off each order of a backtest: the configured one, or the exchange's base fee."""
    fee = strategy.config.get("fee")
    fee = (strategy.dp.market(pair) or {}).get("maker") if fee is None else fee
    return None if fee is None else float(fee)
