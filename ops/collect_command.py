"""`mm collect`: record ticks into the store."""

import asyncio
from pathlib import Path

import click

from market.collector import Collector
from market.errors import ConfigurationError
from ops.options import coins_option, config_option, load_settings, with_options


@click.command()
@with_options(
    coins_option,
    click.option("--url", help="Base address of the venue's API."),
    click.option("--venue", help="Name of the venue in the store."),
    click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Root of the tick store."),
    config_option,
)
def collect(
    coins: tuple[str, ...], url: str | None, venue: str | None, data: Path | None, configs: tuple[Path, ...]
) -> None:
    """Record best quotes, trades and books of the coins until stopped (Ctrl-C or SIGTERM); nothing is lost then."""
    settings = load_settings(configs, coins=coins or None, url=url, venue=venue, market_data=data)
    if not settings.coins:
        raise ConfigurationError("no coin to record: name one with --coin or in the configuration's pair_whitelist")
    collector = Collector(url=settings.url, coins=list(settings.coins), root=settings.market_data, venue=settings.venue)
    asyncio.run(collector.run())
