"""`mm replay`: a strategy over recorded ticks, with the loop, the desk and the rules that trade live."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import config_option, json_option, print_json, with_options
from market_making.ops.commands.replaying import (
    cache_option,
    calibrations_option,
    engine_of,
    engine_options,
    is_two_sided,
    lags_of,
    pair_of,
    reading_of,
    recording_options,
    settings_of,
    two_sided_option,
    with_edge,
)
from market_making.ops.commands.variants import variant_of
from market_making.recording.store.presence import require_folders

if TYPE_CHECKING:
    from collections.abc import Callable

    from market_making.replay.accounts.accounts import Accounts
    from market_making.replay.bot.lags import LagProfile
    from market_making.replay.result import ReplayResult
    from market_making.settings.settings import Settings
    from market_making.trading.strategy_model import StrategyModel


@click.command("replay")
@with_options(
    click.option("--strategy", default="MarketMaking", show_default=True, help="Name of the class."),
    click.option("--coin", required=True, help="The coin."),
    recording_options,
    two_sided_option,
    click.option(
        "--all-levels", is_flag=True, help="Rest all levels of a ladder or all tiers on both sides, not one of them."
    ),
    click.option(
        "--edge/--no-edge",
        default=None,
        help="All of market_making.edge, or stock Freqtrade's loop.  [default: as configured]",
    ),
    click.option("--guard/--no-guard", default=False, show_default=True, help="A quote guard beside the bot."),
    click.option(
        "--funding",
        type=float,
        default=0.0,
        show_default=True,
        help="Share of the value that longs pay at each full hour.",
    ),
    click.option("--parameter", "chosen", multiple=True, metavar="NAME=VALUE", help="A parameter of the strategy."),
    calibrations_option,
    engine_options,
    click.option(
        "--desk",
        type=click.Choice(("python", "compiled")),
        default="python",
        show_default=True,
        help="The bot's own desk, or the same compiled for long recordings: MarketMaking, DepthAware on hftbacktest.",
    ),
    cache_option,
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
    settings, lags = with_edge(settings_of(options), options["edge"]), lags_of(options)
    parameters = dict(pair_of(text) for text in options["chosen"])
    require_folders(settings.market_data, settings.venue, (options["coin"],))
    from calibration.fee_tier import FeeTier
    from market_making.replay.accounts.accounts import Accounts
    from market_making.replay.accounts.summary import document

    result = _run(FeeTier(settings).settings_of(options["coin"]), parameters, lags, options)
    accounts = Accounts(result)
    if options["report"] is not None:
        from market_making.replay.accounts.tearsheet import write_tearsheet

        write_tearsheet(accounts, options["report"])
    if options["as_json"]:
        print_json(document(accounts) | {"withheld": _withheld(result)})
        return
    _show(accounts, result)


def _run(
    settings: Settings, parameters: dict[str, str], lags: Callable[[], LagProfile], options: dict[str, Any]
) -> ReplayResult:
    from rich.console import Console

    from market_making.ops.commands.guarding import quote_rules
    from market_making.replay.bot.run import ReplaySetup

    logging.getLogger("freqtrade").setLevel(logging.WARNING)
    variant = variant_of(options["strategy"], settings, parameters, all_levels=options["all_levels"])
    if variant.all_levels:
        _require_one_account(options)
    model, two_sided = variant.model, is_two_sided(settings, options)
    if options["desk"] == "compiled":
        _require_compilable(model, options, two_sided=two_sided)
    with Console(stderr=True).status(f"reading {options['coin']}"):
        prepared, history = reading_of(settings, options["coin"], options)
        if options["desk"] == "compiled":
            from market_making.replay.fast_desk.run import FastSetup, fast_replay

            fast = FastSetup((model,), prepared.instrument, history, lags, options["funding"], two_sided=two_sided)
            return fast_replay(fast, prepared.tapes)[0]
        setup = ReplaySetup(
            model,
            prepared.instrument,
            history,
            engine_of(options["engine"]),
            lags,
            two_sided=two_sided,
            funding_rate=options["funding"],
            guard=quote_rules(settings) if options["guard"] else None,
        )
        return variant.replay(setup, prepared.tapes)


def _require_one_account(options: dict[str, Any]) -> None:
    """Refuse what is made for a bot with one order.

    Raises
    ------
    ConfigurationError
        If it was asked for.
    """
    because = {
        "--two-sided": bool(options["two_sided"]),
        "--guard": options["guard"],
        "--desk compiled": options["desk"] == "compiled",
    }
    if asked := [words for words, is_asked in because.items() if is_asked]:
        raise ConfigurationError(
            f"--all-levels must be given without {', '.join(asked)}: it quotes both sides from one account, unguarded"
        )


def _require_compilable(model: StrategyModel, options: dict[str, Any], *, two_sided: bool) -> None:
    """Refuse what the compiled desk would do otherwise than the bot.

    Raises
    ------
    ConfigurationError
        If it is not made for this run.
    """
    from market_making.replay.fast_desk.preparing import why_not

    because = {
        "--engine hftbacktest": options["engine"] != "hftbacktest",
        "no --guard": options["guard"],
    }
    if asked := [words for words, is_missing in because.items() if is_missing]:
        raise ConfigurationError(f"--desk compiled must be given with {', '.join(asked)}; or take --desk python")
    why = why_not(model, two_sided=two_sided)
    if why is not None:
        raise ConfigurationError(f"--desk compiled must be given a model it knows: {why}; take --desk python")


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
