"""`mm dashboard`: the page."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import (
    commands_as_typed,
    config_option,
    json_option,
    load_settings,
    print_json,
    with_options,
)
from market_making.safety.claim import port_fault


@click.command()
@with_options(
    click.option("--port", type=click.IntRange(1, 65535), default=8090, show_default=True, help="Where it answers."),
    click.option(
        "--address",
        default="127.0.0.1",
        show_default=True,
        help="Where it listens; 0.0.0.0 only inside a container whose port is published on 127.0.0.1.",
    ),
    click.option("--name", "names", multiple=True, help="Another name than 127.0.0.1 or localhost to be called by."),
    config_option,
    json_option,
)
def dashboard(configs: tuple[Path, ...], port: int, address: str, names: tuple[str, ...], *, as_json: bool) -> None:
    """Serve the page that shows every bot, why its quotes are where they are, and what is the matter.

    It only reads: state files, decision logs, calibrations, and tear-sheets in user_data/replays. The same numbers are
    at /metrics for Prometheus (monitoring/).
    """
    settings = load_settings(configs)
    from market_making.dashboard.server import PageServer
    from market_making.dashboard.watcher import Watcher

    if fault := port_fault(address, port):
        raise ConfigurationError(f"--port must be free, got {port} on {address}: {fault}")
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    url = f"http://127.0.0.1:{port}"
    if as_json:
        print_json({"url": url, "state": str(settings.state)})
    else:
        click.echo(f"{url} shows what is in {settings.state}; Ctrl-C ends it")
    PageServer(
        settings, address, port, names=names, watcher=Watcher(settings, commands=commands_as_typed(configs))
    ).run()
