"""Options and value types that several commands share."""

from __future__ import annotations

import datetime
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from market_making.market.selection import Selection
    from market_making.safety.overview import Commands
    from market_making.settings.settings import Settings

CONFIG = "config.json"
_USER_DATA = "user_data"
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SHORTEST_S = 1e-3
_MILLISECONDS_DIGITS = 12

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
coins_option = click.option("--coin", "coins", multiple=True, help="A coin, or its pair; repeat for several.")


class Duration(click.ParamType[float]):
    """A time span such as ``30m`` or ``15s``, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number with its unit; a bare number means seconds."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(value))
        if match is None:
            self.fail(f"{value!r} is not a time span like 30m, 15s or 2h", param, ctx)
        seconds = float(match[1]) * _UNITS_S[match[2] or "s"]
        if seconds < _SHORTEST_S:
            self.fail(f"{value!r} is no time span like 30m, 15s or 2h: it is shorter than 1 ms", param, ctx)
        return seconds


class Instant(click.ParamType[int]):
    """A moment in UTC: ``now``, ISO 8601, or Unix milliseconds. Returned in milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the moment; a time without a zone is UTC."""
        text = str(value)
        if text == "now":
            return now_ms()
        if text.isdigit() and len(text) > _MILLISECONDS_DIGITS:
            return int(text)
        try:
            moment = datetime.datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is not a time like 2025-09-04T19:50:00, now, or Unix milliseconds", param, ctx)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return int(moment.timestamp() * 1000)


def now_ms() -> int:
    """Unix milliseconds of this machine's clock."""
    return int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)


def ago(seconds: float) -> str:
    """How long ago, in the largest unit of which there are two; what came while others were read, now."""
    seconds = max(seconds, 0.0)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.1f} s ago"


def _keep_folder(context: click.Context, _: click.Parameter, folder: Path | None) -> None:
    context.meta[_USER_DATA] = folder


_config_files = click.option(
    "-c",
    "--config",
    "configs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Freqtrade configuration; later files win.  [default: config.json in the folder of --userdir]",
)


def _folder_option(*, exists: bool) -> Callable[[Any], Any]:
    """`--userdir`; a folder that does not exist is a typing error but for a command that writes it."""
    return click.option(
        "--userdir",
        type=click.Path(path_type=Path, file_okay=False, exists=exists),
        callback=_keep_folder,
        expose_value=False,
        help="Freqtrade's folder; every path that is not configured lies in it.  [default: user_data]",
    )


user_data_option = _folder_option(exists=False)


def config_option(command: Any) -> Any:
    """Give a command the options from which `load_settings` knows what to read."""
    return _config_files(_folder_option(exists=True)(command))


def chosen_folder() -> Path | None:
    """Freqtrade's folder as the command line names it; None if it does not."""
    context = click.get_current_context(silent=True)
    chosen: Path | None = None if context is None else context.meta.get(_USER_DATA)
    return chosen


def user_data() -> Path:
    """Freqtrade's folder, as the command line names it or below the current one."""
    return chosen_folder() or Path(_USER_DATA)


def as_typed() -> str:
    """Return the options with which folder and configuration were named, for a command that is to be typed next."""
    folder, context = chosen_folder(), click.get_current_context(silent=True)
    words = [] if folder is None else ["--userdir", str(folder)]
    configs = () if context is None else context.params.get("configs", ())
    words += [word for config in configs for word in ("-c", str(config))]
    return "".join(f" {shlex.quote(word)}" for word in words)


def commands_as_typed(configs: tuple[Path, ...]) -> Commands:
    """Return what starts each program with the folder and the configuration that were typed."""
    from market_making.safety.overview import Commands
    from market_making.settings.files import load_all

    files, usual = as_typed(), Commands()
    if not files:
        return usual
    named = configs or (user_data() / CONFIG,)
    has_strategy = "strategy" in load_all([file for file in named if file.exists()])
    strategy = "" if has_strategy else " --strategy MarketMaking"
    return Commands(usual.collector + files, usual.calibrator + files, f"freqtrade trade{strategy}{files}")


def load_settings(configs: tuple[Path, ...], **overrides: Any) -> Settings:
    """Settings from the configuration files, with the command line's own values on top; None means not given.

    Without `configs` the default file is read when it exists, otherwise all defaults hold.
    """
    from market_making.settings.settings import Settings

    default = user_data() / CONFIG
    settings = Settings.from_files(configs or ((default,) if default.exists() else ()), chosen_folder())
    return settings.model_copy(update={key: value for key, value in overrides.items() if value is not None})


def selection_of(settings: Settings, typed: tuple[str, ...]) -> Selection:
    """What is meant: the names typed, which must all exist, or those of the configuration, as far as they do."""
    from market_making.market.selection import Selection

    return Selection(typed, strict=True) if typed else settings.selection


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    import orjson

    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode())


def with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Apply several option decorators in the order in which they are named."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
