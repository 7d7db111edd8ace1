"""`MarketMaking` with another model; every rule about orders is the same."""

from typing import Any

from freqtrade.strategy import DecimalParameter, IntParameter
from MarketMaking import MarketMaking
from pandas import DataFrame

from market_making.quoting.models import trend_skew
from market_making.quoting.quote import Quoter
from market_making.quoting.readings.bias import WARM_UP, trend_bias


class TrendSkew(MarketMaking):
    """A spread that follows volatility and leans against inventory and with the trend of closed candles."""

    startup_candle_count = 2 * WARM_UP
    needs_deep_book = True
    base_bps = DecimalParameter(0.5, 10.0, default=2.0, decimals=1, space="quote")
    volatility_factor = DecimalParameter(0.0, 2.0, default=0.5, decimals=2, space="quote")
    skew_factor = DecimalParameter(0.0, 2.0, default=0.5, decimals=2, space="quote")
    holding_seconds = IntParameter(5, 600, default=60, space="quote")

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Add the trend at the close of each candle."""
        dataframe["bias"] = trend_bias(dataframe["close"].to_numpy(dtype=float))
        return dataframe

    def quoter(self) -> Quoter:
        """Return the model with its settings bound."""
        settings = trend_skew.TrendSkewSettings(
            base_bps=self.base_bps.value,
            volatility_factor=self.volatility_factor.value,
            skew_factor=self.skew_factor.value,
            holding_s=self.holding_seconds.value,
            maximum_inventory=self.settings.model.maximum_inventory,
            maker_fee=self.settings.model.maker_fee,
        )
        return trend_skew.quoter(settings)
