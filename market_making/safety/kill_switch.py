"""The kill switch: one file, ``<state folder>/kill``, that every bot and the guard of a machine read in every loop.

While it exists, every order is cancelled and nothing is opened; with `flatten`, positions are closed, reduce-only. It
survives restarts and power cuts. Only its removal lets the bots go on, never time or a restart. A file that cannot be
read kills as well: somebody has written it.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from market_making.market.durable_file import remove_durably, write_durably

FILE = "kill"


@dataclass(frozen=True)
class Kill:
    """A kill switch in force since `since_ms` [ms]; `flatten` also asks to leave every position."""

    since_ms: int
    flatten: bool = False
    by: str = ""

    @property
    def sentence(self) -> str:
        """What people read wherever the switch stops something."""
        return (
            f"the kill switch is on{', every position is closed' if self.flatten else ''}; `mm stop --resume` ends it"
        )


def read_kill(folder: Path) -> Kill | None:
    """Read the kill switch of a state folder; None if it is off.

    A file that is torn or may not be read is a kill switch without `flatten`: a doubt stops quoting, but sells nothing.
    """
    path = folder / FILE
    try:
        document = orjson.loads(path.read_bytes())
        return Kill(int(document["since_ms"]), document["flatten"] is True, str(document.get("by", "")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Kill(0, by="a kill file that cannot be read")


def write_kill(folder: Path, kill: Kill) -> Path:
    """Turn the kill switch on, durably; return the path of the file.

    On a full disk an empty file still has room. It stops all bots, but leaves no position.

    Raises
    ------
    OSError
        If it cannot be written; a switch that should leave positions may be on without doing so, and the error says so.
    """
    path = folder / FILE
    try:
        write_durably(path, orjson.dumps(asdict(kill)))
    except OSError as error:
        with suppress(OSError):
            path.touch()
        if read_kill(folder) is None:
            raise
        if kill.flatten and not _flattens(folder):
            text = f"{error.strerror}; the kill switch is on and stops quoting, but no position is closed"
            raise OSError(error.errno, text, str(path)) from error
    return path


def _flattens(folder: Path) -> bool:
    kill = read_kill(folder)
    return kill is not None and kill.flatten


def remove_kill(folder: Path) -> bool:
    """Turn the kill switch off, durably; tell whether it was on.

    Raises
    ------
    OSError
        If it cannot be removed.
    """
    return remove_durably(folder / FILE)
