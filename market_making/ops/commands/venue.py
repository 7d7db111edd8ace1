"""`mm venue`: the local Hyperliquid alone, over a simulated market or a recording."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.hyperliquid.weights import PER_MINUTE
from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import (
    Duration,
    Instant,
    config_option,
    json_option,
    now_ms,
    print_json,
    with_options,
)
from market_making.ops.commands.venue_accounts import account_options, bot_options, read_accounts
from market_making.ops.units import UNITS

if TYPE_CHECKING:
    from market_making.ops.local_account import LocalFiles
    from market_making.venue.config import VenueConfig
    from market_making.venue.markets.source import Source

SCHEDULES = (
    "on-request",
    "lost-answers",
    "bad-network",
    "bad-socket",
    "lying-socket",
    "far-away",
    "exchange-outage",
    "zero-balances",
    "rate-limited",
    "unknown-orders",
    "exchange-cancels",
    "other-hands",
    "liquidation",
    "clock-ahead",
    "clock-behind",
    "closed-markets",
    "chaos",
)
_PORT_TAKEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)


@click.command()
@with_options(
    click.option("--simulate", is_flag=True, help="Play a simulated market, whose true parameters are printed."),
    click.option(
        "--recording", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Play this tick store."
    ),
    click.option("--coin", "coins", multiple=True, help="A coin; repeat for several. Needed without --config."),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=1,
        show_default=True,
        help="Seed of the simulation and of the faults.",
    ),
    click.option("--start", type=Instant(), help="Where the recording starts to play.  [default: longest session]"),
    click.option(
        "--port", type=click.IntRange(0, 65535), help="0 takes a free one.  [default: that of --config, else 18080]"
    ),
    click.option(
        "--speed",
        type=click.FloatRange(min=0, min_open=True),
        default=1.0,
        show_default=True,
        help="Speed of the market relative to real time.",
    ),
    click.option(
        "--volatility-bps",
        type=click.FloatRange(min=0),
        help="How much mid of a simulated market wanders [bps/√s].  [default: each coin's own, about 0.5]",
    ),
    click.option(
        "--latency-ms",
        type=click.FloatRange(min=0),
        default=50.0,
        show_default=True,
        help="Delay before an order takes effect [ms].",
    ),
    *account_options,
    click.option(
        "--weight-limit",
        type=click.IntRange(min=0),
        default=PER_MINUTE,
        show_default=True,
        help="Weight an IP address may ask for per minute, as at the exchange; 0 for any.",
    ),
    click.option("--faults", metavar="NAME|FILE", help=f"What goes wrong: a file, or one of {', '.join(SCHEDULES)}."),
    click.option(
        "--new-account",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Open an account, and write its throw-away key and all addresses into this private configuration.",
    ),
    click.option(
        "--prehistory",
        type=click.Path(path_type=Path, file_okay=False),
        help="Tick store for the market before the start, so that a calibration need not wait ten minutes for it.  "
        "[default: with --new-account in the folder named like FILE, else none]",
    ),
    click.option(
        "--prehistory-length", type=Duration(), default="30m", show_default=True, help="How much of it is written."
    ),
    click.option(
        "--candle-history",
        type=Duration(),
        default="7d",
        show_default=True,
        help="Candles before a simulated market, invented in its manner.",
    ),
    click.option(
        "--live",
        type=Duration(),
        default="6m",
        show_default=True,
        help="How much of a recording is left to play after the start.",
    ),
    config_option,
    json_option,
)
def venue(**options: Any) -> None:
    """Serve Hyperliquid's protocol on 127.0.0.1 until stopped.

    A calibration needs ten recorded minutes. With --prehistory the market's last half hour is written to a tick store
    first, as a collector would have recorded it, so that the first calibration can be made at once.

    With --new-account everything else is written as well that a bot needs to trade here: mm and freqtrade take it as
    ``-c user_data/config.json -c FILE``.

    With --config the coins, the account, the port and the prehistory's folder are those of a bot of `mm init --venue`.

    With --faults programs of this machine can inject more of them: GET, POST and DELETE /faults.
    """
    _require_one_market(options)
    options |= bot_options(options)
    files = _open_account(options)
    config = _config(options)
    source = _source(**{name: options[name] for name in ("recording", "coins", "seed", "start", "volatility_bps")})
    from market_making.venue.markets.prehistory import Playback
    from market_making.venue.server import run

    playback = Playback.prepare(
        source,
        root=options["prehistory"],
        now_ms=now_ms(),
        seconds=options["prehistory_length"],
        live_seconds=options["live"],
    )

    def announce(url: str) -> None:
        truth = source.truth()
        if files is not None:
            files.write(url, options["coins"], options["prehistory"])
        if options["as_json"]:
            account = None if files is None else files.account.address
            print_json({"url": url, "truth": truth, "new_account": account})
            return
        click.echo(f"Hyperliquid, local: {url} (websocket {url.replace('http', 'ws', 1)}/ws)")
        _show_truth(truth)
        if files is not None:
            click.echo(f"account {files.account.address}; its key is in {files.config}, for your eyes only")

    try:
        run(source, config, playback, announce)
    except OSError as error:
        if error.errno not in _PORT_TAKEN:
            raise
        raise ConfigurationError(f"--port must be free, got {options['port']}; 0 takes any that is") from None


def _require_one_market(options: dict[str, Any]) -> None:
    if options["simulate"] == (options["recording"] is not None):
        raise ConfigurationError("give either --simulate or --recording ROOT")
    if options["recording"] is not None and options["volatility_bps"] is not None:
        raise ConfigurationError("--volatility-bps must be left out with --recording, which has its own")


def _open_account(options: dict[str, Any]) -> LocalFiles | None:
    """Invent the account that is asked for, and let it trade."""
    if options["new_account"] is None:
        return None
    from market_making.ops.local_account import LocalFiles

    files = LocalFiles(options["new_account"])
    options["accounts"] = (*options["accounts"], files.account.address)
    options["prehistory"] = options["prehistory"] or files.market_data
    return files


def _config(options: dict[str, Any]) -> VenueConfig:
    from market_making.venue.config import VenueConfig
    from market_making.venue.faults.presets import read_faults

    return VenueConfig(
        port=options["port"],
        older_candles_s=options["candle_history"] if options["simulate"] else 0.0,
        speed=options["speed"],
        order_latency_ms=options["latency_ms"],
        accounts=read_accounts(options),
        starting_balance=options["balance"],
        free_actions=options["free_actions"],
        weight_limit=options["weight_limit"] or None,
        faults=None if options["faults"] is None else read_faults(options["faults"]),
        fault_seed=options["seed"],
    )


def _source(
    *, recording: Path | None, coins: tuple[str, ...], seed: int, start: int | None, volatility_bps: float | None
) -> Source:
    if recording is not None:
        from market_making.venue.markets.recording import RecordingSource

        return RecordingSource(recording, list(coins), start_ms=start)
    from market_making.simulation.presets import default_truths
    from market_making.simulation.simulation import SimulatedSource

    truths = default_truths(coins)
    if volatility_bps is not None:
        truths = tuple(replace(truth, diffusion=volatility_bps * truth.start_price / 1e4) for truth in truths)
    return SimulatedSource(truths, seed=seed)


def _show_truth(truth: dict[str, dict[str, Any]] | None) -> None:
    for coin, groups in (truth or {}).items():
        click.echo(f"true parameters of {coin}:")
        for group, values in groups.items():
            for name, value in values.items():
                click.echo(f"  {group:6s} {name:26s} {value:.6g} {UNITS[name]}")
