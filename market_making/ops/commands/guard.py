"""`mm guard`: cancels what a slow, frozen or dead bot left standing."""

import asyncio
import logging
import signal
from pathlib import Path

import click

from market_making.guard.guard import Guard
from market_making.guard.options import GuardOptions
from market_making.market.errors import SafetyError
from market_making.ops.commands.guarding import guard_options
from market_making.ops.commands.options import (
    chosen_folder,
    config_option,
    json_option,
    print_json,
    user_data,
    with_options,
)
from market_making.safety.claim import require_writable
from market_making.safety.condition import Severity

log = logging.getLogger(__name__)


@click.command()
@with_options(
    config_option,
    click.option(
        "--bot", "bots", multiple=True, help="Configuration files of one of several bots: FILE,FILE,…; repeat for each."
    ),
    click.option("--drill", is_flag=True, help="Prove it: freeze a bot on a local exchange, in about two minutes."),
    json_option,
)
def guard(*, configs: tuple[Path, ...], bots: tuple[str, ...], drill: bool, as_json: bool) -> None:
    """Watch every bot of this machine until stopped: cancel, tell, never place.

    It cancels the orders of a bot whose loop has not ended for 5 s, orders that no bot knows, and quotes that mid has
    come too close to. It signs with the key in MM_GUARD_KEY, or MM_GUARD_KEY_<BOT_NAME>, and without one with the
    bot's. Exit status 4 while an alarm is in force at the end.
    """
    if drill:
        _drill(as_json=as_json)
    else:
        _watch(configs, bots, as_json=as_json)


def _watch(configs: tuple[Path, ...], bots: tuple[str, ...], *, as_json: bool) -> None:
    base = list(configs) or [user_data() / "config.json"]
    groups = [[*configs, *(Path(name) for name in bot.split(","))] for bot in bots] or [base]
    options = guard_options(groups, chosen_folder())
    require_writable(options.state)
    for bot in options.bots:
        if bot.owns_key:
            log.warning("%s: the guard signs with the bot's own key; an API wallet of its own is better", bot.name)
    program = Guard(options)
    is_calm = asyncio.run(_run(program))
    if as_json:
        print_json(
            {
                "bots": [bot.name for bot in options.bots],
                "cancelled": sum(account.canceller.cancelled for account in program.accounts),
                "notices": program.alarms.notices,
            }
        )
    if not is_calm:
        raise SafetyError(
            "; ".join(notice.text for notice in program.alarms.notices if notice.severity == Severity.ALARM)
        )


def _drill(*, as_json: bool) -> None:
    from rich.console import Console

    from market_making.ops.demo.drill import rehearsed
    from market_making.ops.demo.progress import progress_on
    from market_making.ops.demo.signals import ended_by_signals

    with ended_by_signals(), progress_on(Console(stderr=True)) as report:
        steps = rehearsed(report)
    if as_json:
        print_json({"steps": [step._asdict() for step in steps], "passed": all(step.passed for step in steps)})
    else:
        for step in steps:
            limit = "" if step.took_s is None else f", allowed are {step.limit_s:.1f} s"
            click.echo(f"{'passed' if step.passed else 'FAILED'}  {step.name}: {step.detail}{limit}")
    if not all(step.passed for step in steps):
        raise SafetyError("the guard did not cancel in time; the logs are in user_data/demo")


async def _run(program: Guard) -> bool:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return await program.run(stopped, lambda: log.info("watching %s", _names(program.options)))


def _names(options: GuardOptions) -> str:
    return ", ".join(bot.name for bot in options.bots)
