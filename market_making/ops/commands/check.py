"""`mm check`: whether it is safe to start a bot with this configuration."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from market_making.ops.commands.options import (
    as_typed,
    config_option,
    json_option,
    load_settings,
    now_ms,
    print_json,
    user_data,
    with_options,
)

if TYPE_CHECKING:
    from market_making.preflight.outcome import Outcome
    from market_making.preflight.subject import Subject

log = logging.getLogger(__name__)
_UNSAFE = 4


@click.command()
@with_options(
    click.option("--force", multiple=True, metavar="NAME", help="Go on although this check did not pass; logged."),
    config_option,
    click.option(
        "--bot", "bots", multiple=True, help="Configuration files of one of several bots: FILE,FILE,…; repeat for each."
    ),
    json_option,
)
def check(configs: tuple[Path, ...], bots: tuple[str, ...], force: tuple[str, ...], *, as_json: bool) -> None:
    """Check account, fees, limits, clock and configuration; status 4 and the reasons if it is not safe to start.

    With --bot, as for two legs, each bot is checked, and whether they keep out of each other's way.
    """
    from market_making.preflight.checks import check_all
    from market_making.preflight.leg_checks import checks_of_several
    from market_making.preflight.outcome import is_safe, overridden

    base = configs or (user_data() / "config.json",)
    groups = [(*base, *map(Path, bot.split(","))) for bot in bots] or [base]
    subjects = [_subject(files) for files in groups]
    names = [str(subject.config.get("bot_name", "freqtrade")) for subject in subjects]
    if len(set(names)) < len(names):
        names = [f"{name} {number}" for number, name in enumerate(names, 1)]
    checked = dict(zip(names, map(check_all, subjects), strict=True))
    if bots:
        checked["together"] = list(checks_of_several(subjects))
    outcomes = [each for found in checked.values() for each in found]
    safe, forced = is_safe(outcomes, force), list(overridden(outcomes, force))
    for each in forced:
        log.warning("forced: %s %s: %s", each.name, each.result, each.reason)
    if as_json:
        names = [each.name for each in forced]
        checks = [{"bot": bot, **asdict(each)} for bot, found in checked.items() for each in found]
        print_json({"ok": safe, "checks": checks, "overridden": names})
    else:
        _show(checked, safe=safe)
    if not safe:
        raise SystemExit(_UNSAFE)


def _subject(files: tuple[Path, ...]) -> Subject:
    from market_making.preflight.subject import Subject, answers_of
    from market_making.settings.files import load_all

    settings = load_settings(files)
    loaded = _as_freqtrade_loads(files)
    answers, offset, error = asyncio.run(answers_of(settings))
    return Subject(
        config={"stoploss": loaded["stoploss"]} | load_all(files),
        settings=settings,
        now_ms=now_ms(),
        refusals=tuple(loaded["refusals"]),
        answers=answers,
        clock_offset_ms=offset,
        network_error=error,
        as_typed=as_typed(),
    )


def _as_freqtrade_loads(files: tuple[Path, ...]) -> dict[str, Any]:
    """Let a process of its own load the strategy; what it says when it fails is a refusal too."""
    command = [sys.executable, "-m", "market_making.trading.freqtrade.loading", str(user_data()), *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if ended.returncode != 0:
        return {"refusals": [ended.stderr.strip().splitlines()[-1]], "stoploss": None}
    found: dict[str, Any] = orjson.loads(ended.stdout)
    return found


def _show(checked: dict[str, list[Outcome]], *, safe: bool) -> None:
    colours = {"passed": "green", "failed": "red", "unknown": "yellow"}
    for bot, outcomes in checked.items():
        if len(checked) > 1:
            click.echo(click.style(bot, bold=True))
        for each in outcomes:
            click.echo(f"{click.style(f'{each.result:8s}', fg=colours[each.result])} {each.name}: {each.reason}")
            if each.remedy:
                click.echo(f"{'':9s}→ {each.remedy}")
    click.echo("safe to start" if safe else "not safe to start: mend what did not pass, or accept it with --force NAME")
