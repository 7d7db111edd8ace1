"""Freqtrade's file of a strategy's parameters: which there are, and the file from which a bot takes its values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from freqtrade.strategy.parameters import (
    BaseParameter,
    CategoricalParameter,
    DecimalParameter,
    IntParameter,
    NumericParameter,
)

from market_making.market.durable_file import replace_file
from market_making.settings.settings import Settings
from market_making.trading.freqtrade.strategy_model import load_strategy, parameters_of, values_of_file
from market_making.trading.search_space import Dimension

_VERSION = 1


def dimensions_of(name: str, settings: Settings, user_data: Path) -> tuple[Dimension, ...]:
    """Parameters of a strategy that may be searched; the default of each is the value with which a bot would start.

    Parameters
    ----------
    name : str
        Of the class.
    settings : Settings
        The section of the configuration.
    user_data : Path
        Freqtrade's folder, with the strategies.

    Raises
    ------
    ConfigurationError
        If there is no such strategy.
    """
    strategy = load_strategy(name, settings, user_data)
    kept = values_of_file(strategy)
    parameters = parameters_of(strategy)
    return tuple(_dimension(key, each, kept.get(key, each.value)) for key, each in parameters.items() if each.optimize)


def write_parameters(path: Path, strategy: str, values: Mapping[str, Any], dimensions: tuple[Dimension, ...]) -> None:
    """Write values as Freqtrade reads them at its start from ``<strategy>.json`` beside the strategy's file.

    Parameters
    ----------
    path : Path
        The file.
    strategy : str
        Name of the class.
    values : Mapping
        By name.
    dimensions : tuple[Dimension, ...]
        Under which of Freqtrade's spaces each belongs.
    """
    groups: dict[str, dict[str, Any]] = {}
    for each in dimensions:
        if each.name in values:
            groups.setdefault(each.group, {})[each.name] = values[each.name]
    document = {
        "strategy_name": strategy,
        "params": groups,
        "ft_stratparam_v": _VERSION,
        "export_time": datetime.now(UTC).isoformat(sep=" "),
    }
    replace_file(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _dimension(name: str, parameter: BaseParameter, present: Any) -> Dimension:
    group = str(parameter.space)
    if isinstance(parameter, CategoricalParameter):
        return Dimension(name, group, present, choices=tuple(parameter.opt_range))
    assert isinstance(parameter, NumericParameter)  # noqa: S101 - Freqtrade has no third kind
    step: float | None = 1.0 if isinstance(parameter, IntParameter) else None
    if isinstance(parameter, DecimalParameter):
        step = 10.0**-parameter.decimals
    return Dimension(name, group, present, (), parameter.low, parameter.high, step)
