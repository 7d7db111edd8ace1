"""`mm compare`: the bot's variants and other makers on the same recording."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import config_option, json_option, print_json, with_options
from market_making.ops.commands.plotting import check_picture, plot_option, plots_of
from market_making.ops.commands.replaying import (
    cache_option,
    calibrations_option,
    engine_of,
    engine_options,
    is_two_sided,
    lags_of,
    reading_of,
    recording_options,
    settings_of,
    two_sided_option,
)
from market_making.ops.commands.variants import Variant, strategies, variant_of
from market_making.recording.store.presence import require_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from market_making.replay.bot.lags import LagProfile
    from market_making.replay.peers.peer import Peer
    from market_making.replay.study.comparison import Contestant, Standing
    from market_making.settings.settings import Settings

_NONE = "none"
_SHORT = {"too short to tell": "too short", "not distinguishable from zero": "unclear"}
_WIDE = 120  # columns of a terminal
_PARTS = {
    "spread": ("spread_per_hour", 1),
    "adverse": ("adverse_per_hour", 1),
    "inventory": ("inventory_per_hour", 1),
    "fees": ("fees_per_hour", -1),
    "net bps": ("net_bps", 1),
}


@click.command()
@with_options(
    click.option("--coin", "coins", multiple=True, required=True, help="A coin; repeat for several."),
    click.option(
        "--strategy", "strategies", multiple=True, default=("MarketMaking",), show_default=True,
        help="Name of a class; repeat for several. NAME:all-levels rests all its levels. 'all': every class there is.",
    ),
    click.option(
        "--peer", "peers", multiple=True,
        help="Name of another maker; repeat for several; 'none' for none.  [default: all, see docs/study.md]",
    ),
    click.option("--baseline", help="Whom the others are held against.  [default: the first strategy]"),
    recording_options,
    two_sided_option,
    calibrations_option,
    engine_options,
    cache_option,
    plot_option,
    config_option,
    json_option,
)  # fmt: skip
def compare(**options: Any) -> None:
    """Hold strategies against each other and against other makers, on the same recording.

    All have the same tapes, calibrations, latencies, order value and bound. What each earned more than the baseline is
    taken five minutes by five minutes, so that what moves the market moves no comparison.
    """
    check_picture(options["plot"])
    logging.getLogger("freqtrade").setLevel(logging.WARNING)
    settings, lags = settings_of(options), lags_of(options)
    require_folders(settings.market_data, settings.venue, options["coins"])
    names = _names(options["strategies"])
    peers = _peers(options["peers"])
    if not names and not peers:
        raise ConfigurationError("mm compare needs a --strategy or a --peer, got none")
    baseline = options["baseline"] or (names or [peer.name for peer in peers])[0]
    if baseline not in [*names, *(peer.name for peer in peers)]:
        raise ConfigurationError(f"--baseline must be one of the makers compared, got {baseline}")
    standings = _standings(settings, (names, peers, baseline), lags, options)
    if options["plot"] is not None:
        plots_of("market_making.replay.study.comparison_plot").plot_comparison(standings, baseline, options["plot"])
    if options["as_json"]:
        print_json({"baseline": baseline, "rows": [standing.document() for standing in standings]})
    else:
        _show(standings, baseline)


def _names(chosen: tuple[str, ...]) -> list[str]:
    """Names of the strategies, each once."""
    if "all" in chosen:
        return list(dict.fromkeys((*strategies(), *(name for name in chosen if ":" in name))))
    return list(dict.fromkeys(name for name in chosen if name != _NONE))


def _peers(chosen: tuple[str, ...]) -> list[Peer]:
    from market_making.replay.peers.catalogue import PEERS, peer_of

    if not chosen:
        return list(PEERS.values())
    return [peer_of(name) for name in dict.fromkeys(chosen) if name != _NONE]


def _standings(
    settings: Settings,
    makers: tuple[list[str], list[Peer], str],
    lags: Callable[[], LagProfile],
    options: dict[str, Any],
) -> list[Standing]:
    """Standings of every coin at the fee of its market, one coin after the other."""
    from calibration.fee_tier import FeeTier
    from market_making.replay.study.comparison import compare as held

    names, peers, baseline = makers
    found: list[Standing] = []
    tier = FeeTier(settings)
    for coin in options["coins"]:
        own = tier.settings_of(coin)
        variants = [variant_of(name, own) for name in names]
        found += held(list(_runs(coin, own, (variants, peers), lags, options)), baseline)
    return found


def _runs(
    coin: str,
    settings: Settings,
    makers: tuple[list[Variant], list[Peer]],
    lags: Callable[[], LagProfile],
    options: dict[str, Any],
) -> Iterator[Contestant]:
    from rich.console import Console

    from market_making.replay.accounts.accounts import Accounts
    from market_making.replay.bot.run import ReplaySetup
    from market_making.replay.peers.run import peer_model, replay_peer
    from market_making.replay.study.comparison import Contestant

    variants, peers = makers
    with Console(stderr=True).status(f"reading {coin}") as status:
        prepared, history = reading_of(settings, coin, options)
        two_sided, engine = is_two_sided(settings, options), engine_of(options["engine"])
        for variant in variants:
            status.update(f"{coin}: {variant.name}")
            setup = ReplaySetup(variant.model, prepared.instrument, history, engine, lags, two_sided=two_sided)
            yield Contestant(variant.name, is_peer=False, accounts=Accounts(variant.replay(setup, prepared.tapes)))
        for peer in peers:
            status.update(f"{coin}: {peer.name}")
            setup = ReplaySetup(peer_model(settings), prepared.instrument, history, engine, lags)
            yield Contestant(peer.name, is_peer=True, accounts=Accounts(replay_peer(peer, setup, prepared.tapes)))


def _show(standings: list[Standing], baseline: str) -> None:
    """One table a coin; the parts of the money where the terminal is wide enough for them."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    parts = _PARTS if console.width >= _WIDE else {}
    for coin in dict.fromkeys(standing.coin for standing in standings):
        table = Table(coin, "net/h", "±", "less", "±", *parts, "fills", "verdict", box=None)
        table.columns[0].no_wrap = True
        for standing in standings:
            row = standing.document()
            if standing.coin == coin:
                table.add_row(
                    row["name"], _signed(row["net_per_hour"]), _half(row["low"], row["high"]),
                    _signed(row["difference"]), _half(row["difference_low"], row["difference_high"]),
                    *(_signed(row[name], sign) for name, sign in parts.values()),
                    f"{row['fills']}", _SHORT.get(row["verdict"], row["verdict"]),
                )  # fmt: skip
        console.print(table, "", sep="\n")
    console.print(
        f"Money per hour in quote currency with its 95 % interval, and that less what {baseline} earned in the same "
        "five minutes. Without an interval there are too few minutes or fills to tell."
    )


def _signed(value: float | None, sign: int = 1) -> str:
    return "" if value is None else f"{sign * value:+.2f}"


def _half(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{(high - low) / 2:.2f}"
