"""`mm verify`: the targets of a user, held against a replay of days on which nothing was tuned."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import config_option, json_option, print_json, user_data, with_options
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
)
from market_making.recording.store.presence import require_folders

if TYPE_CHECKING:
    from collections.abc import Callable

    from market_making.replay.bot.lags import LagProfile
    from market_making.replay.study.targets import Checked, Verdict
    from market_making.settings.settings import Settings
    from market_making.trading.strategy_model import StrategyModel

_USUAL = "MarketMaking"


@click.command()
@with_options(
    click.option("--coin", "coins", multiple=True, help="A coin; repeat for several.  [default: those of the study]"),
    click.option("--strategy", help=f"Name of the class.  [default: that of the study, or {_USUAL}]"),
    click.option("--parameter", "chosen", multiple=True, metavar="NAME=VALUE", help="A parameter of the strategy."),
    click.option(
        "--study", type=click.Path(path_type=Path, file_okay=False),
        help="Folder of a study, whose winner is verified on the days after its search.",
    ),
    click.option("--maker-ratio", type=click.FloatRange(0, 1), help="Share of the fills that must rest, at least."),
    click.option("--trades-per-day", type=click.FloatRange(min=0), help="Fills per day, at least."),
    click.option("--sharpe", type=float, help="Sharpe ratio per year, at least."),
    click.option("--drawdown", type=click.FloatRange(min=0), help="Largest fall of the money earned, at most."),
    click.option("--capture", "capture_bps", type=float, help="Spread captured [bps of volume], at least."),
    recording_options,
    two_sided_option,
    calibrations_option,
    engine_options,
    cache_option,
    config_option,
    json_option,
)  # fmt: skip
def verify(**options: Any) -> None:
    """Hold your targets against a replay of days on which nothing was tuned.

    Exit status 0 if all are met, 4 if one is missed, 3 if there is not enough data to tell. A target is met when the
    whole 95 % interval of what was measured meets it, and missed when none of it does.
    """
    logging.getLogger("freqtrade").setLevel(logging.WARNING)
    from market_making.replay.study.targets import TARGETS, together

    wanted = {name: options[name] for name in TARGETS if options[name] is not None}
    if not wanted:
        raise ConfigurationError("mm verify needs a target, such as --maker-ratio 0.95, got none")
    options = _with_study(options)
    settings, lags = settings_of(options), lags_of(options)
    require_folders(settings.market_data, settings.venue, options["coins"])
    checked = _checked(settings, wanted, lags, options)
    verdict = together(checked)
    if options["as_json"]:
        days = {"start_ms": options["start"], "end_ms": options["end"]}
        print_json({"verdict": str(verdict), "targets": [each.document() for each in checked]} | days)
    else:
        _show(checked, verdict, options)
    click.get_current_context().exit({"met": 0, "missed": 4}.get(str(verdict), 3))


def _with_study(options: dict[str, Any]) -> dict[str, Any]:
    """The options, with what the study says where nothing else is said.

    Raises
    ------
    ConfigurationError
        If days would be used on which the study has searched, or no coin is named.
    """
    found = dict(options) | {"values": dict(pair_of(text) for text in options["chosen"])}
    if options["study"] is not None:
        from market_making.replay.study.report import winner_of

        winner = winner_of(options["study"])
        if options["start"] is not None and options["start"] < winner.free_ms:
            raise ConfigurationError(f"--start must be after the days of the search, which end {winner.last_day}")
        found["start"] = winner.free_ms if options["start"] is None else options["start"]
        found["coins"] = options["coins"] or winner.coins
        found["strategy"] = options["strategy"] or winner.strategy
        found["values"] = winner.parameters | found["values"]
    if not found["coins"]:
        raise ConfigurationError("mm verify needs a --coin or a --study, got none")
    return found


def _checked(
    settings: Settings, wanted: dict[str, float], lags: Callable[[], LagProfile], options: dict[str, Any]
) -> list[Checked]:
    from rich.console import Console

    from calibration.fee_tier import FeeTier
    from market_making.replay.accounts.accounts import Accounts
    from market_making.replay.study.targets import check
    from market_making.trading.freqtrade.strategy_model import load_model

    found: list[Checked] = []
    tier = FeeTier(settings)
    with Console(stderr=True).status("reading") as status:
        for coin in options["coins"]:
            status.update(f"replaying {coin}")
            own = tier.settings_of(coin)
            model = load_model(options["strategy"] or _USUAL, own, options["values"], user_data())
            found += check(Accounts(_run(coin, own, model, lags, options)), wanted)
    return found


def _run(
    coin: str, settings: Settings, model: StrategyModel, lags: Callable[[], LagProfile], options: dict[str, Any]
) -> Any:
    from market_making.replay.bot.run import ReplaySetup, replay

    prepared, history = reading_of(settings, coin, options)
    two_sided = is_two_sided(settings, options)
    engine = engine_of(options["engine"])
    return replay(ReplaySetup(model, prepared.instrument, history, engine, lags, two_sided=two_sided), prepared.tapes)


def _show(checked: list[Checked], verdict: Verdict, options: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from market_making.replay.study.targets import Verdict as Verdicts
    from market_making.replay.study.targets import why_open

    console = Console()
    table = Table("coin", "target", "wanted", "measured", "95 %", "n", "", box=None)
    for each in checked:
        measured = each.measured
        interval = "" if measured.low is None or measured.high is None else f"{measured.low:.4g} … {measured.high:.4g}"
        sign = "≤" if each.name == "drawdown" else "≥"
        why = f": {why_open(each)}" if each.verdict is Verdicts.OPEN else ""
        table.add_row(
            each.coin, each.name, f"{sign} {each.wanted:g}", "" if measured.value is None else f"{measured.value:.4g}",
            interval, f"{measured.n}", f"{each.verdict}{why}",
        )  # fmt: skip
    console.print(table)
    if options["study"] is None:
        console.print("These days must be others than those on which the settings were found; --study sees to it.")
    console.print(f"together: {verdict}")
