"""Names of the orders that a bot asks for, written down before they are sent.

A bot that is killed between the acceptance of an order and its entry in the database leaves an order, or a fill of it,
that no database knows. By its name the order is certainly the bot's, and not another hand's: the exchange tells the
name with the order and with its fills. ``<state>/<bot>.orders`` holds the latest names, one per line.
"""

import os
import secrets
from pathlib import Path

from market_making.market.durable_file import replace_file

_DIGITS = 32
_MOST_BYTES = 64 * 1024
_LINE = 2 + _DIGITS + 1


class OrderNames:
    """Makes names and writes them down.

    Parameters
    ----------
    folder : Path
        Of the state files.
    bot : str
        Name of the bot.
    """

    def __init__(self, folder: Path, bot: str) -> None:
        self._path = names_path(folder, bot)

    def new(self) -> str:
        """A name that no other order has, and that nobody can tell whose it is."""
        return f"0x{secrets.token_hex(_DIGITS // 2)}"

    def note(self, name: str) -> None:
        """Write a name down, so that it outlives this process.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            line = f"{name}\n".encode()
            if os.write(descriptor, line) != len(line):
                raise OSError("the disk is full")
            is_long = os.fstat(descriptor).st_size > _MOST_BYTES
        finally:
            os.close(descriptor)
        if is_long:
            replace_file(self._path, self._path.read_bytes()[-(_MOST_BYTES // 2) // _LINE * _LINE :])


def names_path(folder: Path, bot: str) -> Path:
    """The file of a bot."""
    return folder / f"{bot}.orders"


def noted_names(folder: Path, bot: str) -> frozenset[str]:
    """The latest names that a bot has written down; empty where there are none to read."""
    try:
        content = names_path(folder, bot).read_bytes()
    except OSError:
        return frozenset()
    return frozenset(content.decode(errors="replace").split())
