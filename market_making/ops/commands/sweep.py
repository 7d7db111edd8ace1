"""`mm sweep`: search the parameters of a strategy over recorded days."""

from __future__ import annotations

import logging
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import config_option, json_option, load_settings, print_json, user_data
from market_making.ops.commands.options import with_options as options_of
from market_making.ops.commands.plotting import plots_of
from market_making.ops.commands.replaying import cache_of, cache_option
from market_making.recording.store.presence import require_folders

if TYPE_CHECKING:
    from market_making.replay.study.cluster import Cluster
    from market_making.replay.study.spec import StudySpec
    from market_making.replay.study.study import Judged, Study
    from market_making.settings.settings import Settings
    from market_making.trading.strategy_model import StrategyModel

_STUDIES = "studies"
_PICTURE = "study.png"


@click.command()
@click.argument("study", type=click.Path(path_type=Path, dir_okay=False))
@options_of(
    click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Root of the tick store."),
    click.option(
        "--out", type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the study; one that was begun is gone on with.  [default: studies/STUDY in Freqtrade's folder]",
    ),
    click.option("--workers", type=click.IntRange(min=1), help="Processes of this machine.  [default: one a core]"),
    click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, as tcp://host:8786, instead of them."),
    click.option("--estimate", "only_estimate", is_flag=True, help="Tell what the study would cost, and end."),
    cache_option,
    config_option,
    json_option,
)  # fmt: skip
def sweep(study: Path, **options: Any) -> None:
    """Search the parameters of a strategy over recorded days, and judge the winner on the days after them.

    STUDY is a YAML file, explained in docs/study.md. Whoever is interrupted calls the command again.
    """
    logging.getLogger("freqtrade").setLevel(logging.WARNING)
    from market_making.replay.study.cluster import connected
    from market_making.replay.study.spec import StudySpec

    spec = StudySpec.read(study)
    settings = load_settings(options["configs"], market_data=options["data"])
    require_folders(settings.market_data, settings.venue, spec.coins)
    folder = options["out"] or user_data() / _STUDIES / study.stem
    asked = _study(spec, settings, folder, cache_of(options))
    workers = options["workers"] or os.cpu_count() or 1
    with connected(options["scheduler"], workers) as cluster:
        document = _run(asked, cluster, only_estimate=options["only_estimate"])
    if options["as_json"]:
        print_json(document)
    elif not options["only_estimate"]:
        _show(document)


def _study(spec: StudySpec, settings: Settings, folder: Path, cache: Path) -> Study:
    from market_making.recording.store.tick_store import TickStore
    from market_making.replay.bot.lags import Lags
    from market_making.replay.study.study import Study
    from market_making.replay.study.trials import ReplayRunner
    from market_making.replay.study.units import units_of
    from market_making.trading.freqtrade.parameter_files import dimensions_of
    from market_making.trading.search_space import narrowed

    dimensions = narrowed(dimensions_of(spec.strategy, settings, user_data()), spec.parameters)
    units = units_of(TickStore(settings.market_data, settings.venue), spec.coins, *spec.bounds_ms)
    delay_ms = round(spec.delay_s * 1e3)
    lags = Lags(feed_ms=delay_ms, entry_ms=delay_ms, response_ms=delay_ms, period_ms=round(spec.period_s * 1e3))
    model_of = partial(_model, spec.strategy, user_data().absolute())
    runner = ReplayRunner(settings, model_of, cache.absolute(), lags, spec.engine, spec.two_sided)
    return Study(spec, dimensions, units, runner, folder)


def _model(name: str, folder: Path, settings: Settings, setting: dict[str, Any]) -> StrategyModel:
    """The strategy with a setting; workers call it."""
    from market_making.trading.freqtrade.strategy_model import load_model

    logging.getLogger("freqtrade").setLevel(logging.WARNING)
    return load_model(name, settings, setting, folder)


def _run(study: Study, cluster: Cluster, *, only_estimate: bool) -> dict[str, Any]:
    """Prepare, estimate, search, judge, write; return the document."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console) as bar:
        task = bar.add_task("preparing", total=1.0)
        study, prepared, left_out = study.prepared(
            cluster, lambda text, share: bar.update(task, description=text, completed=share)
        )
        for told in left_out:
            console.print(told, markup=False)
        folds = study.folds
        estimate = study.estimate(cluster)
        console.print(
            f"{study.spec.strategy}: {len(folds)} folds, {study.spec.trials} trials each, {study.left_s() / 86400:.2f} "
            f"days of market to replay; about {estimate:.3g} core-hours on {cluster.workers} workers "
            f"(preparing took {prepared:.2g})"
        )
        if only_estimate:
            return {"estimate_core_hours": estimate, "prepared_core_hours": prepared, "folds": len(folds)}
        judged: list[Judged] = []
        before_s = study.spent_s()
        for fold in study.run(cluster, lambda text, share: bar.update(task, description=text, completed=share)):
            judged.append(fold)
            _write(study, judged)
    return _finished(study, judged, estimate, (study.spent_s() - before_s) / 3600)


def _write(study: Study, judged: list[Judged]) -> None:
    from market_making.replay.study.report import write_tables
    from market_making.trading.freqtrade.parameter_files import write_parameters

    write_tables(judged, study.folder)
    file = study.folder / f"{study.spec.strategy}.json"
    write_parameters(file, study.spec.strategy, judged[-1].winner.setting, study.dimensions)


def _finished(study: Study, judged: list[Judged], estimate: float, spent: float) -> dict[str, Any]:
    from market_making.replay.study.report import document, write_document

    try:
        plots_of("market_making.replay.study.study_plot").plot_study(study, judged, study.folder / _PICTURE)
    except ConfigurationError as error:  # hours of search are not lost for a picture
        logging.getLogger(__name__).warning("no picture: %s", error)
    found = document(study, judged, estimate, spent)
    write_document(found, study.folder)
    return found


def _show(document: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("later days", "trials", "failed", "winner/h", "present/h", "less", "±", "winner", box=None)
    for fold in [*document["folds"], document["held_out"] | {"held_out": ["together"]}]:
        low, high = fold["difference_low"], fold["difference_high"]
        table.add_row(
            fold["held_out"][0], f"{fold.get('trials', '')}", f"{fold.get('failed', '')}",
            f"{fold['net_per_hour']:+.3f}", f"{fold['present_per_hour']:+.3f}", f"{fold['difference']:+.3f}",
            "" if low is None else f"{(high - low) / 2:.3f}",
            ", ".join(f"{name}={value}" for name, value in fold.get("parameters", {}).items()),
        )  # fmt: skip
    console.print(table)
    for error in document["errors"]:
        console.print(f"a trial failed: {error}")
    if not any(fold["searched_fills"] for fold in document["folds"]):
        console.print("No winner was filled on the days of its search: the study tells nothing. Take more days.")
    console.print(
        f"{document['core_hours']:.3g} core-hours. In {document['folder']}: the winner of the last fold as "
        f"{document['strategy']}.json, trials.parquet, held_out.parquet and {_PICTURE}. A bot starts with the winner "
        "when that file lies beside its strategy."
    )
