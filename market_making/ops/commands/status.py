"""`mm status`: the whole system on one screen, as its programs have written it into their state files."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import click

from market_making.ops.commands.collect import data_option
from market_making.ops.commands.options import (
    commands_as_typed,
    config_option,
    json_option,
    load_settings,
    now_ms,
    print_json,
    with_options,
)

if TYPE_CHECKING:
    from rich.console import Console

    from market_making.recording.collection.status import StoreStatus
    from market_making.safety.overview import Commands, Overview
    from market_making.settings.settings import Settings

_ALARM = 4  # exit status while one holds
_LOOK_EVERY_S = 1.0
_STORE_EVERY_S = 15.0  # it reads the footers of a day's files


@click.command()
@with_options(
    click.option("--venue", help="Name of the venue in the store."),
    data_option,
    click.option("--watch", is_flag=True, help="Look again every second until Ctrl-C."),
    config_option,
    json_option,
)
def status(*, as_json: bool, watch: bool, **options: Any) -> None:
    """Show who runs, what is the matter, what to do, and what is recorded.

    Exit status 4 while an alarm holds.
    """
    if watch and as_json:
        raise click.UsageError("--watch is for a screen, --json for a program: leave one out.")
    settings = load_settings(options["configs"], venue=options["venue"], market_data=options["data"])
    commands = commands_as_typed(options["configs"])
    seen = _print_json(settings, commands) if as_json else _show(settings, commands, watch=watch)
    click.get_current_context().exit(_ALARM if seen.has_alarm else 0)


def _look(settings: Settings, commands: Commands) -> Overview:
    from market_making.safety.overview import look

    return look(settings.state, settings.venue, now_ms(), commands)


def _store(settings: Settings) -> StoreStatus:
    from market_making.recording.collection.collector_state import living_collector
    from market_making.recording.collection.status import store_status

    collector = living_collector(settings.state, settings.venue, now_ms())
    return store_status(settings.market_data, settings.venue, now_ms=now_ms(), collector=collector)


def _print_json(settings: Settings, commands: Commands) -> Overview:
    from market_making.ops.commands.status_document import as_document

    seen = _look(settings, commands)
    print_json(as_document(seen, _store(settings), settings.venue))
    return seen


def _show(settings: Settings, commands: Commands, *, watch: bool) -> Overview:
    from rich.console import Console

    from market_making.ops.commands.status_screen import screen

    if watch:
        return _watch(settings, commands, Console())
    seen = _look(settings, commands)
    Console().print(screen(seen, _store(settings), settings.venue, str(settings.market_data)))
    return seen


def _watch(settings: Settings, commands: Commands, console: Console) -> Overview:
    """Look until Ctrl-C; return what was seen last. What is no terminal gets one screen after another."""
    from rich.live import Live

    from market_making.ops.commands.status_screen import screen

    seen = _look(settings, commands)
    screens = Live(console=console, auto_refresh=False, screen=True) if console.is_terminal else nullcontext()
    with suppress(KeyboardInterrupt), screens as live:
        store, read_s = _store(settings), time.monotonic()
        while True:
            shown = screen(seen, store, settings.venue, str(settings.market_data))
            console.print(shown) if live is None else live.update(shown, refresh=True)
            time.sleep(_LOOK_EVERY_S)
            seen = _look(settings, commands)
            if time.monotonic() - read_s > _STORE_EVERY_S:
                store, read_s = _store(settings), time.monotonic()
    return seen
