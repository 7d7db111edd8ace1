"""Plots are an extra: only who asks for one needs the library that draws it."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError

if TYPE_CHECKING:
    from calibration.publication.parameters import Parameters
    from calibration.scanning.prospect import Prospect
    from market_making.settings.settings import Settings

_DAY_MS = 86_400_000

plot_option = click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw a plot into this file (PNG, SVG or PDF).",
)


def check_picture(path: Path | None) -> None:
    """Check whether the plot asked for can be drawn: to be called before anything else is published.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed, the ending of the file is unknown, or there is no place for it.
    """
    if path is not None:
        _plots().check_picture(path)


def draw_scan(prospects: list[Prospect], fee_bps: float, path: Path) -> None:
    """Draw a ranking.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed, or cannot write such a file.
    """
    _plots().plot_scan(prospects, fee_bps, path)


def draw_calibration(parameters: Parameters, settings: Settings, path: Path) -> None:
    """Draw a calibration beside the window it was made from, with the last day of its history if there is one.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed, or cannot write such a file.
    """
    from calibration.observation.rolling import LEAD_MS, observe_window
    from calibration.publication.history import read_history
    from market_making.recording.store.tick_store import TickStore

    plots = _plots()
    coin, start_ms, end_ms = parameters.coin, parameters.window.start_ms, parameters.window.end_ms
    source = partial(TickStore(settings.market_data, settings.venue).tape, coin)
    observed = observe_window(source, parameters.market.tick, start_ms, end_ms)
    history = read_history(settings.parameters, coin, end_ms - _DAY_MS, end_ms)
    plots.plot_calibration(plots.Subject(parameters, observed, source(start_ms - LEAD_MS, end_ms), history), path)


def plots_of(module: str) -> Any:
    """A module that draws.

    Raises
    ------
    ConfigurationError
        If matplotlib is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise ConfigurationError("a plot needs matplotlib: pip install -e '.[plot]'") from None


def _plots() -> Any:
    return plots_of("calibration.plots")
