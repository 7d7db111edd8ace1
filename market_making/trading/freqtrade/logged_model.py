"""The model of a run made again, from what the first line of its log says of strategy, settings and parameters."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from freqtrade.resolvers import StrategyResolver

from market_making.market.errors import ConfigurationError
from market_making.quoting.quote import Quoter


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
            self._known[key] = self._model(run, float(basis["maker_fee"]))
        return self._known[key]

    def _model(self, run: Mapping[str, Any], maker_fee: float) -> Quoter:
        if "strategy" not in run:
            raise ConfigurationError("the log has no line that says which strategy has run")
        section = {name: value for name, value in run["settings"].items() if name != "account"}
        mode = run["freqtrade"].get("trading_mode", "futures")
        config = {"strategy": run["strategy"], "user_data_dir": self._user_data, "trading_mode": mode}
        config |= {"candle_type_def": mode, "market_making": section}
        strategy: Any = StrategyResolver.load_strategy(config)
        strategy.settings = strategy.settings.with_maker_fee(maker_fee)
        parameters, before = {name: getattr(strategy, name) for name in run["parameters"]}, {}
        try:  # they belong to the class, and so to every other instance
            for name, value in run["parameters"].items():
                before[name], parameters[name].value = parameters[name].value, value
            model: Quoter = strategy.quoter()
        finally:
            for name, value in before.items():
                parameters[name].value = value
        return model
