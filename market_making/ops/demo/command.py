"""`mm demo`: run the whole product and print what it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from market_making.ops.commands.options import json_option, print_json, with_options
from market_making.recording.store.presence import require_folders

if TYPE_CHECKING:
    from rich.console import Console

    from market_making.ops.demo.run import DemoOptions
    from market_making.ops.demo.schedule import Schedule

_MINUTES = 4.0
_VENUE = "hyperliquid"
Report = Callable[[str, float], None]


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
    click.option(
        "--compare", is_flag=True,
        help="Trade the same market three times at once: without the edge, with it, with edge and guard.",
    ),
    click.option(
        "--two-sided", is_flag=True, help="Two bots on two accounts, which rest a bid and an ask together."
    ),
    json_option,
)  # fmt: skip
def demo(*, minutes: float, recording: Path | None, coins: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Run the whole product on this machine, with no key and no network, and print a summary.

    Status 0 only if calibrations were published, quotes rested, fills happened, every quote was post-only and nothing
    was left open.
    """
    seed, faults = options["seed"], options["faults"]
    if faults is not None:
        from market_making.venue.faults.presets import read_faults

        read_faults(faults)  # an unknown name is refused before anything is started
    schedule = schedule_of(recording, coins, minutes)
    from rich.console import Console

    from market_making.ops.demo.progress import progress_on
    from market_making.ops.demo.run import DemoOptions
    from market_making.ops.demo.signals import ended_by_signals

    if options["compare"] and options["two_sided"]:
        raise click.UsageError("--compare and --two-sided are two demos: leave one out.")
    console = Console(stderr=True)
    if schedule.shortened:
        console.print(schedule.shortened, highlight=False)
    play = _play_comparison if options["compare"] else _play_two_sided if options["two_sided"] else _play
    with ended_by_signals(), progress_on(console) as report:
        played = play(DemoOptions(schedule, coins, seed, recording, faults), console, report)
    if as_json:
        print_json(played.summary)
    else:
        played.show(Console())
    if played.summary["failures"]:
        raise SystemExit(1)


class Played(NamedTuple):
    """What a demo has shown: its summary, and how to print it."""

    summary: dict[str, Any]
    show: Callable[[Console], None]


def _play(options: DemoOptions, console: Console, report: Report) -> Played:
    """Run one bot."""
    from market_making.ops.demo.run import Demo
    from market_making.ops.demo.summary import show_places, show_summary, summarise

    run = Demo(options, report)
    show_places(console, run)
    seen = run.run()
    summary = summarise(run, seen)
    return Played(summary, lambda screen: show_summary(screen, run, seen, summary))


def _play_comparison(options: DemoOptions, console: Console, report: Report) -> Played:
    """Run several bots on the same market."""
    from market_making.ops.demo.compared import show_comparison, summarise_comparison
    from market_making.ops.demo.comparison import lively_comparison

    run = lively_comparison(options, report)
    console.print(f"logs of all programs: {run.files.logs}", highlight=False, soft_wrap=True)
    run.run()
    summary = summarise_comparison(run)
    return Played(summary, lambda screen: show_comparison(screen, run, summary))


def _play_two_sided(options: DemoOptions, console: Console, report: Report) -> Played:
    """Run two bots on two accounts, and the guard."""
    from market_making.ops.demo.two_sided import TwoSidedDemo
    from market_making.ops.demo.two_sided_summary import show_legs, show_places, summarise_legs

    run = TwoSidedDemo(options, report)
    show_places(console, run)
    summary = summarise_legs(run, run.run())
    return Played(summary, lambda screen: show_legs(screen, run, summary))


def schedule_of(recording: Path | None, coins: tuple[str, ...], minutes: float) -> Schedule:
    """How long everything lasts; a coin that was not recorded, or too short, is refused before anything is started."""
    if recording is not None:
        require_folders(recording, _VENUE, coins)
    from market_making.ops.demo.schedule import Schedule

    if recording is None:
        return Schedule(minutes)
    from market_making.venue.markets.recording import RecordingSource

    source = RecordingSource(recording, coins)
    return Schedule.of_recording(source.duration_s, minutes, f"{recording}: {', '.join(coins)}")
