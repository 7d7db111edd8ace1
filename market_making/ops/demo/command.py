"""`mm demo`: run the whole product and print what it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from market_making.ops.commands.options import json_option, print_json, with_options

if TYPE_CHECKING:
    from rich.progress import Progress

_MINUTES = 4.0


@click.command()
@with_options(
    click.option(
        "--minutes", type=click.FloatRange(min=0, min_open=True), default=_MINUTES, show_default=True,
        help="How long the bot trades.",
    ),
    click.option("--recording", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A tick store."),
    click.option("--coin", "coins", multiple=True, default=("ETH",), show_default=True, help="Repeat for several."),
    click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the simulated market."),
    click.option("--faults", metavar="NAME|FILE", help="What goes wrong at the exchange, as in `mm venue --faults`."),
    json_option,
)  # fmt: skip
def demo(
    minutes: float, recording: Path | None, coins: tuple[str, ...], seed: int, faults: str | None, *, as_json: bool
) -> None:
    """Run the whole product on this machine, with no key and no network, and print a summary.

    Status 0 only if calibrations were published, quotes rested, fills happened, every quote was post-only and nothing
    was left open.
    """
    if recording is not None:
        from market_making.recording.store.tick_store import TickStore

        store = TickStore(recording)
        for coin in coins:
            store.extent(coin)  # a coin that was not recorded is told of before anything is started
    if faults is not None:
        from market_making.venue.faults.presets import read_faults

        read_faults(faults)  # a name nobody knows is told of before anything is started
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from market_making.ops.demo.run import Demo, DemoOptions
    from market_making.ops.demo.summary import show_summary, summarise

    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
    ) as progress:
        run = Demo(DemoOptions(minutes, coins, seed, recording, faults), _reporter(progress))
        console.print(f"watch: [bold]{run.files.logs}[/bold] (logs), [bold]{run.files.parameters}[/bold] (parameters)")
        seen = run.run()
    summary = summarise(run, seen)
    if as_json:
        print_json(summary)
    else:
        show_summary(Console(), run, seen, summary)
    if summary["failures"]:
        raise SystemExit(1)


def _reporter(progress: Progress) -> Callable[[str, float], None]:
    task = progress.add_task("", total=1.0)

    def report(text: str, share: float) -> None:
        progress.update(task, description=text, completed=share)

    return report
