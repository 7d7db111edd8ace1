"""`mm reconcile`: what a bot has logged, held against a replay of its own recording."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError, NotEnoughData
from market_making.ops.commands.options import config_option, json_option, load_settings, print_json, user_data
from market_making.ops.commands.options import with_options as options_of

if TYPE_CHECKING:
    from market_making.replay.preparation import Prepared
    from market_making.replay.reconciliation.logged import LoggedRun
    from market_making.settings.settings import Settings
    from market_making.trading.freqtrade.logged_model import LoggedModels
    from market_making.trading.strategy_model import StrategyModel

_CACHE = "replay"
_AROUND_MS = 5_000


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@options_of(
    click.option("--run", "name", help="Name of the run in the log.  [default: the last with orders]"),
    click.option("--coin", help="The coin, of a bot with several.  [default: the one with most orders]"),
    click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Root of the tick store."),
    click.option("--parameters", type=click.Path(path_type=Path, file_okay=False), help="Folder of the calibrations."),
    click.option("--cache", type=click.Path(path_type=Path, file_okay=False), help="Folder of what is kept."),
    config_option,
    json_option,
)
def reconcile(run: Path, **options: Any) -> None:
    """Hold a live run against a replay of its own recording: fills, plans, sums, and how long everything took.

    RUN is a decision log, or a folder that holds one in `decisions`, such as that of `mm demo`; its `market_data` and
    `parameters` are used unless others are named.
    """
    logging.getLogger("freqtrade").setLevel(logging.WARNING)
    from market_making.replay.preparation import prepare
    from market_making.replay.reconciliation.logged import find_logs, footprint_of, read_run
    from market_making.trading.freqtrade.logged_model import LoggedModels

    logs = find_logs(run)
    logged = read_run(logs, run=options["name"], coin=options["coin"])
    settings = _settings(run, options)
    cache = options["cache"] or user_data() / _CACHE
    bounds = {"start_ms": logged.start_ms - _AROUND_MS, "end_ms": logged.end_ms + _AROUND_MS}
    prepared = prepare(settings, logged.coin, cache, **bounds, own=footprint_of(logs, logged))
    models = LoggedModels(user_data())
    document = _document(logged, prepared, settings, models)
    if options["as_json"]:
        print_json(document)
    else:
        _show(document)


def _settings(run: Path, options: dict[str, Any]) -> Settings:
    """Settings with the places of the run."""
    folder = run if run.is_dir() else run.parent.parent
    found = {"market_data": folder / "market_data", "parameters": folder / "parameters"}
    places = {name: place for name, place in found.items() if place.is_dir()}
    chosen = {"market_data": options["data"] or places.get("market_data")}
    return load_settings(options["configs"], **chosen, parameters=options["parameters"] or places.get("parameters"))


def _document(logged: LoggedRun, prepared: Prepared, settings: Settings, models: LoggedModels) -> dict[str, Any]:
    from market_making.trading.remade import remade

    plans = list(remade(logged.lines, models))
    fees = [line["maker_fee"] for line in logged.lines if line["event"] == "basis"]
    if not plans or not fees:
        raise NotEnoughData("the log must hold plans, got none")
    strategy = models.strategy(logged.header, float(fees[-1]))
    engines = _engines(logged, prepared, strategy)
    reference = engines["exchange"]
    document = {
        "strategy": strategy.name,
        "coin": logged.coin,
        "run": logged.header["run"],
        "start_ms": logged.start_ms,
        "end_ms": logged.end_ms,
        "plans": len(plans),
        "plans_equal": sum(plan.is_equal for plan in plans),
    }
    document |= {name: reference[name] for name in reference if name != "engine"}
    return document | {"engines": engines} | _free(logged, prepared, settings, strategy)


def _engines(logged: LoggedRun, prepared: Prepared, strategy: StrategyModel) -> dict[str, Any]:
    """The logged quotes on each engine; None for one that is not installed."""
    from market_making.replay.engines.exchange import ExchangeEngine
    from market_making.replay.engines.hftbacktest import HftbacktestEngine
    from market_making.replay.reconciliation.quotes import match_quotes

    found: dict[str, Any] = {}
    fee = strategy.settings.model.maker_fee
    for kind in (ExchangeEngine, HftbacktestEngine):
        try:
            found[kind.name] = asdict(match_quotes(logged, prepared.tapes, prepared.instrument, fee, kind))
        except ConfigurationError:
            found[kind.name] = None
    return found


def _free(logged: LoggedRun, prepared: Prepared, settings: Settings, strategy: StrategyModel) -> dict[str, Any]:
    """The bot replayed with the latencies that were measured; None for a leg, or without calibrations of its time."""
    import numpy as np

    from market_making.replay.bot.lags import LagProfile, Lags
    from market_making.replay.bot.run import ReplaySetup
    from market_making.replay.engines.exchange import ExchangeEngine
    from market_making.replay.preparation import published_calibrations
    from market_making.replay.reconciliation.free import free_replay
    from market_making.replay.reconciliation.lags import measured_lags

    measured = measured_lags(logged)
    said = {name: np.quantile(samples, (0.05, 0.5, 0.95)).round(1).tolist() for name, samples in measured.items()}
    if strategy.settings.role.leg is not None:  # one log tells of one leg, and not of what the other one did
        return {"lags_ms": said, "free": None}
    try:
        history = published_calibrations(settings.parameters, strategy.settings, prepared)
    except NotEnoughData:
        return {"lags_ms": said, "free": None}
    setup = ReplaySetup(strategy, prepared.instrument, history, ExchangeEngine, lambda: LagProfile(Lags(), measured))
    sums = free_replay(logged, setup, prepared.tapes)
    return {"lags_ms": said, "free": {name: asdict(compared) for name, compared in sums.items()}}


def _show(document: dict[str, Any]) -> None:
    click.echo(f"{document['strategy']} on {document['coin']}, run {document['run']}")
    for name, found in document["engines"].items():
        if found is None:
            click.echo(f'  {name}: not installed (pip install -e ".[replay]")')
            continue
        click.echo(
            f"  logged quotes on {name}: {found['fills_matched']} of {found['fills_live']} filled orders matched, "
            f"{found['sizes_equal']} of them in size, {found['fills_extra']} more in the replay; "
            f"net {found['net_live']:.4f} live, {found['net_replayed']:.4f} replayed"
        )
        for cause, times in found["causes"].items():
            click.echo(f"    {times} × {cause}")
        if found["outside"]:
            click.echo(f"    {found['outside']} orders are not wholly within the recording and left out")
    click.echo(
        f"  plans made again from the log: {document['plans_equal']} of {document['plans']} equal to the last bit"
    )
    for name, compared in (document["free"] or {}).items():
        click.echo(
            f"  replayed freely, {name}: {compared['live']:.4g} live, {compared['replayed']:.4g} replayed "
            f"({compared['least']:.4g} … {compared['most']:.4g})"
        )
    if document["free"] is None:
        click.echo("  not replayed freely: that needs a bot on its own, and its calibrations (--parameters)")
    for name, (low, middle, high) in document["lags_ms"].items():
        click.echo(f"  {name}: {middle:g} ({low:g} … {high:g})")
