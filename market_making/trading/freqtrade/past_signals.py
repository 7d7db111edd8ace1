"""The signals of a backtest: on every candle the side that would be opened after it."""

from typing import Any

from freqtrade.enums import OPTIMIZE_MODES, RunMode
from freqtrade.exceptions import ConfigurationError
from freqtrade.exchange import timeframe_to_msecs

from market_making.market.errors import MarketMakingError
from market_making.trading.freqtrade.exchange_rules import instrument_of
from market_making.trading.freqtrade.pair_reader import QuotingStrategy, quoting_rules
from market_making.trading.freqtrade.signals import opens_of, signal_each
from market_making.trading.past.planner import BacktestDesk


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
    try:  # hyperopt has changed the parameters of the model since the last time
        plans = past.opening_plans(instrument, quoting_rules(strategy, instrument), strategy.quoter(), opens)
    except MarketMakingError as error:
        raise ConfigurationError(str(error)) from None
    is_drawn = mode not in OPTIMIZE_MODES or strategy.config.get("export") == "signals"
    fee, is_logged = strategy.settings.model.maker_fee, mode is RunMode.BACKTEST
    signal_each(dataframe, plans, fee, drawn=is_drawn, logged=is_logged)
    return dataframe
