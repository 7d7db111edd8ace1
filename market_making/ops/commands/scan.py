"""`mm scan`: what quoting each coin would earn an hour, how sure that is, and which coins to leave alone."""

from math import isfinite
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from calibration.fee_tier import FeeTier
from calibration.scanning.candidates import Candidate, Unknown, candidates_from_files, candidates_from_store
from calibration.scanning.prospect import Figures, Prospect
from calibration.scanning.scan import MINIMUM_PER_HOUR, scan
from market_making.market.errors import ConfigurationError, NotEnoughData
from market_making.ops.commands.options import (
    coins_option,
    config_option,
    json_option,
    load_settings,
    now_ms,
    print_json,
    with_options,
)
from market_making.ops.commands.plotting import check_picture, draw_scan, plot_option
from market_making.quoting.risk.toxicity import Regime
from market_making.settings.settings import Settings

_COLUMNS = (
    "coin", "net\nan hour", "95 %\ninterval", "noise\nan hour", "breaks\neven\n\\[bps]", "toxi-\ncity", "state",
    "quotes",
)  # fmt: skip
_STYLES = {Regime.QUOTE: "green", Regime.WIDEN: "yellow", Regime.PAUSE: "red"}


@click.command(name="scan")
@with_options(
    click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Calibrate from this tick store."),
    click.option(
        "--parameters", type=click.Path(path_type=Path, file_okay=False),
        help="Read published calibrations.  [default: those of the configuration]",
    ),
    click.option(
        "--fee", type=click.FloatRange(-100, 100),
        help="Maker fee [bps].  [default: the configuration's, or else that of the account's tier]",
    ),
    click.option(
        "--minimum", type=click.FloatRange(min=0), default=MINIMUM_PER_HOUR, show_default=True,
        help="What a coin must earn an hour.",
    ),
    coins_option,
    plot_option,
    config_option,
    json_option,
)  # fmt: skip
def scan_command(**options: Any) -> None:
    """Rank coins by what making their market is expected to earn; refuse, with the reason, those that cannot pay."""
    check_picture(options["plot"])
    settings = _settings(options)
    found, source = _found(settings, options)
    prospects = scan(found, settings, options["minimum"])
    fee_bps = round(1e4 * settings.model.maker_fee, 9)
    if options["plot"]:
        draw_scan(prospects, fee_bps, options["plot"])
    if options["as_json"]:
        print_json(
            {
                "source": source,
                "fee_bps": fee_bps,
                "minimum_per_hour": options["minimum"],
                "order_notional": settings.model.order_notional,
                "maximum_inventory": settings.model.maximum_inventory,
                "coins": [prospect.document() for prospect in prospects],
            }
        )
    else:
        _show(prospects, settings, source)
    if all(prospect.figures is None for prospect in prospects):
        raise NotEnoughData(f"none of {len(prospects)} coins in {source} could be evaluated")


def _settings(options: dict[str, Any]) -> Settings:
    if options["data"] and options["parameters"]:
        raise ConfigurationError("give either --data or --parameters")
    settings = load_settings(options["configs"], market_data=options["data"], parameters=options["parameters"])
    if options["fee"] is None:
        tier = FeeTier(settings)
        tier.ask()
        return tier.settings
    return settings.with_maker_fee(options["fee"] / 1e4)


def _found(settings: Settings, options: dict[str, Any]) -> tuple[list[Candidate | Unknown], str]:
    """The coins, and where they come from."""
    if options["data"]:
        source = str(settings.market_data)
        with Progress(transient=True, disable=options["as_json"]) as progress:
            task = progress.add_task("calibrating", total=1.0)
            found = candidates_from_store(
                options["coins"], settings, lambda share: progress.update(task, completed=share)
            )
    else:
        found, source = candidates_from_files(options["coins"], settings, now_ms()), str(settings.parameters)
    if not found:
        raise NotEnoughData(f"0 coins to scan in {source}; record and calibrate first, or name a store with --data")
    return found, source


def _show(prospects: list[Prospect], settings: Settings, source: str) -> None:
    console = Console()
    model = settings.model
    capital = (model.maximum_inventory + 1) * model.order_notional / settings.leverage
    console.print(
        f"Expected earnings of quoting both sides, {source}: maker fee {1e4 * model.maker_fee:g} bps, orders of "
        f"{model.order_notional:g}, at most {model.maximum_inventory} of them held,"
        f" capital {capital:g} a coin"
    )
    pays, refused = ([p for p in prospects if p.refused is answer] for answer in (False, True))
    if pays:
        console.print(_table(pays))
    else:
        console.print("[bold]No coin pays.[/bold]")
    if refused:
        console.print(_refused(refused))


def _table(prospects: list[Prospect]) -> Table:
    table = Table(*_COLUMNS, title=f"{len(prospects)} worth quoting", title_justify="left", box=SIMPLE_HEAD)
    for column in table.columns[:-1]:
        column.no_wrap = True
    for column in table.columns[1:-2]:
        column.justify = "right"
    table.collapse_padding = True
    for prospect in prospects:
        if prospect.figures:
            style = _STYLES[prospect.state]
            state = f"[{style}]{prospect.state}[/{style}]"
            table.add_row(prospect.coin, *_numbers(prospect.figures), state, prospect.reason)
    return table


def _numbers(figures: Figures) -> tuple[str, ...]:
    return (
        f"[bold]{figures.net_per_hour:.2f}[/bold]",
        f"{figures.low:.2f} … {figures.high:.2f}",
        f"± {figures.noise_per_hour:.2f}",
        _break_even(figures),
        f"{figures.toxicity:.2f}",
    )


def _refused(prospects: list[Prospect]) -> Table:
    table = Table(
        *("coin", "net\nan hour", "breaks\neven\n\\[bps]", "why not"),
        title=f"{len(prospects)} refused",
        title_justify="left",
        box=SIMPLE_HEAD,
        style="dim",
    )
    for column in table.columns[1:-1]:
        column.justify = "right"
    for prospect in prospects:
        figures = prospect.figures
        known = (f"{figures.net_per_hour:.2f}", _break_even(figures)) if figures else ("–", "–")
        table.add_row(prospect.coin, *known, prospect.reason)
    return table


def _break_even(figures: Figures) -> str:
    return f"{figures.break_even_fee_bps:.1f}" if isfinite(figures.break_even_fee_bps) else "–"
