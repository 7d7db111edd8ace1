"""What the commands share that replay: their options, and what is made from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import Duration, Instant, load_settings, user_data, with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.publication.history import History
    from market_making.replay.bot.lags import LagProfile
    from market_making.replay.bot.run import EngineKind
    from market_making.replay.preparation import Prepared
    from market_making.settings.settings import Settings

ENGINES = ("exchange", "exchange-whole", "hftbacktest")
_CACHE = "replay"

recording_options = with_options(
    click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Root of the tick store."),
    click.option("--start", type=Instant(), help="Where to begin.  [default: the oldest event]"),
    click.option("--end", type=Instant(), help="Where to end.  [default: the newest event]"),
)
two_sided_option = click.option(
    "--two-sided/--one-sided",
    "two_sided",
    default=None,
    help="Two bots, one for each side, or one bot that takes turns.  [default: as configured]",
)
calibrations_option = click.option(
    "--parameters",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with the history of published calibrations.  [default: made from the recording]",
)
engine_options = with_options(
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        default="exchange",
        show_default=True,
        help="What fills the orders: the local exchange, the same with orders filled whole, or hftbacktest.",
    ),
    click.option("--period", type=Duration(), help="From loop to loop.  [default: 1s]"),
    click.option("--delay", type=Duration(), help="One way between bot and exchange.  [default: 0.05s]"),
    click.option(
        "--latency",
        type=click.Path(path_type=Path),
        help="A live run, as mm reconcile takes it, whose measured latencies hold instead.",
    ),
)
cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of what is kept between runs; it may be removed.  [default: replay in Freqtrade's folder]",
)


def settings_of(options: dict[str, Any]) -> Settings:
    """Settings of the configuration, with the root of the recording and the sides that were asked for."""
    settings = load_settings(options["configs"], market_data=options["data"])
    is_leg = settings.role.leg is not None
    if options["two_sided"] is None:
        return settings
    sides = "alternate" if not options["two_sided"] or not is_leg else settings.sides
    return settings.model_copy(update={"sides": sides})


def with_edge(settings: Settings, is_on: bool | None) -> Settings:
    """The settings with all of the edge on or off; None leaves it as it is configured."""
    if is_on is None:
        return settings
    edge = settings.edge.model_copy(update=dict.fromkeys(type(settings.edge).model_fields, is_on))
    return settings.model_copy(update={"edge": edge})


def is_two_sided(settings: Settings, options: dict[str, Any]) -> bool:
    """Whether two legs are replayed."""
    return settings.role.leg is not None if options["two_sided"] is None else bool(options["two_sided"])


def cache_of(options: dict[str, Any]) -> Path:
    """Folder of what is kept between runs."""
    chosen: Path | None = options["cache"]
    return user_data() / _CACHE if chosen is None else chosen


def reading_of(settings: Settings, coin: str, options: dict[str, Any]) -> tuple[Prepared, History]:
    """Tapes of a recording and the calibrations of its time: those that were published, or else made from it.

    Raises
    ------
    DataError
        If nothing of it can be replayed.
    """
    from market_making.replay.preparation import calibrations_for, prepare, published_calibrations

    cache = cache_of(options)
    prepared = prepare(settings, coin, cache, start_ms=options["start"], end_ms=options["end"])
    if options["parameters"]:
        return prepared, published_calibrations(options["parameters"], settings, prepared)
    return prepared, calibrations_for(settings, prepared, cache)


def engine_of(name: str) -> EngineKind:
    """What makes the engine of a session."""
    if name == "hftbacktest":
        from market_making.replay.engines.hftbacktest import HftbacktestEngine

        return HftbacktestEngine
    from market_making.replay.engines.exchange import ExchangeEngine, WholeFillExchange

    return WholeFillExchange if name == WholeFillExchange.name else ExchangeEngine


def lags_of(options: dict[str, Any]) -> Callable[[], LagProfile]:
    """What makes the latencies of a bot.

    Raises
    ------
    ConfigurationError
        If delays are given twice.
    """
    from market_making.replay.bot.lags import LagProfile, Lags
    from market_making.replay.reconciliation.lags import measured_lags
    from market_making.replay.reconciliation.logged import find_logs, read_run

    if options["latency"] and options["delay"] is not None:
        raise ConfigurationError("--delay must be left out with --latency, which has measured delays")
    times: dict[str, int] = {}
    if options["period"] is not None:
        times["period_ms"] = round(options["period"] * 1e3)
    if options["delay"] is not None:
        times |= dict.fromkeys(("feed_ms", "entry_ms", "response_ms"), round(options["delay"] * 1e3))
    usual = Lags(**times)
    measured = measured_lags(read_run(find_logs(options["latency"]))) if options["latency"] else None
    return lambda: LagProfile(usual, measured)


def pair_of(text: str) -> tuple[str, str]:
    """A parameter and its value as they are typed.

    Raises
    ------
    ConfigurationError
        If it is no NAME=VALUE.
    """
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise ConfigurationError(f"--parameter must be NAME=VALUE, got {text!r}")
    return name, value
