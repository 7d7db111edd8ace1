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
    json_option,
)
def check(configs: tuple[Path, ...], force: tuple[str, ...], *, as_json: bool) -> None:
    """Check account, fees, limits, clock and configuration; status 4 and the reasons if it is not safe to start."""
    from market_making.preflight.checks import check_all
    from market_making.preflight.outcome import is_safe, overridden

    outcomes = check_all(_subject(configs or (user_data() / "config.json",)))
    safe, forced = is_safe(outcomes, force), list(overridden(outcomes, force))
    for each in forced:
        log.warning("forced: %s %s: %s", each.name, each.result, each.reason)
    if as_json:
        names = [each.name for each in forced]
        print_json({"ok": safe, "checks": [asdict(each) for each in outcomes], "overridden": names})
    else:
        _show(outcomes, safe=safe)
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
    )


def _as_freqtrade_loads(files: tuple[Path, ...]) -> dict[str, Any]:
    """Let a process of its own load the strategy; what it says when it fails is a refusal too."""
    command = [sys.executable, "-m", "market_making.trading.freqtrade.loading", str(user_data()), *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if ended.returncode != 0:
        return {"refusals": [ended.stderr.strip().splitlines()[-1]], "stoploss": None}
    found: dict[str, Any] = orjson.loads(ended.stdout)
    return found


def _show(outcomes: list[Outcome], *, safe: bool) -> None:
    colours = {"passed": "green", "failed": "red", "unknown": "yellow"}
    for each in outcomes:
        click.echo(f"{click.style(f'{each.result:8s}', fg=colours[each.result])} {each.name}: {each.reason}")
        if each.remedy:
            click.echo(f"{'':9s}→ {each.remedy}")
    click.echo("safe to start" if safe else "not safe to start: mend what did not pass, or accept it with --force NAME")
