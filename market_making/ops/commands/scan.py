"""`mm scan`: what quoting each coin would earn per hour, how sure that is, and which coins to leave alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calibration.scanning import MINIMUM_PER_HOUR
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

if TYPE_CHECKING:
    from calibration.scanning.candidates import Candidate, Unknown
    from market_making.settings.settings import Settings


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
        help="What a coin must earn per hour.",
    ),
    coins_option,
    plot_option,
    config_option,
    json_option,
)  # fmt: skip
def scan_command(**options: Any) -> None:
    """Rank coins by what a maker is expected to earn there, and say why the others are refused."""
    check_picture(options["plot"])
    settings = _settings(options)
    from calibration.scanning.scan import scan

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
        from market_making.ops.commands.scan_tables import show_ranking

        show_ranking(prospects, settings, source)
    if all(prospect.figures is None for prospect in prospects):
        raise NotEnoughData(f"none of {len(prospects)} coins in {source} could be evaluated")


def _settings(options: dict[str, Any]) -> Settings:
    if options["data"] and options["parameters"]:
        raise ConfigurationError("give either --data or --parameters")
    settings = load_settings(options["configs"], market_data=options["data"], parameters=options["parameters"])
    if not options["data"] and not any(settings.parameters.glob("*.json")):
        raise _nothing_in(str(settings.parameters))
    if options["fee"] is None:
        from calibration.fee_tier import FeeTier

        tier = FeeTier(settings)
        tier.ask()
        return tier.settings
    return settings.with_maker_fee(options["fee"] / 1e4)


def _found(settings: Settings, options: dict[str, Any]) -> tuple[list[Candidate | Unknown], str]:
    """The coins, and where they come from."""
    from calibration.scanning.candidates import candidates_from_files, candidates_from_store

    if options["data"]:
        from rich.progress import Progress

        source = str(settings.market_data)
        with Progress(transient=True, disable=options["as_json"]) as progress:
            task = progress.add_task("calibrating", total=1.0)
            found = candidates_from_store(
                options["coins"], settings, lambda share: progress.update(task, completed=share)
            )
    else:
        found, source = candidates_from_files(options["coins"], settings, now_ms()), str(settings.parameters)
    if not found:
        raise _nothing_in(source)
    return found, source


def _nothing_in(source: str) -> NotEnoughData:
    return NotEnoughData(f"0 coins to scan in {source}; record and calibrate first, or name a store with --data")
