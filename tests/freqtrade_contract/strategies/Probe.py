"""A strategy that does what a test says and remembers what Freqtrade asked of it."""

from datetime import datetime
from typing import Any

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame


class Probe(IStrategy):
    """Every answer is an attribute that a test sets; `calls` is the order in which hooks were called."""

    INTERFACE_VERSION = 3
    timeframe = "1m"
    process_only_new_candles = False
    minimal_roi: dict[str, float] = {}
    stoploss = -0.1
    use_exit_signal = False
    position_adjustment_enable = True
    order_types = {
        "entry": "limit",
        "exit": "limit",
        "emergency_exit": "market",
        "force_exit": "market",
        "stoploss": "market",
        "stoploss_on_exchange": False,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.can_short = bool(config["market_making"].get("probe_may_short"))
        self.calls: list[str] = []
        self.side: str | None = None
        self.entry_price: float | Exception = 2999.0
        self.exit_price = 3001.0
        self.stake: float | None = 99.0
        self.adjustment: float | None = None
        self.tag: str | None = None
        self.rested_at_the_end: list[str] | None = None
        self.cancel = False
        self.confirm: bool | Exception = True
        self.fail_in_loop_start = False
        self.amounts: list[float] = []

    def bot_loop_start(self, current_time: datetime, **kwargs: Any) -> None:
        self.calls = ["bot_loop_start"]
        if self.fail_in_loop_start:
            raise RuntimeError("on purpose")

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        self.calls.append("populate_entry_trend")
        dataframe["enter_long"] = dataframe["enter_short"] = 0
        if self.side is not None:
            dataframe.loc[dataframe.index[-1], f"enter_{self.side}"] = 1
        if self.tag is not None:
            dataframe["enter_tag"] = self.tag
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        return dataframe

    def check_entry_timeout(self, **kwargs: Any) -> bool:
        self.calls.append("check_entry_timeout")
        return self.cancel

    def check_exit_timeout(self, **kwargs: Any) -> bool:
        self.calls.append("check_exit_timeout")
        return self.cancel

    def order_filled(self, **kwargs: Any) -> None:
        self.calls.append("order_filled")

    def adjust_trade_position(self, trade: Any, **kwargs: Any) -> Any:
        self.calls.append("adjust_trade_position")
        self.amounts.append(trade.amount)
        stake = -trade.stake_amount if self.adjustment == "all" else self.adjustment
        return stake if self.tag is None or stake is None else (stake, self.tag)

    def custom_entry_price(self, **kwargs: Any) -> float:
        self.calls.append("custom_entry_price")
        if isinstance(self.entry_price, Exception):
            raise self.entry_price
        return self.entry_price

    def custom_exit_price(self, **kwargs: Any) -> float:
        self.calls.append("custom_exit_price")
        return self.exit_price

    def custom_stake_amount(self, proposed_stake: float, **kwargs: Any) -> float:
        return proposed_stake if self.stake is None else self.stake

    def confirm_trade_entry(self, **kwargs: Any) -> bool:
        self.calls.append("confirm_trade_entry")
        if isinstance(self.confirm, Exception):
            raise self.confirm
        return self.confirm

    def ft_bot_cleanup(self) -> None:
        super().ft_bot_cleanup()
        self.rested_at_the_end = [order.order_id for trade in Trade.get_open_trades() for order in trade.open_orders]

    def lock_pair(self, pair: str, until: datetime, reason: str | None = None, side: str = "*") -> None:
        self.calls.append(f"lock_pair: {reason}")
