"""What people have told a bot to do until they say otherwise: ``<state folder>/<bot>.standing``.

Freqtrade forgets `/stop` and `/stopentry` when it ends, and containers start again by themselves. The file is there
while a bot is stopped or paused; `/start` removes it. One that cannot be read means stopped.
"""

from enum import StrEnum
from pathlib import Path

import orjson

from market_making.market.clock import now_ms
from market_making.market.durable_file import remove_durably, write_durably

SUFFIX = ".standing"


class Standing(StrEnum):
    """What a bot may do, in Freqtrade's own words."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


def read_standing(folder: Path, bot: str) -> Standing:
    """What a bot was last told; running, if nobody has told it anything."""
    try:
        return Standing(orjson.loads(_path(folder, bot).read_bytes())["standing"])
    except (FileNotFoundError, NotADirectoryError):
        return Standing.RUNNING
    except (OSError, ValueError, KeyError, TypeError):
        return Standing.STOPPED


def write_standing(folder: Path, bot: str, standing: Standing) -> None:
    """Remember what a bot was told, durably.

    Raises
    ------
    OSError
        If it cannot be written or removed.
    """
    path = _path(folder, bot)
    if standing is Standing.RUNNING:
        remove_durably(path)
    else:
        write_durably(path, orjson.dumps({"standing": standing, "since_ms": now_ms()}))


def _path(folder: Path, bot: str) -> Path:
    return folder / f"{bot}{SUFFIX}"
