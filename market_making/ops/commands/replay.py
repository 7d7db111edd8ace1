"""`mm replay`: a strategy over recorded ticks, with the loop, the desk and the rules that trade live."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import (
    Duration,
    Instant,
    config_option,
    json_option,
    load_settings,
    print_json,
    user_data,
    with_options,
)
from market_making.recording.store.presence import require_folders

if TYPE_CHECKING:
    from collections.abc import Callable

    from market_making.replay.accounts.accounts import Accounts
    from market_making.replay.bot.lags import LagProfile
    from market_making.replay.bot.run import EngineKind
    from market_making.replay.result import ReplayResult
    from market_making.settings.settings import Settings

ENGINES = ("exchange", "hftbacktest")
_CACHE = "replay"


@click.command("replay")
@with_options(
    click.option("--strategy", default="MarketMaking", show_default=True, help="Name of the class."),
    click.option("--coin", required=True, help="The coin."),
    click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Root of the tick store."),
    click.option("--start", type=Instant(), help="Where to begin.  [default: the oldest event]"),
    click.option("--end", type=Instant(), help="Where to end.  [default: the newest event]"),
    click.option(
        "--two-sided/--one-sided",
        "two_sided",
        default=None,
        help="Two bots, one for each side, or one bot that takes turns.  [default: as configured]",
    ),
    click.option("--parameter", "chosen", multiple=True, metavar="NAME=VALUE", help="A parameter of the strategy."),
    click.option(
        "--parameters",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder with the history of published calibrations.  [default: made from the recording]",
    ),
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        default="exchange",
        show_default=True,
        help="What fills the orders: the local exchange, or hftbacktest.",
    ),
    click.option("--period", type=Duration(), help="From loop to loop.  [default: 1s]"),
    click.option("--delay", type=Duration(), help="One way between bot and exchange.  [default: 0.05s]"),
    click.option(
        "--latency",
        type=click.Path(path_type=Path),
        help="A live run, as mm reconcile takes it, whose measured latencies hold instead.",
    ),
    click.option(
        "--cache",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of what is kept between runs; it may be removed.  [default: replay in Freqtrade's folder]",
    ),
    click.option(
        "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write a page that shows the run: FILE.html."
    ),
    config_option,
    json_option,
)
def replay_command(**options: Any) -> None:
    """Run a strategy over recorded ticks with the bot's own loop, and say what it earned and why.

    Sessions are replayed one after the other, each from a flat start; across a gap nothing is. Calibrations are those
    that had been published by the time of each decision.
    """
    if options["latency"] and options["delay"] is not None:
        raise ConfigurationError("--delay must be left out with --latency, which has measured delays")
    settings = _settings(options)
    parameters = dict(_pair(text) for text in options["chosen"])
    require_folders(settings.market_data, settings.venue, (options["coin"],))
    from market_making.replay.accounts.accounts import Accounts
    from market_making.replay.accounts.summary import document

    result = _run(settings, parameters, options)
    accounts = Accounts(result)
    if options["report"] is not None:
        from market_making.replay.accounts.tearsheet import write_tearsheet

        write_tearsheet(accounts, options["report"])
    if options["as_json"]:
        print_json(document(accounts) | {"withheld": _withheld(result)})
        return
    _show(accounts, result)


def _settings(options: dict[str, Any]) -> Settings:
    settings = load_settings(options["configs"], market_data=options["data"])
    is_leg = settings.role.leg is not None
    if options["two_sided"] is None:
        return settings
    sides = "alternate" if not options["two_sided"] or not is_leg else settings.sides
    return settings.model_copy(update={"sides": sides})


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise ConfigurationError(f"--parameter must be NAME=VALUE, got {text!r}")
    return name, value


def _run(settings: Settings, parameters: dict[str, str], options: dict[str, Any]) -> ReplayResult:
    from rich.console import Console

    from market_making.replay.bot.run import ReplaySetup, replay
    from market_making.replay.preparation import calibrations_for, prepare, published_calibrations
    from market_making.trading.freqtrade.strategy_model import load_model

    logging.getLogger("freqtrade").setLevel(logging.WARNING)
    model, cache = load_model(options["strategy"], settings, parameters, user_data()), options["cache"]
    cache = user_data() / _CACHE if cache is None else cache
    two_sided = settings.role.leg is not None if options["two_sided"] is None else options["two_sided"]
    with Console(stderr=True).status(f"reading {options['coin']}"):
        bounds = {"start_ms": options["start"], "end_ms": options["end"]}
        prepared = prepare(settings, options["coin"], cache, **bounds)
        if options["parameters"]:
            history = published_calibrations(options["parameters"], settings, prepared)
        else:
            history = calibrations_for(settings, prepared, cache)
        engine, lags = _engine(options["engine"]), _lags(options)
        setup = ReplaySetup(model, prepared.instrument, history, engine, lags, two_sided=two_sided)
        return replay(setup, prepared.tapes)


def _engine(name: str) -> EngineKind:
    if name == "hftbacktest":
        from market_making.replay.engines.hftbacktest import HftbacktestEngine

        return HftbacktestEngine
    from market_making.replay.engines.exchange import ExchangeEngine

    return ExchangeEngine


def _lags(options: dict[str, Any]) -> Callable[[], LagProfile]:
    """What makes the latencies of a bot."""
    from market_making.replay.bot.lags import LagProfile, Lags
    from market_making.replay.reconciliation.lags import measured_lags
    from market_making.replay.reconciliation.logged import find_logs, read_run

    times: dict[str, int] = {}
    if options["period"] is not None:
        times["period_ms"] = round(options["period"] * 1e3)
    if options["delay"] is not None:
        times |= dict.fromkeys(("feed_ms", "entry_ms", "response_ms"), round(options["delay"] * 1e3))
    usual = Lags(**times)
    measured = measured_lags(read_run(find_logs(options["latency"]))) if options["latency"] else None
    return lambda: LagProfile(usual, measured)


def _withheld(result: ReplayResult) -> dict[str, int]:
    """Why no order was wanted, and in how many loops."""
    found: dict[str, int] = {}
    for session in result.sessions:
        for reason, times in session.withheld:
            found[reason] = found.get(reason, 0) + times
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _show(accounts: Accounts, result: ReplayResult) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from market_making.replay.accounts.metrics import METRICS, verdict

    table = Table("measure", "value", "95 % interval", "n", "", box=None)
    for metric in METRICS:
        found = metric.compute(accounts)
        value = "" if found.value is None else f"{found.value:.4g}"
        interval = "" if found.low is None or found.high is None else f"{found.low:.4g} … {found.high:.4g}"
        table.add_row(escape(metric.name), value, interval, f"{found.n}", escape(found.note))
    console, loops = Console(), sum(session.decisions for session in result.sessions)
    sessions = f"{len(result.sessions)} session{'s' if len(result.sessions) > 1 else ''}"
    console.print(f"{result.strategy} on {result.coin}: {result.seconds:.0f} s in {sessions}, engine {result.engine}")
    console.print(table)
    for reason, times in list(_withheld(result).items())[:3]:
        console.print(f"no order was wanted in {times} of {loops} loops: {reason}")
    console.print(f"net {result.net:.4f}: {verdict(accounts)}")
