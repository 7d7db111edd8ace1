"""A strategy class by name, loaded by Freqtrade, as what a replay needs of it: its model, bound, without Freqtrade."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from freqtrade.exceptions import OperationalException
from freqtrade.resolvers import StrategyResolver
from freqtrade.strategy.parameters import BaseParameter

from market_making.market.errors import ConfigurationError
from market_making.market.smallest_order import smallest_notional
from market_making.settings.settings import SECTION, Settings
from market_making.trading.strategy_model import StrategyModel


def load_model(
    name: str, settings: Settings, parameters: Mapping[str, Any], user_data: Path, *, trading_mode: str = "futures"
) -> StrategyModel:
    """Load a strategy and bind its model with parameters.

    Those that are not given have the values of Freqtrade's file of parameters, if the strategy has one, or else their
    defaults, as in a bot.

    Parameters
    ----------
    name : str
        Of the class.
    settings : Settings
        The section of the configuration.
    parameters : Mapping[str, Any]
        Values of some of its parameters.
    user_data : Path
        Freqtrade's folder, with the strategies.
    trading_mode : str
        Of the configuration.

    Raises
    ------
    ConfigurationError
        If there is no such strategy, or it has no such parameter, or not this value.
    """
    strategy = load_strategy(name, settings, user_data, trading_mode=trading_mode)
    parameters = values_of_file(strategy) | dict(parameters)
    with _bound(strategy, parameters):
        return StrategyModel(
            name=name,
            quoter=strategy.quoter(),
            settings=settings,
            depth_factor=strategy.depth_factor.value,
            inventory_share=strategy.inventory_share.value,
            smallest_orders=smallest_notional(1.0, strategy.stoploss),
            orders_before_flat=strategy.orders_before_flat,
            needs_deep_book=strategy.needs_deep_book,
            parameters={key: parameter.value for key, parameter in parameters_of(strategy).items()},
        )


def load_strategy(name: str, settings: Settings, user_data: Path, *, trading_mode: str = "futures") -> Any:
    """A strategy, loaded by Freqtrade and not started.

    Raises
    ------
    ConfigurationError
        If there is no such strategy.
    """
    section = {key: value for key, value in settings.model_dump(mode="json").items() if key != "account"}
    config = {"strategy": name, "user_data_dir": user_data, "trading_mode": trading_mode}
    try:
        strategy: Any = StrategyResolver.load_strategy(config | {"candle_type_def": trading_mode, SECTION: section})
    except OperationalException as error:
        raise ConfigurationError(f"the strategy {name} cannot be loaded from {user_data}: {error}") from None
    strategy.settings = settings
    return strategy


def values_of_file(strategy: Any) -> dict[str, Any]:
    """Values of its parameters in Freqtrade's file, which a bot takes when it starts.

    Names that the strategy does not have are passed over, as Freqtrade does.

    Raises
    ------
    ConfigurationError
        If the file belongs to another strategy.
    """
    try:
        spaces = strategy.load_params_from_file().get("params", {})
    except OperationalException:
        file = Path(strategy.__file__).with_suffix(".json")
        raise ConfigurationError(f"{file} must hold parameters of {type(strategy).__name__}, got others") from None
    known = parameters_of(strategy)
    return {name: value for values in spaces.values() for name, value in values.items() if name in known}


@contextmanager
def _bound(strategy: Any, parameters: Mapping[str, Any]) -> Iterator[None]:
    """Let the parameters of a strategy have these values; they belong to the class, and so to every other instance."""
    known = parameters_of(strategy)
    if strange := sorted(parameters.keys() - known.keys()):
        raise ConfigurationError(f"a parameter must be one of {', '.join(sorted(known))}, got {strange[0]}")
    before = {name: known[name].value for name in parameters}
    try:
        for name, value in parameters.items():
            known[name].value = _typed(name, value, known[name].value)
        yield
    finally:
        for name, value in before.items():
            known[name].value = value


def parameters_of(strategy: Any) -> dict[str, Any]:
    """Every parameter by name; Freqtrade lists them itself only once a bot has started."""
    named = ((name, getattr(strategy, name)) for name in dir(type(strategy)))
    return {name: value for name, value in named if isinstance(value, BaseParameter)}


def _typed(name: str, value: Any, usual: Any) -> Any:
    """A value of the type of the default; text is read."""
    if isinstance(value, str) and not isinstance(usual, str):
        words = {"true": True, "false": False}
        try:
            value = words[value.lower()] if isinstance(usual, bool) else type(usual)(value)
        except (KeyError, ValueError):
            raise ConfigurationError(f"{name} must be of type {type(usual).__name__}, got {value!r}") from None
    return value
