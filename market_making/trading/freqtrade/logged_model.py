"""The model of a run made again, from what the first line of its log says of strategy, settings and parameters."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from market_making.market.errors import ConfigurationError
from market_making.quoting.quote import Quoter
from market_making.settings.settings import Settings
from market_making.trading.freqtrade.strategy_model import load_model
from market_making.trading.strategy_model import StrategyModel


class LoggedModels:
    """Models of logged runs, for `market_making.trading.remade`.

    Parameters
    ----------
    user_data : Path
        Freqtrade's folder, with the strategies.
    """

    def __init__(self, user_data: Path) -> None:
        self._user_data = user_data
        self._known: dict[tuple[Any, ...], Quoter] = {}

    def __call__(self, run: Mapping[str, Any], basis: Mapping[str, Any]) -> Quoter:
        """Return the model of a run, with the fee of a basis.

        Raises
        ------
        ConfigurationError
            If the line does not say which strategy it was.
        """
        key = run.get("run"), basis["maker_fee"]
        if key not in self._known:
            self._known[key] = self.strategy(run, float(basis["maker_fee"])).quoter
        return self._known[key]

    def strategy(self, run: Mapping[str, Any], maker_fee: float) -> StrategyModel:
        """The strategy of a run, with a fee.

        Raises
        ------
        ConfigurationError
            If the line does not say which strategy it was.
        """
        if "strategy" not in run:
            raise ConfigurationError("the log has no line that says which strategy has run")
        section = {name: value for name, value in run["settings"].items() if name != "account"}
        settings = Settings.from_section(section).with_maker_fee(maker_fee)
        mode = run["freqtrade"].get("trading_mode", "futures")
        return load_model(run["strategy"], settings, run["parameters"], self._user_data, trading_mode=mode)
