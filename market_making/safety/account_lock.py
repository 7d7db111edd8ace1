"""One process per account, and per database: a lock file that is held as long as the process lives.

Positions of one account net, and Freqtrade takes every order it did not place for nobody's. So two bots on one account
double each other's orders. The operating system releases the lock when its holder ends, however it ends. Processes
that use different state folders do not see each other.
"""

import os
from hashlib import sha256
from pathlib import Path

from market_making.market.errors import SafetyError
from market_making.safety.process_lock import LockedByAnother, hold, holder_of
from market_making.safety.state_file import masked

_held: dict[Path, int] = {}


def take_account(folder: Path, address: str, role: str = "bot") -> Path:
    """Take the lock of an account for this process until it ends; return its file.

    A process that holds the lock gets it again: Freqtrade makes a new strategy when it reads its configuration again.

    Parameters
    ----------
    folder : Path
        The state folder.
    address : str
        The account.
    role : str
        Programs of different roles, such as a bot and the guard, may share an account.

    Raises
    ------
    SafetyError
        If another process holds it; the message names the process and when it started.
    OSError
        If the lock file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, address, role)
    if path in _held:
        return path
    try:
        _held[path] = hold(path)
    except LockedByAnother as holder:
        whose = f"{holder}, is the {role} of account {masked(address)}"
        text = f"{whose}; stop it first, or give this one an account of its own"
        raise SafetyError(text) from None
    return path


def take_database(path: str | None) -> None:
    """Be the only bot with this file of trades until the process ends; None, a database that is no file, is not locked.

    Raises
    ------
    LockedByAnother
        If another process has it.
    OSError
        If the lock file beside it cannot be written.
    """
    if path is None:
        return
    lock = Path(f"{path}.lock").resolve()
    if lock not in _held:
        lock.parent.mkdir(parents=True, exist_ok=True)
        _held[lock] = hold(lock)


def account_holder(folder: Path, address: str, role: str = "bot") -> str | None:
    """Which process holds the lock of an account, and since when; None if none does, or this one."""
    path = _path(folder, address, role)
    return None if path in _held else holder_of(path)


def _path(folder: Path, address: str, role: str) -> Path:
    # A state file shows no whole address, and neither does the name of a lock.
    return folder.resolve() / f"{role}-{sha256(address.lower().encode()).hexdigest()[:12]}.lock"


def release_account(path: Path) -> None:
    """Give a lock back before the process ends."""
    handle = _held.pop(path, None)
    if handle is not None:
        os.close(handle)
