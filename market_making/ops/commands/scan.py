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
    from calibration.scanning.candidates import Candidate, TermsOf, Unknown
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
        help="Maker fee on every market [bps].  [default: what the account pays on each, or the configuration's]",
    ),
    click.option("--fee-tiers", is_flag=True, help="Say from which volume of 14 days on each coin would pay."),
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
    settings, terms_of = _settings(options)
    from calibration.scanning.scan import scan

    found, source = _found(settings, options, terms_of)
    prospects = scan(found, settings, options["minimum"])
    from market_making.hyperliquid.fees import TIERS

    fee_bps = round(1e4 * settings.model.maker_fee, 9)
    if options["plot"]:
        draw_scan(prospects, fee_bps, options["plot"])
    if options["as_json"]:
        print_json(
            {
                "source": source,
                "fee_bps": fee_bps,
                "fee_tiers": [
                    {"volume": tier.volume, "maker_fee_bps": 1e4 * tier.fees.on_main().maker} for tier in TIERS
                ],
                "minimum_per_hour": options["minimum"],
                "order_notional": settings.model.order_notional,
                "maximum_inventory": settings.model.maximum_inventory,
                "coins": [prospect.document() for prospect in prospects],
            }
        )
    else:
        from market_making.ops.commands.scan_tables import show_ranking

        show_ranking(prospects, settings, source, with_tiers=options["fee_tiers"])
    if all(prospect.figures is None for prospect in prospects):
        raise NotEnoughData(f"none of {len(prospects)} coins in {source} could be evaluated")


def _settings(options: dict[str, Any]) -> tuple[Settings, TermsOf]:
    """The settings, and what trading costs on each market."""
    if options["data"] and options["parameters"]:
        raise ConfigurationError("give either --data or --parameters")
    settings = load_settings(options["configs"], market_data=options["data"], parameters=options["parameters"])
    if not options["data"] and not any(settings.parameters.glob("*.json")):
        raise _nothing_in(str(settings.parameters))
    from calibration.market_terms import terms_at
    from calibration.scanning.candidates import usual_terms

    if options["fee"] is None:
        from calibration.fee_tier import FeeTier

        tier = FeeTier(settings)
        tier.ask()
        return tier.settings, terms_at(tier)
    return settings.with_maker_fee(options["fee"] / 1e4), usual_terms


def _found(settings: Settings, options: dict[str, Any], terms_of: TermsOf) -> tuple[list[Candidate | Unknown], str]:
    """The coins, and where they come from."""
    from calibration.scanning.candidates import candidates_from_files, candidates_from_store

    if options["data"]:
        from rich.progress import Progress

        from market_making.trading.timing import recorded_timing

        timing = recorded_timing(settings.decisions, settings.edge)
        source = str(settings.market_data)
        with Progress(transient=True, disable=options["as_json"]) as progress:
            task = progress.add_task("calibrating", total=1.0)
            found = candidates_from_store(
                options["coins"], settings, lambda share: progress.update(task, completed=share), terms_of, timing
            )
    else:
        found, source = candidates_from_files(options["coins"], settings, now_ms(), terms_of), str(settings.parameters)
    if not found:
        raise _nothing_in(source)
    return found, source


def _nothing_in(source: str) -> NotEnoughData:
    return NotEnoughData(f"0 coins to scan in {source}; record and calibrate first, or name a store with --data")
