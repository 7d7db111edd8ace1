"""`mm calibrate --backfill --candles`: a history for backtests where no ticks were recorded."""

from typing import Any

import click

from calibration.candles.history import FLAG, write_candle_history
from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import print_json
from market_making.recording.candles.files import find_candles, read_candles
from market_making.recording.candles.from_ticks import TIMEFRAMES_MS
from market_making.settings.settings import Settings


def backfill_from_candles(settings: Settings, options: dict[str, Any]) -> None:
    """Write the history of each coin that its candles let one guess, and say that it is guessed.

    Raises
    ------
    ConfigurationError
        If the options do not go together, or there is no file of candles.
    DataError
        If a file cannot be used.
    """
    path = options["candles"]
    if options["data"]:
        raise ConfigurationError(
            "--candles does not go with --data: a history is guessed from candles or read from ticks"
        )
    if path.is_file() and len(settings.coins) > 1:
        raise ConfigurationError(f"{path} holds the candles of one coin: name it with --coin")
    lengths = {period / 1e3: name for name, period in TIMEFRAMES_MS.items()}
    report = {}
    for coin in settings.coins:
        file = find_candles(path, coin, lengths.get(options["every"]))
        written = write_candle_history(
            read_candles(file),
            settings.parameters,
            coin,
            every_s=options["every"],
            window_s=options["window"],
            between_ms=(options["start"], options["end"]),
        )
        report[coin] = {**written._asdict(), "candles": str(file)}
    if options["as_json"]:
        print_json({"coins": report, "out": str(settings.parameters / "history"), "flags": [FLAG]})
        return
    for coin, result in report.items():
        click.echo(
            f"{coin}: {result['rows']} rows from {result['candles']} in {settings.parameters / 'history' / coin}"
        )
    click.echo("guessed from candles: they exercise a backtest and are no evidence of profit (docs/candles.md)")
