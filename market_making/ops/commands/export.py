"""`mm export`: recordings for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from market_making.ops.commands.collect import data_option
from market_making.ops.commands.options import (
    Instant,
    config_option,
    json_option,
    load_settings,
    print_json,
    with_options,
)
from market_making.recording.store.presence import require_folders

FORMATS = ("hftbacktest", "csv", "parquet")


@click.command("export")
@click.argument("kind", metavar="FORMAT", type=click.Choice(FORMATS))
@with_options(
    click.option("--coin", required=True, help="Folder of the recording, such as ETH or xyz-NVDA."),
    data_option,
    click.option("--start", type=Instant(), help="Where the window begins.  [default: first event]"),
    click.option("--end", type=Instant(), help="Where it ends.  [default: last event]"),
    click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to."),
    config_option,
    json_option,
)  # fmt: skip
def export(kind: str, **options: Any) -> None:
    """Write a recording as FORMAT: hftbacktest, csv or parquet.

    The first is one npz of events, the others have one file per stream. Every row is there once and in the order of
    time, also while the collector runs and merges its segments.
    """
    settings, coin = load_settings(options["configs"], market_data=options["data"]), options["coin"]
    require_folders(settings.market_data, settings.venue, (coin,))
    from market_making.recording.exporters.hftbacktest import export_hftbacktest
    from market_making.recording.exporters.tables import export_tables
    from market_making.recording.store.tick_store import TickStore

    store = TickStore(settings.market_data, settings.venue)
    first_ms, last_ms = store.extent(coin)
    start_ms = first_ms - 1 if options["start"] is None else options["start"]
    end_ms = last_ms if options["end"] is None else options["end"]
    if kind == "hftbacktest":
        paths = [export_hftbacktest(store, coin, start_ms, end_ms, options["out"])]
    else:
        paths = list(export_tables(store, coin, start_ms, end_ms, options["out"], kind))
    if options["as_json"]:
        print_json({"coin": coin, "start_ms": start_ms, "end_ms": end_ms, "files": [str(path) for path in paths]})
        return
    for path in paths:
        click.echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
