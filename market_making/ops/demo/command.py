"""`mm demo`: run the whole product and print what it did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from market_making.ops.commands.options import json_option, print_json, with_options
from market_making.recording.store.presence import require_folders

if TYPE_CHECKING:
    from market_making.ops.demo.schedule import Schedule

_MINUTES = 4.0
_VENUE = "hyperliquid"


@click.command()
@with_options(
    click.option(
        "--minutes", type=click.FloatRange(min=0, min_open=True), default=_MINUTES, show_default=True,
        help="How long the bot trades.",
    ),
    click.option(
        "--recording", type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Play this tick store, not a simulated market.",
    ),
    click.option(
        "--coin", "coins", multiple=True, default=("ETH",), show_default=True, help="A coin; repeat for several."
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of the simulated market."
    ),
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
    if faults is not None:
        from market_making.venue.faults.presets import read_faults

        read_faults(faults)  # a name nobody knows is told of before anything is started
    schedule = _schedule(recording, coins, minutes)
    from rich.console import Console

    from market_making.ops.demo.progress import progress_on
    from market_making.ops.demo.run import Demo, DemoOptions
    from market_making.ops.demo.signals import ended_by_signals
    from market_making.ops.demo.summary import show_places, show_summary, summarise

    console = Console(stderr=True)
    if schedule.shortened:
        console.print(schedule.shortened, highlight=False)
    with ended_by_signals(), progress_on(console) as report:
        run = Demo(DemoOptions(schedule, coins, seed, recording, faults), report)
        show_places(console, run)
        seen = run.run()
    summary = summarise(run, seen)
    if as_json:
        print_json(summary)
    else:
        show_summary(Console(), run, seen, summary)
    if summary["failures"]:
        raise SystemExit(1)


def _schedule(recording: Path | None, coins: tuple[str, ...], minutes: float) -> Schedule:
    """How long everything lasts; a coin that was not recorded, or too short, is told of before anything is started."""
    if recording is not None:
        require_folders(recording, _VENUE, coins)
    from market_making.ops.demo.schedule import Schedule

    if recording is None:
        return Schedule(minutes)
    from market_making.venue.markets.recording import RecordingSource

    source = RecordingSource(recording, coins)
    return Schedule.of_recording(source.duration_s, minutes, f"{recording}: {', '.join(coins)}")
