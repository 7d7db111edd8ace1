"""`mm train-volatility`: learn the optional forecast of volatility from candles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import config_option, json_option, load_settings, print_json, with_options

if TYPE_CHECKING:
    from calibration.volatility.training import TrainedVolatility


@click.command("train-volatility")
@click.argument("candles", type=click.Path(path_type=Path, exists=True))
@with_options(
    click.option("--coin", "coins", multiple=True, required=True, help="A coin; repeat for several."),
    click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the parameter files."),
    config_option,
    json_option,
)
def train_volatility(
    candles: Path, coins: tuple[str, ...], out: Path | None, configs: tuple[Path, ...], *, as_json: bool
) -> None:
    """Learn to forecast volatility from one-minute CANDLES (Freqtrade's data folder, or one file).

    A forecast is written only where it beats an exponentially weighted average on the last 30 % of the candles, which
    it has not seen; a calibrator started afterwards uses it, and an earlier one that lost is removed.
    """
    folder = load_settings(configs, parameters=out).parameters
    trained = [_train(candles, coin) for coin in coins]
    for result in trained:
        if result.is_better:
            result.write(folder)
        else:
            result.withdraw(folder)
    if as_json:
        print_json([result.model_dump(mode="json", by_alias=True) | {"used": result.is_better} for result in trained])
    else:
        _show(trained, folder)


def _train(path: Path, coin: str) -> TrainedVolatility:
    from calibration.volatility.training import MINUTE_MS, train
    from market_making.recording.candles.files import find_candles, period_ms, read_candles

    file = find_candles(path, coin, "1m" if path.is_dir() else None)
    candles = read_candles(file)
    found = period_ms(candles, file)
    if found != MINUTE_MS:
        raise ConfigurationError(f"{file}: candles of {coin} of {found / 1e3:g} s, needed are candles of 60 s")
    return train(coin, candles.open_ms, candles.close)


def _show(trained: list[TrainedVolatility], folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("coin", "QLIKE of the forecast", "of the average", "judged on", "")
    for result in trained:
        verdict = "[green]better: written[/green]" if result.is_better else "not better: not used"
        minutes = f"{result.judged:,} minutes"
        table.add_row(result.coin, f"{result.qlike:.4f}", f"{result.qlike_ewma:.4f}", minutes, verdict)
    Console().print(table)
    click.echo(f"forecasts are in {folder / 'volatility'}")
