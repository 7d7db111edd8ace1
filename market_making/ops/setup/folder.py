"""Freqtrade's folder: what a bot needs of it, and what is added where it is missing."""

import shutil
import sysconfig
from pathlib import Path
from typing import NamedTuple

from market_making.market.errors import ConfigurationError
from market_making.settings.files import load_all
from market_making.settings.settings import SECTION

_BASE = "config.json"
_OWN_BASE = "market-making.json"
_SHARE = "share/freqtrade-market-making/user_data"
_CODE = ("strategies", "hyperopts")


class Added(NamedTuple):
    """What was put into a folder, and what was left there although ours differs."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]


def shipped() -> Path:
    """The folder with our strategies: that of the checkout, or the one that the package has installed.

    Raises
    ------
    ConfigurationError
        If neither exists.
    """
    checkout = Path(__file__).parents[3] / "user_data"
    schemes = [sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")]
    installed = [Path(sysconfig.get_path("data", scheme)) / _SHARE for scheme in schemes]
    for folder in (checkout, *installed):
        if (folder / _BASE).is_file():
            return folder
    looked = ", ".join(map(str, (checkout, *installed)))
    raise ConfigurationError(f"the strategies are not installed: none of {looked} exists; install the package again")


def variants(folder: Path) -> tuple[str, ...]:
    """Names of the strategies that are shipped, and of those that somebody has put into a folder of Freqtrade."""
    places = (shipped() / "strategies", folder / "strategies")
    return tuple(sorted({path.stem for place in places for path in place.glob("*.py")}))


def base_of(folder: Path) -> str:
    """Name of the configuration that a bot's own file stands on: config.json if it is ours, else a copy beside it."""
    present = folder / _BASE
    return _BASE if present.is_file() and SECTION in load_all([present]) else _OWN_BASE


def complete(folder: Path) -> Added:
    """Add strategies and the base configuration where they are missing; nothing that exists is changed."""
    source = shipped()
    wanted = {folder / base_of(folder): source / _BASE}
    for kind in _CODE:
        wanted |= {folder / kind / path.name: path for path in sorted((source / kind).glob("*.py"))}
    written, kept = [], []
    for target, origin in wanted.items():
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
            written.append(target)
        elif target.name != _BASE and target.read_bytes() != origin.read_bytes():
            kept.append(target)
    return Added(tuple(written), tuple(kept))
