"""`mm calibrate`: the calibration service, one calibration, or a history of them; `mm schema`."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.clock import utc_text
from market_making.market.errors import ConfigurationError, NotEnoughData
from market_making.ops.commands.options import (
    Duration,
    Instant,
    coins_option,
    config_option,
    json_option,
    load_settings,
    now_ms,
    print_json,
    selection_of,
    with_options,
)
from market_making.ops.commands.plotting import check_picture, draw_calibration, plot_option
from market_making.safety.claim import require_writable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from calibration.publication.document import PublishedFairValue, PublishedLeader, PublishedShadow
    from calibration.publication.parameters import Parameters
    from market_making.market.selection import Selection
    from market_making.settings.settings import Settings

BACKFILL_EVERY_S = 15.0


@click.command()
@with_options(
    click.option("--once", is_flag=True, help="One calibration from the events up to --at."),
    click.option("--backfill", "history", is_flag=True, help="One history row every --every from --start to --end."),
    coins_option,
    click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Root of the tick store."),
    click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the parameter files."),
    click.option("--at", type=Instant(), help="End of the window.  [default: the newest event]"),
    click.option("--start", type=Instant(), help="First row.  [default: the oldest event]"),
    click.option("--end", type=Instant(), help="Last row.  [default: the newest event]"),
    click.option("--every", type=Duration(), help="Time between rows.  [default: 15s; of candles, their length]"),
    click.option(
        "--candles",
        type=click.Path(path_type=Path),
        help="With --backfill: guess from candles, not ticks.",
    ),
    click.option("--window", type=Duration(), help="Length of the window.  [default: 30m]"),
    plot_option,
    config_option,
    json_option,
)
def calibrate(**options: Any) -> None:
    """Publish λ, κ, ε and the quote table of each coin every 10 s, from the last 30 minutes, until stopped."""
    _refuse_strangers(options)
    check_picture(options["plot"])
    settings = _settings(options)
    if options["candles"]:
        from market_making.ops.commands.candle_history import backfill_from_candles

        backfill_from_candles(settings, options)
        return
    _require_one(settings.coins, options)
    if options["once"]:
        _once(settings, options)
    elif options["history"]:
        _backfill(settings, options)
    else:
        _serve(settings)


def _refuse_strangers(options: dict[str, Any]) -> None:
    """An option that another way of calibrating would use must not be passed over: it was meant."""
    if options["once"] and options["history"]:
        raise ConfigurationError("give either --once or --backfill")
    once, history = "--once", "--backfill"
    mode = once if options["once"] else history if options["history"] else "the service"
    uses = {
        "at": (once,),
        "plot": (once,),
        "start": (history,),
        "end": (history,),
        "every": (history,),
        "candles": (history,),
        "as_json": (once, history),
    }
    for name, modes in uses.items():
        if options[name] and mode not in modes:
            option = "--json" if name == "as_json" else f"--{name}"
            raise ConfigurationError(f"{option} goes with {' or '.join(modes)}, not with {mode}")


def _settings(options: dict[str, Any]) -> Settings:
    settings = load_settings(options["configs"], market_data=options["data"], parameters=options["out"])
    selection = selection_of(settings, options["coins"])
    if not selection.wanted:
        raise ConfigurationError("no coin to calibrate: name one with --coin or in the configuration's pair_whitelist")
    _require_one(options["coins"] or selection.wanted[:1], options)
    settings = settings.model_copy(update={"coins": _coins(settings, selection, options)})
    if options["window"] is None:
        return settings
    window = settings.calibration.model_copy(update={"window_s": options["window"]})
    return settings.model_copy(update={"calibration": window})


def _require_one(coins: Sequence[str], options: dict[str, Any]) -> None:
    if options["plot"] and len(coins) != 1:
        raise ConfigurationError(f"--plot draws one coin, these are {len(coins)}: name one with --coin")


def _coins(settings: Settings, selection: Selection, options: dict[str, Any]) -> tuple[str, ...]:
    """Folders of what is selected; the service finds them by itself, also those that begin to be recorded later."""
    if options["candles"]:
        if not selection.strict and not settings.coins:
            raise ConfigurationError("candles do not tell how the exchange writes a coin: name it with --coin")
        return selection.wanted
    if options["once"] or options["history"]:
        from market_making.recording.other_venues.recorded import recorded_coins

        return recorded_coins(settings.market_data, settings.venue, selection)
    return options["coins"] or settings.coins


def _serve(settings: Settings) -> None:
    from calibration.service import run_service
    from market_making.trading.timing import recorded_timing

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_service(settings, stop=stop, timing=partial(recorded_timing, settings.decisions, settings.edge))


def _once(settings: Settings, options: dict[str, Any]) -> None:
    from market_making.recording.store.tick_store import TickStore

    store = TickStore(settings.market_data, settings.venue)
    extents = {coin: store.extent(coin) for coin in settings.coins}  # a coin that was not recorded ends it here
    for coin, extent in extents.items():
        _require_recorded(coin, extent, (options["at"], options["at"]), settings)
    require_writable(settings.parameters)
    from calibration.backfill import calibrate_once
    from market_making.trading.timing import recorded_timing

    timing = recorded_timing(settings.decisions, settings.edge)
    published = [calibrate_once(coin, options["at"] or last, settings, timing) for coin, (_, last) in extents.items()]
    if options["plot"]:
        draw_calibration(published[0], settings, options["plot"])
    if options["as_json"]:
        documents = [parameters.model_dump(mode="json", by_alias=True) for parameters in published]
        print_json(documents[0] if len(documents) == 1 else documents)
        return
    for parameters in published:
        click.echo(_describe(parameters, settings.parameters))


def _require_recorded(
    coin: str, extent: tuple[int, int], asked: tuple[int | None, int | None], settings: Settings
) -> None:
    """Answer a time before or after everything that is recorded with what is."""
    (first, last), (start, end) = extent, asked
    last_window = last + settings.calibration.window_s * 1e3
    if (start is not None and start > last_window) or (end is not None and end < first):
        when = " to ".join(dict.fromkeys(utc_text(time) for time in asked if time is not None))
        raise NotEnoughData(f"{coin} is recorded from {utc_text(first)} to {utc_text(last)}, not at {when}")


def _describe(parameters: Parameters, folder: Path) -> str:
    lines = [
        f"{parameters.coin}: {parameters.quality.events} market orders in {parameters.window.exposure_s:.0f} s, "
        f"quality {parameters.quality.status} {' '.join(parameters.quality.flags)}",
    ]
    for direction in ("buy", "sell"):
        for name, estimate in getattr(parameters, direction):
            lines.append(
                f"  {direction:4s} {name:26s} {estimate.value:10.5g}  [{estimate.low:.5g}, {estimate.high:.5g}]"
                f"  n={estimate.n} {estimate.source}"
            )
    now = parameters.market.activity
    if now is not None:
        lines.append(f"  activity, against the mean of the window {now.value:.3g}  [{now.low:.3g}, {now.high:.3g}]")
    if parameters.shadow is not None:
        lines += _shadow_lines(parameters.shadow, 1e4 / parameters.market.mid)
    if parameters.fair_value is not None:
        lines += _anchor_lines(parameters.fair_value, 1e4 / parameters.market.mid)
    toxicity = parameters.regime
    lines.append(
        f"  regime {toxicity.state}: toxicity {toxicity.toxicity_buy:.2f} buy, {toxicity.toxicity_sell:.2f} sell"
    )
    lines.append(f"  written to {folder / (parameters.coin + '.json')}; the table of quotes:")
    lines.append(f"  mm quotes {parameters.coin} --parameters {shlex.quote(str(folder))}")
    return "\n".join(lines)


def _shadow_lines(shadow: PublishedShadow, bps: float) -> list[str]:
    """What quotes would have made with the bot's timing; `bps` makes basis points of a price."""
    lines = [
        f"  with the bot's timing, {bps * depth:.2f} bps from mid: {rate.value:.0f} fills per hour "
        f"[{rate.low:.0f}, {rate.high:.0f}], {bps * net.value:.2f} bps each before the fee "
        f"[{bps * net.low:.2f}, {bps * net.high:.2f}]"
        for depth, rate, net in zip(shadow.depth, shadow.fills_per_hour, shadow.net_per_fill, strict=True)
    ]
    cost = shadow.age_cost
    interval = f"[{bps * cost.low:.2f}, {bps * cost.high:.2f}]"
    if shadow.timing is not None:
        gone_s, rests_s = shadow.timing.cancel_ms / 1e3, shadow.timing.place_ms / 1e3
        known = "as its log says" if shadow.timing.source == "record" else "as usual, its log says too little"
        lines.append(
            f"  that timing: an order is gone after {gone_s:.2f} s, the next rests after {rests_s:.2f} s, {known}"
        )
    return [*lines, f"  the age of a quote costs {bps * cost.value:.2f} bps per fill {interval}"]


def _anchor_lines(found: PublishedFairValue, bps: float) -> list[str]:
    """What anchoring quotes elsewhere than at mid would have gained; `bps` makes basis points of a price."""
    beta = found.imbalance
    interval = f"[{bps * beta.low:.2f}, {bps * beta.high:.2f}]"
    lines = [f"  mid moves by {bps * beta.value:.2f} bps in a second per unit of imbalance at the touch {interval}"]
    verdict = "used" if found.used else "not used, it is not sure"
    lines.append(f"  quotes anchored there, {found.age_ms / 1e3:.2f} s old: {_gain(found, bps)}; {verdict}")
    if found.leader is not None:
        leader, gamma = found.leader, found.leader.response
        ahead = "no lead found" if leader.lead_s is None else f"{leader.lead_s.value:.2f} s ahead"
        lines.append(f"  leader {leader.name}, {ahead}: mid moves by {gamma.value:.2f} of its last second "
                     f"[{gamma.low:.2f}, {gamma.high:.2f}]; anchored there too: {_gain(leader, bps)}")  # fmt: skip
    return lines


def _gain(found: PublishedFairValue | PublishedLeader, bps: float) -> str:
    gain = found.gain_per_fill
    if gain is None:
        return "nothing was filled"
    return (f"{bps * gain.value:.2f} bps more per fill [{bps * gain.low:.2f}, {bps * gain.high:.2f}], "
            f"{found.fills} fills against {found.fills_around_mid} around mid")  # fmt: skip


def _backfill(settings: Settings, options: dict[str, Any]) -> None:
    from market_making.recording.store.tick_store import TickStore

    store = TickStore(settings.market_data, settings.venue)
    extents = {coin: store.extent(coin) for coin in settings.coins}
    if options["start"] and options["end"] and options["start"] > options["end"]:
        times = [utc_text(options[name]) for name in ("start", "end")]
        raise ConfigurationError("--end must not be before --start {}, got {}".format(*times))
    for coin, extent in extents.items():
        _require_recorded(coin, extent, (options["start"], options["end"]), settings)
    require_writable(settings.parameters)
    from rich.progress import Progress

    from calibration.backfill import backfill

    report = {}
    with Progress(transient=True, disable=options["as_json"]) as progress:
        for coin, (first, last) in extents.items():
            start, end = options["start"] or first, min(options["end"] or last, now_ms())
            task = progress.add_task(f"calibrating {coin}", total=1.0)
            written = backfill(
                coin,
                settings,
                start_ms=start,
                end_ms=end,
                every_s=options["every"] or BACKFILL_EVERY_S,
                on_progress=partial(_update, progress, task),
            )
            report[coin] = {**written._asdict(), "start_ms": start, "end_ms": end}
    if options["as_json"]:
        print_json({"coins": report, "out": str(settings.parameters / "history")})
        return
    for coin, result in report.items():
        click.echo(f"{coin}: {result['rows']} calibrations in {settings.parameters / 'history' / coin}")
        if result["refusal"]:
            missing = result["times"] - result["rows"]
            click.echo(f"  {missing} of {result['times']} times have none, the last because: {result['refusal']}")


def _update(progress: Progress, task: TaskID, share: float) -> None:
    progress.update(task, completed=share)


@click.command()
@json_option
def schema(*, as_json: bool) -> None:  # noqa: ARG001 - the schema is a JSON document either way
    """Print the JSON schema of the parameter file."""
    from calibration.publication.parameters import Parameters

    print_json(Parameters.model_json_schema(by_alias=True))
