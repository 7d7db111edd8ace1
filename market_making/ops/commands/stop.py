"""`mm stop`: the kill switch of every bot that uses this state folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import (
    as_typed,
    config_option,
    json_option,
    load_settings,
    now_ms,
    print_json,
    with_options,
)
from market_making.safety.claim import require_writable
from market_making.safety.kill_switch import FILE, Kill, read_kill, remove_kill, write_kill

if TYPE_CHECKING:
    from market_making.safety.notices import State

state_option = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), help="Folder of the state files and the kill switch."
)


@click.command()
@with_options(
    click.option("--flatten", is_flag=True, help="Also exit every position, reduce-only."),
    click.option("--resume", is_flag=True, help="Turn the switch off: the bots quote again."),
    state_option,
    config_option,
    json_option,
)
def stop(*, flatten: bool, resume: bool, **options: Any) -> None:
    """Cancel every order and open nothing, now and after any restart, until --resume.

    Every bot obeys in its next loop. `mm guard` cancels within seconds what a bot that sleeps cannot. Where neither
    runs nothing is cancelled, and that is said.
    """
    if flatten and resume:
        raise ConfigurationError("give either --flatten or --resume")
    folder = load_settings(options["configs"], state=options["state"]).state
    try:
        changed, kill = _resume(folder) if resume else _stop(folder, flatten=flatten)
    except PermissionError:
        require_writable(folder)  # says whose it is, and what helps
        raise
    obeyed_by = _obedient(folder)
    if options["as_json"]:
        told = {"killed": kill is not None, "flatten": kill is not None and kill.flatten, "changed": changed}
        more = {"since_ms": None if kill is None else kill.since_ms, "file": str(folder / FILE)}
        print_json(told | more | {"obeyed_by": obeyed_by})
        return
    state = "off: the bots quote again" if kill is None else f"on{', exiting positions' if kill.flatten else ''}"
    click.echo(f"kill switch {'now ' if changed else 'was already '}{state} ({folder / FILE})")
    if kill is not None and not obeyed_by:
        click.echo(f"no bot and no guard runs: nothing is cancelled or exited until one does: mm guard{as_typed()}")


def _obedient(folder: Path) -> list[str]:
    """Names of the bots and the guard that look at the switch: they have written lately, and have not ended."""
    from market_making.safety.findings import SILENT_MS
    from market_making.safety.overview import look, name_of

    seen = look(folder, "", now_ms())
    states: list[State] = [*seen.bots, *(state for state in seen.sidecars if state.kind == "guard")]
    return [name_of(one) for one in states if not one.stopped and seen.now_ms - one.written_ms <= SILENT_MS]


def _stop(folder: Path, *, flatten: bool) -> tuple[bool, Kill | None]:
    """Turn it on; a switch that exits positions is never weakened by a second command."""
    before = read_kill(folder)
    if before is not None and before.flatten >= flatten:
        return False, before
    kill = Kill(now_ms() if before is None else before.since_ms, flatten, "mm stop")
    write_kill(folder, kill)
    return True, kill


def _resume(folder: Path) -> tuple[bool, Kill | None]:
    return remove_kill(folder), read_kill(folder)
