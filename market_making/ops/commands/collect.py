"""`mm collect`: record ticks into the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import (
    coins_option,
    config_option,
    json_option,
    load_settings,
    now_ms,
    print_json,
    selection_of,
    with_options,
)

if TYPE_CHECKING:
    from market_making.recording.collection.collector import Collector, CollectorOptions
    from market_making.recording.other_venues.quirks import VenueQuirks
    from market_making.settings.settings import Settings

_WATCHED = 60

data_option = click.option("--data", help="Root of the tick store: a folder, or an address such as s3://bucket/ticks.")


@click.command()
@with_options(
    coins_option,
    click.option(
        "--all",
        "whole_venue",
        is_flag=True,
        help="Every market of every kind that the exchange lists, or the busiest of them; Hyperliquid only.",
    ),
    click.option(
        "--scan",
        "watch_list",
        type=click.IntRange(min=1),
        is_flag=False,
        flag_value=_WATCHED,
        metavar="[N]",
        help=f"The N busiest markets of every kind, ranked anew every day, for mm scan to choose from.  "
        f"[default N: {_WATCHED}]",
    ),
    click.option(
        "--url", help="Base address of a Hyperliquid, such as a local one; --venue then only names the folder."
    ),
    click.option("--venue", help="hyperliquid or, through ccxt, binance, binanceusdm, bybit, dydx, okx."),
    click.option("--quote", help="Quote currency on a venue reached through ccxt.  [default: the venue's usual one]"),
    data_option,
    click.option(
        "--keep-days", type=click.IntRange(min=1), help="Remove recordings older than this.  [default: keep everything]"
    ),
    click.option(
        "--keep-gigabytes", type=click.FloatRange(min=0, min_open=True), help="Remove the oldest days beyond this size."
    ),
    config_option,
    json_option,
)
def collect(**options: Any) -> None:
    """Record best quotes, trades, books and asset contexts until stopped (Ctrl-C or SIGTERM).

    What was received is written before the program ends; what was missed is noted as a gap. With --json the end is a
    document.
    """
    settings = load_settings(
        options["configs"],
        url=options["url"],
        venue=options["venue"],
        market_data=options["data"],
    )
    options["whole_venue"] |= options["watch_list"] is not None
    if not selection_of(settings, options["coins"]).wanted and not options["whole_venue"]:
        what = "name one with --coin, or in the configuration, or give --all or --scan"
        raise ConfigurationError(f"no coin to record: {what}")
    collector = collector_of(settings, options)
    started_ms = now_ms()
    try:
        asyncio.run(collector.run())
    finally:
        if options["as_json"]:
            print_json(
                {"coins": None if options["whole_venue"] else list(collector.coins)}
                | _told(collector, settings, started_ms)
            )


def _told(collector: Collector, settings: Settings, started_ms: int) -> dict[str, Any]:
    """What was recorded; the rows that are lost are those that were received and could not be written."""
    counts = collector.counts
    return {
        "session": collector.session,
        "venue": settings.venue,
        "market_data": str(settings.market_data),
        "seconds": (now_ms() - started_ms) / 1e3,
        "rows_received": counts.received,
        "rows_written": counts.written,
        "rows_lost": counts.received - counts.written,
        "bytes_written": counts.bytes_written,
        "malformed_messages": collector.malformed_messages,
        "clock_offset_ms": collector.clock_offset_ms,
    }


def collector_of(settings: Settings, options: dict[str, Any]) -> Collector:
    """The native collector, or the one of a venue that is reached through ccxt."""
    from market_making.recording.collection.collector import Collector, CollectorOptions
    from market_making.recording.collection.upkeep import Retention
    from market_making.recording.other_venues.venues import NATIVE, THROUGH_CCXT, venue_named
    from market_making.settings.settings import Settings

    retention = Retention(options["keep_days"], options["keep_gigabytes"])
    kept = CollectorOptions(retention=retention, state=settings.state, most=options["watch_list"])
    # A Hyperliquid at another address may have any name in the store.
    elsewhere = settings.url != Settings().url and settings.venue not in THROUGH_CCXT
    venue = None if elsewhere else venue_named(settings.venue)
    if venue is not None:
        return _through_ccxt(venue, settings, options, kept)
    if options["quote"]:
        raise ConfigurationError(f"--quote {options['quote']}: {NATIVE} has one quote currency, leave it out")
    coins = None if options["whole_venue"] else selection_of(settings, options["coins"])
    return Collector(settings.url, coins, settings.market_data, settings.venue, options=kept)


def _through_ccxt(venue: VenueQuirks, settings: Settings, options: dict[str, Any], kept: CollectorOptions) -> Collector:
    if options["url"]:
        raise ConfigurationError(f"--url {options['url']}: ccxt knows the addresses of {venue.name}, leave it out")
    if options["whole_venue"]:
        raise ConfigurationError(f"--all: name the coins of {venue.name} with --coin, each has sockets of its own")
    # Loading ccxt takes seconds and 100 MB, which recording the native venue does not need.
    from market_making.recording.other_venues.collector import OtherVenueCollector, VenueOptions

    through = VenueOptions(quote=options["quote"])
    return OtherVenueCollector(
        venue, selection_of(settings, options["coins"]), settings.market_data, options=kept, through=through
    )
