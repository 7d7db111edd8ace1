"""`mm import`: market data of other programs and archives; `mm candles`: Freqtrade's candles from either."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import ConfigurationError, NotEnoughData
from market_making.market.selection import Selection
from market_making.ops.commands.collect import data_option
from market_making.ops.commands.options import (
    coins_option,
    config_option,
    json_option,
    load_settings,
    print_json,
    user_data,
    with_options,
)

if TYPE_CHECKING:
    from market_making.recording.candles.from_ticks import CandleFile
    from market_making.recording.importers import ImportReport

FORMATS = ("hftbacktest", "hyperliquid-archive", "hyperliquid-fills", "prior-art", "tardis")
CANDLES = Path("data/hyperliquid")


@click.command("import")
@click.argument("kind", metavar="FORMAT", type=click.Choice(FORMATS))
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@with_options(click.option("--out", required=True, help="Root of the tick store."), json_option)
def import_(kind: str, paths: tuple[Path, ...], out: str, *, as_json: bool) -> None:
    """Read files of FORMAT, also those in folders, into a tick store.

    You may interrupt and repeat it. Lines that cannot be read are counted, and shown with file and line.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from market_making.recording.importers import IMPORTERS

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(path: Path, done: int, size: int) -> None:
            progress.update(task, description=path.name, completed=done, total=size)

        report = IMPORTERS[kind](list(paths), out, progress=tell)
    if as_json:
        print_json(_document(report))
    else:
        _show(report, out)
    if not report.rows and not report.files_known:
        raise NotEnoughData(f"0 rows of {kind} in {', '.join(map(str, paths))}, need 1; is it another format?")


def _document(report: ImportReport) -> dict[str, Any]:
    return {
        "files": report.files,
        "files_known": report.files_known,
        "files_torn": report.files_torn,
        "rows": {str(stream): rows for stream, rows in sorted(report.rows.items())},
        "ignored": report.ignored,
        "malformed": report.malformed,
        "faults": report.faults,
    }


def _show(report: ImportReport, out: str) -> None:
    rows = ", ".join(f"{count:,} {stream}" for stream, count in sorted(report.rows.items())) or "no rows"
    click.echo(f"{report.files} files: {rows} in {out}")
    if report.files_known:
        click.echo(f"{report.files_known} files were imported before")
    if report.ignored:
        click.echo(f"{report.ignored:,} rows of no use here (other channels, spot pairs, no aggressor)")
    if report.malformed:
        click.echo(f"{report.malformed:,} lines could not be read, in {report.files_torn} torn files and others:")
    for fault in report.faults:
        click.echo(f"  {fault}")


@click.command()
@with_options(
    coins_option,
    click.option("--venue", help="Name of the venue in the store."),
    data_option,
    click.option(
        "--from",
        "source",
        type=click.Path(path_type=Path, exists=True),
        help="Candles in feather or parquet, a file or a folder, instead of ticks; needs --coin.",
    ),
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        help="Freqtrade's data folder of the exchange.  [default: data/hyperliquid in the folder of --userdir]",
    ),
    config_option,
    json_option,
)
def candles(*, out: Path | None, as_json: bool, **options: Any) -> None:
    """Give Freqtrade 1m, 5m and 1h candles and funding for its backtests, from ticks or from other files.

    Without --coin: of every coin of the store.
    """
    out = out or user_data() / CANDLES
    files = _converted(out, options) if options["source"] else _from_ticks(out, options)
    if as_json:
        document = [{"path": str(file.path), "candles": file.candles, "before": file.before} for file in files]
        print_json({"files": document})
        return
    for file in files:
        click.echo(f"{file.candles:8,} candles, before {file.before:,}, in {file.path}")


def _from_ticks(out: Path, options: dict[str, Any]) -> list[CandleFile]:
    settings = load_settings(options["configs"], venue=options["venue"], market_data=options["data"])
    from market_making.recording.other_venues.recorded import recorded_coins

    named = Selection(options["coins"], strict=True)
    coins = recorded_coins(settings.market_data, settings.venue, named) if named.wanted else ()
    from market_making.recording.candles.from_ticks import write_candles
    from market_making.recording.store.tick_store import TickStore

    store = TickStore(settings.market_data, settings.venue)
    if coins:
        return [file for coin in coins for file in write_candles(store, coin, out)]
    files = []
    for coin in store.coins():
        try:
            files += write_candles(store, coin, out)
        except NotEnoughData as error:
            click.echo(f"{coin} is left out: {error}", err=True)
    if not files:
        raise NotEnoughData(f"0 coins of {settings.venue} with a trade in {settings.market_data}, need 1")
    return files


def _converted(out: Path, options: dict[str, Any]) -> list[CandleFile]:
    source, coins = options["source"], options["coins"]
    for name in ("data", "venue"):
        if options[name]:
            raise ConfigurationError(f"--{name} names ticks, --from candles: give one of them")
    if not coins or (source.is_file() and len(coins) > 1):
        raise ConfigurationError("name the coin of these candles with --coin; a single file is of one coin")
    from market_making.recording.candles.files import convert_candles

    return [file for coin in coins for file in convert_candles(source, coin, out)]
